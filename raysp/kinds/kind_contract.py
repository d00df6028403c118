"""What a kind of data must keep: what generic code asks of it is there, and its words are of the right kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from raysp.data.splits import catalog as splits
from raysp.data.splits.split import Split
from raysp.errors import expect
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.kinds.metric import Metric
from raysp.models import catalog as models


def contract(name: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield what must hold of a kind of data, in words, and what raises where it does not."""
    yield "KIND has all that raysp.kinds.kind.Kind has", lambda: _whole(name)
    yield "its metrics say in which direction they are better, and a search can look for one", lambda: _metrics(name)
    yield "its Split has all that raysp.data.splits.split.Split has", lambda: _split(name)
    yield "its floor is a model that reads it", lambda: _floor(name)


def _whole(name: str) -> None:
    kind = kinds.of(name)
    lacking = [one for one in Kind.__abstractmethods__ if not callable(getattr(kind, one, None))]
    expect(not lacking, f"KIND expected a raysp.kinds.kind.Kind, it lacks {', '.join(sorted(lacking))}")


def _metrics(name: str) -> None:
    found = kinds.of(name).metrics
    expect(all(isinstance(one, Metric) for one in found.values()), f"metrics expected a Metric by name, got {found}")
    expect(any(one.searched for one in found.values()), 'no metric is searched: Metric("min", searched=True)')


def _split(name: str) -> None:
    own = splits.of(name).Split
    lacking = sorted(one for one in Split.__abstractmethods__ if not hasattr(own, one))
    lacking += sorted({"name", "sizes", "provenance", "role"} - set(own.__dataclass_fields__))
    expect(not lacking, f"Split lacks {', '.join(lacking)}")
    expect(own.kind == name, f"Split.kind expected {name!r}, the folder's name, got {own.kind!r}")


def _floor(name: str) -> None:
    floor = kinds.of(name).floor
    reads = models.kind(floor)
    expect(reads == name, f"the floor {floor} reads {reads} splits")
