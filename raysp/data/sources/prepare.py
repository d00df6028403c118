"""The one door from recordings to prepared splits, anyone's and the benchmark's.

What a source builds is kept below the data root, and built again only when the recordings' bytes, the settings, the
source's version, or its own code change.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from raysp.config import code_hash, settings
from raysp.config.experiment import STANDIN, Recording, in_present_words
from raysp.data.fetch.verified import is_standin
from raysp.data.formats import file_kind
from raysp.data.sources.base import Built, Source
from raysp.data.sources.catalog import ROOT, config, matching, recordings, source
from raysp.data.splits import store
from raysp.errors import Absent, BadInput, NotReady
from raysp.io import files, hashes
from raysp.io.refusals import attempt, raise_together
from raysp.io.words import named

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")


def present(chosen: Iterable[Recording], root: str, *, named: bool) -> dict[str, Recording]:
    """Return those of the recordings that are there, or whose splits are: prepared elsewhere, and copied.

    Args:
        chosen: recordings.
        root: the data root.
        named: a person asked for just these: each must be there, unless it is optional and another is.

    Returns:
        Full name of the split -> recording.

    Raises:
        NotReady: a recording is not there, or none is.
        BadInput: see `full_name`; several are raised together.
    """
    found, absent, refused = {}, {}, []
    for one in without_absent(chosen, root):
        try:
            found[full_name(one, root)] = one
        except Absent as error:
            absent[error.name] = error
        except (BadInput, NotReady) as error:
            refused.append((one.name, error))
    if absent and (named or not (found or refused)):
        raise next(iter(absent.values())) if len(absent) == 1 or not named else _all_absent(absent, root)
    raise_together(refused)
    return found


def without_absent(chosen: Iterable[Recording], root: str) -> list[Recording]:
    """Return recordings without the optional ones of which a file is not there; all where that would leave none."""
    chosen = list(chosen)
    return [one for one in chosen if not one.optional or _is_there(one, root)] or chosen


def _is_there(recording: Recording, root: str) -> bool:
    try:
        return all(map(files.exists, source(recording.source).inputs(config(recording, root))))
    except Absent:
        return False


def full_name(recording: Recording, root: str) -> str:
    """Return the split's name, "standin-" in front where a file was generated, after checking what can be checked.

    Raises:
        BadInput: a wrong setting, a name that means something else already, or a file that is not there.
        Absent: neither the recording, which can be fetched, nor the prepared split is there.
    """
    return _find(recording, root).name


def resolve(name: str, root: str) -> str:
    """Return the full name of a split that a source knows by name.

    Raises:
        BadInput, NotReady: no split has that name; see `full_name`; or the recording is real, and a generated one asked
            for.
    """
    bare, *others = matching([name], recordings())
    if others:
        raise BadInput(f"expected the name of one split, got {name}, which {named((bare, *others))} have")
    if name not in (bare, full := full_name(recordings()[bare], root)):
        raise NotReady(
            f"{name} asks for a generated recording, the one of {bare} below {root} is real; ask for {bare}, or "
            "generate elsewhere: raysp data standin --root OTHER"
        )
    return full


def up_to_date(recording: Recording, root: str) -> bool:
    """Tell whether a recording's split is prepared from the files that are there, or was prepared elsewhere."""
    try:
        found = _find(recording, root)
        return found.paths is None or _current(root, found.name, found.built_from(root), found.source.SAME)
    except (BadInput, NotReady, OSError):
        return False


def prepare(
    group: Sequence[Recording], root: str, *, force: bool = False, report: Callable[[str], None] | None = None
) -> list[str]:
    """Prepare splits that are read once; those that are up to date, and whole, are left as they are.

    Args:
        group: recordings of one source; see `groups`.
        root: the data root; splits go to the folder prepared below it.
        force: build again what is up to date.
        report: told the name of each split that was built.

    Returns:
        The splits' full names.

    Raises:
        BadInput, NotReady: see `full_name`, or a recording cannot be used; splits that were there stay as they were.
        OSError: the disk is full; likewise.
    """
    found = {one.name: one for one in (_find(recording, root) for recording in group)}
    # What was prepared elsewhere is used as it is.
    wanted = {one.name: one.built_from(root) for one in found.values() if force or one.paths is not None}
    stale = [found[name] for name in wanted if force or not _kept(root, name, wanted[name])]
    if not stale:
        return list(found)
    source = stale[0].source
    before = _stamps(stale)
    for split, answers in source.builds([(one.config, one.name) for one in stale]):
        _check_unchanged(before)
        known = dataclasses.replace(split, role=source.role(split.name))
        store.save(known, answers, root, wanted[split.name])
        if report is not None:
            report(split.name)
        # The next split is built while these names still hold this one, unless they are let go.
        del split, answers, known
    return list(found)


def read(recording: Recording, root: str) -> Built:
    """Return the split of a recording and its answers, as `prepare` would write them; nothing is written.

    Args:
        recording: with its source and settings.
        root: the data root.

    Raises:
        BadInput, NotReady: see `full_name`, or the recording cannot be used.
    """
    found = _find(recording, root)
    if found.paths is None:
        raise NotReady(f"the recording of {found.name} is not there, its prepared split is: load that by its name")
    before = _stamps([found])
    ((split, answers),) = found.source.builds([(found.config, found.name)])
    _check_unchanged(before)
    return dataclasses.replace(split, role=found.source.role(found.name)), answers


def _stamps(found: Iterable[_Found]) -> dict[str, files.Stamp]:
    """Return what changes when a file on this machine is written anew, of all that are read, by their paths."""
    return {path: files.stamp(path) for one in found for path in one.paths or () if files.is_local(path)}


def _check_unchanged(before: Mapping[str, files.Stamp]) -> None:
    """Raise BadInput where a file was written while it was read: no part of it can be trusted."""
    for path, stamp in before.items():
        if not files.exists(path) or files.stamp(path) != stamp:
            raise BadInput(f"{path} was written or taken away while it was read; go on when it is whole")


def try_prepare(group: Sequence[Recording], root: str, *, force: bool = False) -> BadInput | NotReady | None:
    """Prepare splits as `prepare` does; return its refusal, None where there is none."""
    return attempt(prepare, group, root, force=force)


def other_code(root: str, name: str) -> str | None:
    """Return a sentence on a split that was prepared by other code than today's; None for all others.

    Such a split is used where its recording is not there, or where the data root cannot be written.
    """
    found = store.header(root, name).built_from
    if "code" not in found or found["code"] == code_hash.digest(code_hash.of_source(found["source"])):
        return None
    return "it was prepared by other code than today's, and is used as it is, since it cannot be prepared anew here"


@dataclass(frozen=True)
class _Found:
    """A recording with its split's full name, and the paths that are read; None where the split alone is there."""

    recording: Recording
    source: Source
    config: DataclassInstance
    name: str
    paths: list[str] | None

    def built_from(self, root: str) -> dict[str, Any]:
        """Return what the split would be built from now. Raises Absent."""
        paths = self.source.inputs(self.config) if self.paths is None else self.paths
        # What comes from an archive is large, lies below the data root, and is changed by nobody.
        large = self.source.LARGE or self.recording.name in self.source.RECORDINGS
        sha256 = hashes.sha256 if large else files.sha256
        content = [[os.path.basename(path), sha256(path)] for path in paths]
        return {**_made_by(self.recording, self.source, self.config, root, paths), "recordings": content}


def _find(recording: Recording, root: str) -> _Found:
    _check_name(recording, root)
    kind, chosen = source(recording.source), config(recording, root)
    try:
        paths = kind.inputs(chosen)
    except Absent:
        if (name := _elsewhere(recording, kind, chosen, root)) is None:
            raise
        return _Found(recording, kind, chosen, name, None)
    for path in paths:
        if (problem := file_kind.no_file(path)) is not None:
            raise BadInput(f"recording {recording.name}: {path} {problem}")
    standin = any(map(is_standin, paths)) if kind.is_standin is None else kind.is_standin(chosen)
    return _Found(recording, kind, chosen, f"{STANDIN if standin else ''}{recording.name}", paths)


def _elsewhere(recording: Recording, kind: Source, chosen: DataclassInstance, root: str) -> str | None:
    """Return the full name of a split that was prepared where its recording is; None where there is none."""
    wanted = _made_by(recording, kind, chosen, root, [])
    for name in (recording.name, STANDIN + recording.name):
        with contextlib.suppress(BadInput, NotReady):
            if _agree(store.header(root, name).built_from, wanted, ("code", "recordings", *kind.SAME)):
                return name
    return None


def _kept(root: str, name: str, wanted: Mapping[str, object]) -> bool:
    try:
        return _current(root, name, wanted) and store.is_whole(root, name)
    except (NotReady, BadInput):
        return False


def _current(root: str, name: str, wanted: Mapping[str, object], apart: Sequence[str] = ()) -> bool:
    """Tell whether a split was built from the same, settings left `apart`, or cannot be written anew."""
    there = store.header(root, name).built_from
    kept = _agree(there, wanted, ("code", *apart)) and not _can_be_written(root)
    return (kept or _agree(there, wanted, apart)) and store.has_its_answers(root, name)


def _made_by(
    recording: Recording, kind: Source, chosen: DataclassInstance, root: str, paths: Sequence[str]
) -> dict[str, Any]:
    places = {root: ROOT} | {path: os.path.basename(path) for path in paths}
    values = settings.plain(chosen).items()
    plain = {key: places.get(value, value) if isinstance(value, str) else value for key, value in values}
    code = code_hash.digest(code_hash.of_source(recording.source))
    return {"source": recording.source, "version": kind.VERSION, "code": code, "settings": plain}


def _agree(one: Mapping[str, Any], other: Mapping[str, Any], apart: Sequence[str]) -> bool:
    """Tell whether two splits were built from the same, values of these names left apart."""
    first, second = (
        (_known(each, (*apart, "settings")), _known(in_present_words(each.get("settings", {})), apart))
        for each in (one, other)
    )
    return first == second


def _known(values: Mapping[str, T], apart: Sequence[str]) -> dict[str, T]:
    return {name: value for name, value in values.items() if name not in apart and value is not None}


def _can_be_written(root: str) -> bool:
    return not files.is_local(root) or os.access(files.absolute(files.join(root, "prepared")), os.W_OK | os.X_OK)


def _all_absent(absent: dict[str, Absent], root: str) -> NotReady:
    fetch = f"fetch with: raysp data fetch {' '.join(absent)} --root {root}"
    generate = f"generate recordings with: raysp data standin --root {root}"
    return NotReady(f"no recordings {', '.join(absent)} below {root}; {fetch}, or {generate}")


def _check_name(recording: Recording, root: str) -> None:
    name = recording.name
    if recordings().get(name, recording).source != recording.source or name.startswith(STANDIN):
        told = f"recording name expected none of a known recording's, and no {STANDIN!r} in front"
        raise BadInput(f"{told}, got {name!r}")
    for file in files.listing(files.join(root, "prepared")):
        there = file.removesuffix(".h5").removesuffix(".targets").removeprefix(STANDIN)
        if there.casefold() == name.casefold() and there != name:
            told = f"recording {name} and {there}, which is prepared below {root}, differ in case alone"
            raise BadInput(f"{told}, and on many disks their files would be one; give it another name")
