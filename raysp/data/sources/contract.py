"""What a source must keep, on a recording that is given: what it says, and that it builds the same twice."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from raysp.config.experiment import Recording
from raysp.config.settings import Plain
from raysp.data.sources.base import Built
from raysp.data.sources.catalog import config, source
from raysp.data.splits import catalog as splits
from raysp.data.splits import store
from raysp.errors import expect
from raysp.io import files

NAME = "checked"


def contract(name: str, settings: Mapping[str, Plain]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what must hold of a source, in words, and what raises where it does not.

    Args:
        name: of the source.
        settings: of a recording; see `lacking`.
    """
    recording = Recording(NAME, name, settings)
    found = source(name)
    yield "its Config is a frozen dataclass", lambda: _frozen(found.Config)
    if not lacking(name, settings):
        yield "what it reads is there", lambda: _inputs(recording)
        yield "it builds a split of a kind that is known, twice the same", lambda: _built(recording)
        yield "what it builds is read again as it was written", lambda: _kept(recording)
        yield "what a search may see holds no evaluation part", lambda: _training(recording)


def lacking(name: str, settings: Mapping[str, Plain]) -> list[str]:
    """Return the settings without a default that are not given; without them, nothing can be built."""
    missing = dataclasses.MISSING
    fields = [one for one in dataclasses.fields(source(name).Config) if one.default is one.default_factory is missing]
    return [one.name for one in fields if one.name not in settings]


def _frozen(cls: type[Any]) -> None:
    expect(cls.__dataclass_params__.frozen, f"{cls.__name__} expected @dataclass(frozen=True)")


def _inputs(recording: Recording) -> None:
    paths = source(recording.source).inputs(config(recording, "data"))
    right = isinstance(paths, list) and all(isinstance(path, str) for path in paths)
    expect(right, f"inputs(config) expected a list of paths, got {paths!r}")
    missing = [path for path in paths if not files.exists(path)]
    expect(not missing, f"there is no {' and no '.join(missing)}")


def _build(recording: Recording) -> Built:
    found = source(recording.source).build(config(recording, "data"), NAME)
    right = isinstance(found, tuple) and len(found) == 2 and hasattr(found[0], "kind")
    got = [type(one).__name__ for one in found] if isinstance(found, tuple) else type(found).__name__
    expect(right, f"build(config, name) expected a split and its answers or None, got {got}")
    name = found[0].name
    expect(name == NAME, f"a split expected the name that build was given, {NAME!r}, got {name!r}")
    return found


def _built(recording: Recording) -> None:
    (split, answers), (again, _) = _build(recording), _build(recording)
    kind = splits.of(split.kind)
    expect(isinstance(split, kind.Split), f"a {split.kind} split expected {kind.Split}, got {type(split)}")
    expect(answers is None or kind.Answers is not None, f"{split.kind} has no answers, build expected to return None")
    expect(split.fingerprint() == again.fingerprint(), "the second time, the arrays are others: seed what is drawn")


def _kept(recording: Recording) -> None:
    split, answers = _build(recording)
    with tempfile.TemporaryDirectory(prefix="raysp-") as root:
        store.save(split, answers, root, {"source": recording.source})
        there = store.load(root, NAME)
        expect(there.fingerprint() == split.fingerprint(), "what is read is not what was written")
        if answers is not None:
            store.load_answers(root, NAME)


def _training(recording: Recording) -> None:
    split, _ = _build(recording)
    with tempfile.TemporaryDirectory(prefix="raysp-") as root:
        store.save(split, None, root, {"source": recording.source})
        seen, own = store.load_training(root, NAME).arrays(), split.training().arrays()
        expect(set(seen) == set(own), f"split.training() has {sorted(own)}, and a search is shown {sorted(seen)}")
