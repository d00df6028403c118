"""Preparing the benchmark's splits: recordings to files of tensors, each recording read once, only what is stale."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from raysp.config import code_hash
from raysp.data.formats import nwb
from raysp.data.nlb import build as nlb
from raysp.data.nlb import reference as nlb_reference
from raysp.data.nlb.recording import absent
from raysp.data.nlb.sets import BUILDER, SPLITS, STANDIN_MARK, STANDIN_PREFIX, parse
from raysp.data.splits import built_from, store
from raysp.errors import BadInput, NotReady, unknown
from raysp.io import files, hashes
from raysp.io.refusals import attempt

Report = Callable[[str], None]


def expand(patterns: Sequence[str]) -> list[str]:
    """Return the benchmark's splits that names and globs stand for, each once.

    Raises:
        BadInput: a name is unknown or a glob matches nothing.
    """
    found = (matching(pattern.removeprefix(STANDIN_PREFIX), SPLITS) for pattern in patterns)
    return list(dict.fromkeys(name for names in found for name in names))


def matching(pattern: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a name or glob stands for; raises BadInput when there is none."""
    known = list(known)
    found = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise unknown("split", pattern, known)
    return found


def groups(names: Iterable[str]) -> list[list[str]]:
    """Group splits by recording, so that each recording is read once.

    Raises:
        BadInput: a name is unknown.
    """
    by_recording: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        by_recording.setdefault(parse(name)[0].name, []).append(name)
    return list(by_recording.values())


def present(found: list[list[str]], root: str, *, named: bool) -> list[list[str]]:
    """Return the groups whose recording is there, or whose splits all are: prepared elsewhere, and copied.

    Args:
        found: groups of splits.
        root: the data root.
        named: a person asked for just these: each must be there.

    Raises:
        NotReady: a recording is not there, or none is.
    """
    there = [
        group
        for group in found
        if files.exists(parse(group[0])[0].train_path(root)) or all(_prepared(name, root) for name in group)
    ]
    missing = [parse(group[0])[0] for group in found if group not in there]
    if missing and named:
        raise absent(missing[0], root, *missing[1:])
    if missing and not there:
        raise absent(missing[0], root)
    return there


def resolve(name: str, root: str) -> str:
    """Return the full name of a split: "standin-" in front when the recording below the root was generated.

    Raises:
        BadInput: no split has that name, or the recording is damaged.
        NotReady: neither the recording nor the prepared split is there, or it is of the other kind.
    """
    recording, _, _ = parse(name)
    bare = name.removeprefix(STANDIN_PREFIX)
    if files.exists(recording.train_path(root)):
        full = STANDIN_PREFIX + bare if _is_standin(recording.train_path(root)) else bare
    else:
        full = _prepared(name, root)
    if not full:
        raise absent(recording, root)
    if name not in (bare, full):
        raise NotReady(
            f"{name} asks for a generated recording, the one of {recording.name} below {root} is real; "
            f"ask for {bare}, or generate elsewhere: raysp data standin --root OTHER"
        )
    return full


def up_to_date(names: Sequence[str], root: str, *, builders: Sequence[str] = (BUILDER, nlb_reference.VERSION)) -> bool:
    """Tell whether splits are prepared from the recordings that are there, by one of these builders."""
    return all(_current(name, root, builders) for name in names)


def prepare(
    names: Sequence[str], root: str, *, reference: bool = False, force: bool = False, report: Report | None = None
) -> list[str]:
    """Prepare splits, given by names or globs; see `prepare_group`."""
    found = groups(expand(names))
    return [
        name
        for group in present(found, root, named=True)
        for name in prepare_group(group, root, reference=reference, force=force, report=report)
    ]


def prepare_group(
    names: Sequence[str], root: str, *, reference: bool = False, force: bool = False, report: Report | None = None
) -> list[str]:
    """Prepare splits of one recording; those that are up to date, and whole, are left as they are.

    Args:
        names: the splits.
        root: the data root; splits go to the folder prepared below it.
        reference: build with nlb_tools, slowly.
        force: build again what is up to date.
        report: told the name of each split that was built.

    Returns:
        The splits' full names.

    Raises:
        BadInput: a name is unknown, or a file is not what it should be; splits that were there stay.
        NotReady: the recording is not there.
    """
    builder = nlb_reference.VERSION if reference else BUILDER
    full = [resolve(name, root) for name in names]
    stale = [name for name in full if force or not _current(name, root, (builder,)) or not store.is_whole(root, name)]
    if not stale:
        return full
    dataset = parse(stale[0])[0].name
    for split, targets in nlb.build_set(dataset, root, stale, reference=reference):
        store.save(split, targets, root, _built_from(split.name, root, builder))
        if report is not None:
            report(split.name)
        # The next split is built while these names still hold this one, unless they are let go.
        del split, targets
    return full


def try_group(names: Sequence[str], root: str, **options: Any) -> BadInput | NotReady | None:
    """Prepare splits of one recording as `prepare_group` does; return its refusal, None where there is none."""
    return attempt(prepare_group, names, root, **options)


def _current(name: str, root: str, builders: Sequence[str]) -> bool:
    try:
        full = resolve(name, root)
        found = store.header(root, full).built_from
    except (NotReady, BadInput):
        return False
    if not files.exists(parse(full)[0].train_path(root)):
        return found.get("builder") in builders
    built = any(built_from.is_current(root, full, _built_from(full, root, builder)) for builder in builders)
    return built and store.has_its_answers(root, full)


def _built_from(name: str, root: str, builder: str) -> dict[str, Any]:
    recording, _, phase = parse(name)
    below = {path.removeprefix(root).lstrip("/"): path for path in nlb.inputs(recording, phase, root)}
    found = {short: hashes.sha256(path) for short, path in sorted(below.items())}
    return {"builder": builder, "code": code_hash.digest(code_hash.of_source("nlb")), "files": found}


def _prepared(name: str, root: str) -> str:
    """Return the full name under which a split is prepared; empty when it is not."""
    bare = name.removeprefix(STANDIN_PREFIX)
    found = (full for full in (bare, STANDIN_PREFIX + bare) if files.exists(store.split_path(root, full)))
    return next(found, "")


def _is_standin(path: str) -> bool:
    with nwb.opened(path, parts=True) as file:
        return nwb.identifier(file).startswith(STANDIN_MARK)
