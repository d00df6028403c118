"""A recording looked at before anything is trained: what a file holds, how it would be cut, what that looks like."""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from raysp.config import own_code
from raysp.config.experiment import Recording
from raysp.config.sets import values
from raysp.config.settings import Plain
from raysp.data.sources import catalog, prepare, sampled
from raysp.data.sources import proposal as proposals
from raysp.data.sources.proposal_sorted import called, file_of
from raysp.data.sources.proposed import Proposal
from raysp.data.splits import catalog as splits
from raysp.data.splits import store
from raysp.data.splits.split import Answers, Split
from raysp.errors import BadInput, NotReady, StoreError
from raysp.io import files
from raysp.io.terminal import Terminal
from raysp.io.words import WARNING
from raysp.kinds import catalog as kinds
from raysp.kinds.looked import Looked

LOOKED = 20_000_000
"""Counts that are looked at, at most: 1,000 windows of a second of 200 units, in bins of 10 ms."""
SHOWN = 24
"""Lines on what a file holds; of more, the first and the last."""


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
        name: of the recording.
        path: as it was given.
        proposal: how it would be read; None of a prepared split.
        looked: what its kind of data says of it; None where it cannot be read.
        notes: what reading it left out, and what is doubtful.
        problem: why it cannot be read so; empty where it can.
        figures: paths of the figures.
    """

    name: str
    path: str
    proposal: Proposal | None
    looked: Looked | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    figures: tuple[str, ...] = ()


def look(path: str, root: str, out: str, source: str = "", settings: Mapping[str, Plain] | None = None) -> Look:
    """Look at a file, or at a prepared split, and draw its figures.

    Args:
        path: of the file, or of a folder of sorted spikes; or the name of a split that is prepared below the root.
        root: the data root.
        out: the folder of the figures.
        source: which source reads it; "" guesses.
        settings: of the source, instead of guessed ones.

    Raises:
        BadInput: there is no such file, or nobody here can read it.
    """
    given, name, path = dict(settings or {}), called(path), file_of(path)
    if files.is_local(path) and not files.exists(path) and files.exists(store.split_path(root, path)):
        return _drawn(Look(path, path, None), store.load(root, path), _answers(root, path), out)
    if source:
        found = Proposal(own_code.taken("data/sources", source), given, dict.fromkeys(given, "as given"))
    else:
        found = proposals.changed(proposals.proposal(path), "", given)
    if not found.source and len(able := proposals.having(given)) == 1:
        found = dataclasses.replace(found, source=able[0])
    if not found.source:
        told = "it holds no spikes or counts as raysp reads them"
        if given:
            told += (
                f" (a source that has {', '.join(given)} reads it: --source {' or '.join(able or proposals.ANYONES)})"
            )
        return Look(name, path, found, problem=f"{told}; {proposals.READS}")
    found = dataclasses.replace(found, settings=_whole_paths(found, path, root))
    recording = Recording(name, found.source, {**found.settings, "path": path})
    try:
        with sampled.at_most(LOOKED):
            split, answers = prepare.read(recording, root)
    except BadInput as error:
        return Look(name, path, found, problem=str(error))
    return _drawn(Look(name, path, found), split, answers, out)


def _whole_paths(found: Proposal, path: str, root: str) -> Mapping[str, Plain]:
    """Return settings whose paths of files are whole, so that an experiment in another folder finds them."""
    try:
        config = catalog.config(Recording("look", found.source, {**found.settings, "path": path}), root)
        read = set(catalog.source(found.source).inputs(config))
    except (BadInput, NotReady, StoreError):
        # What is wrong is said where it is read.
        read = set()
    beside = {one for one in found.settings.values() if isinstance(one, str) and files.is_local(one)}
    whole = {one: files.absolute(one) for one in beside if one in read and files.exists(one)}
    return {name: whole.get(value, value) if isinstance(value, str) else value
            for name, value in found.settings.items()}  # fmt: skip


def lines(found: Look, terminal: Terminal) -> Iterator[str]:
    """Yield what was found, for a person."""
    if found.proposal is not None and found.proposal.contents:
        yield f"{found.path} holds"
        contents = found.proposal.contents
        shown = contents if len(contents) <= SHOWN else (*contents[: SHOWN - 4], "...", *contents[-3:])
        yield from (line for one in shown for line in terminal.wrapped(f"  {one}"))
    if found.looked is not None:
        how = f", read by source {found.proposal.source}" if found.proposal is not None else ""
        yield f"{found.name}{how}"
        said = [*found.looked.lines, *(f"note: {note}" for note in found.notes if not note.startswith(WARNING))]
        for one in (*said, *(f"doubt: {doubt}" for doubt in found.looked.doubts)):
            yield from terminal.wrapped(f"  {one}")
    yield from (f"  figure       {path}" for path in found.figures)
    if found.proposal is not None and found.proposal.source:
        yield "in an experiment:"
        yield from (f"    {line}" for line in recording_lines(found))
    yield from (line for note in found.notes if note.startswith(WARNING) for line in terminal.wrapped(note))
    if found.problem:
        yield from terminal.wrapped(f"it cannot be read so: {found.problem}")


def recording_lines(found: Look) -> list[str]:
    """Return the lines of an experiment file that read a recording, each setting with why it is so."""
    assert found.proposal is not None
    proposal = found.proposal
    head = f'Recording("{found.name}", source="{proposal.source}", settings={{'
    return [head, *(f"    {line}" for line in setting_lines(found)), "})"]


def setting_lines(found: Look) -> list[str]:
    """Return the settings of a recording as lines of a dictionary in Python."""
    assert found.proposal is not None
    each = {"path": files.absolute(found.path), **found.proposal.settings}
    why = found.proposal.why
    return [
        f'"{name}": {_python(value)},{f"  # {why[name]}" if name in why else ""}'
        for name, value in each.items()
    ]  # fmt: skip


def given_lines(found: Look) -> list[str]:
    """Return the settings of a recording as a command line gives them, name=value."""
    assert found.proposal is not None
    return [f"{name}={_yaml(value)}" for name, value in found.proposal.settings.items()]


def _yaml(value: Plain) -> str:
    if isinstance(value, str) and values((f"text={value}",)).get("text") == value:
        return value
    return json.dumps(_short(value), ensure_ascii=False)


def _short(value: Plain) -> Plain:
    """Return a setting whose whole numbers have no point."""
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    if isinstance(value, Mapping):
        return {key: _short(one) for key, one in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _python(value: Plain) -> str:
    """Return a setting as Python writes it, texts in double quotes as everywhere in an experiment."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_python, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_python(key)}: {_python(one)}" for key, one in value.items()) + "}"
    return repr(_short(value))


def _drawn(found: Look, split: Split, answers: Answers | None, out: str) -> Look:
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        looked = kinds.of(split.kind).look(split, answers)
    paths = []
    for picture in looked.pictures:
        paths.append(files.join(out, f"{found.name}-{picture.name}.png"))
        with files.replacing(paths[-1]) as temporary, open(temporary, "wb") as file:
            file.write(picture.png)
    return Look(found.name, found.path, found.proposal, looked, split.provenance.notes, "", tuple(paths))


def _answers(root: str, name: str) -> Answers | None:
    """Return a prepared split's answers where they are known and nobody counts who looks at them."""
    known = store.header(root, name)
    if splits.of(known.kind).Answers is None or known.role.phase == "test":
        return None
    try:
        return store.load_answers(root, name)
    except NotReady:
        return None
