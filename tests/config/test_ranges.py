import dataclasses
import math
import re
import types
import typing
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Interval, Le, Len

from raysp.config import ranges, settings
from raysp.config.experiment import Resources, Training
from raysp.data.sources import catalog as sources
from raysp.errors import BadInput
from raysp.models import catalog as models
from raysp.search.active_study import Amount

CONFIGS = {
    **{f"model {name}": models.module(name).Config for name in models.names()},
    **{f"source {name}": sources.source(name).Config for name in sources.names()},
    **{cls.__name__: cls for cls in (Training, Resources, Amount)},
}
NEEDED = {"path": "here", "movie": "there", "spikes": "there", "root": "data", "dataset": "mc_maze", "bin_ms": 20}
STEPS = {"ge": (0, -1), "gt": (1, 0), "le": (0, 1), "lt": (-1, 0)}
"""Steps from a bound to the nearest value that may be, and to the nearest that may not."""


def nearest(kind, bound, steps):
    if kind is int or not steps:
        return kind(bound + steps)
    return math.nextafter(bound, math.inf * steps)


def at_bounds(hint):
    """Yield, for each bound of a type, the nearest value that may be and the nearest that may not."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        for one in args:
            yield from at_bounds(one)
    elif origin is tuple:
        yield from (((good,) * 3, (bad,) * 3) for good, bad in at_bounds(args[0]))
    elif origin is Annotated and args[0] in (int, float):
        for limit in args[1:]:
            ((name, bound),) = dataclasses.asdict(limit).items()
            yield tuple(nearest(args[0], bound, steps) for steps in STEPS[name])
    elif origin is Annotated:
        yield from at_bounds(args[0])
        (one, *_) = typing.get_args(args[0])
        yield (typing.get_args(one)[:1] if typing.get_origin(one) is Literal else (1.0,)), ()


LIMITED = [
    (name, field, good, bad)
    for name, cls in CONFIGS.items()
    for field, hint in settings.hints(cls).items()
    for good, bad in at_bounds(hint)
]


@pytest.mark.parametrize(("name", "field", "good", "bad"), LIMITED)
def test_every_range_is_refused_just_outside_and_accepted_at_its_bounds(name, field, good, bad):
    cls = CONFIGS[name]
    needed = {one.name: NEEDED[one.name] for one in dataclasses.fields(cls) if one.default is one.default_factory}
    first = bad[0] if isinstance(bad, tuple) and bad else bad
    for make in (cls, lambda **values: settings.build(cls, values, "here")):
        with pytest.raises(BadInput, match=rf", {field}(\[0\])? expected .*, got {re.escape(str(first))}$"):
            make(**needed | {field: bad})
    assert settings.coerce(settings.hints(cls)[field], good, "here") == good


def test_every_number_of_a_model_has_a_range_but_those_whose_range_depends_on_others():
    free = {
        field
        for name in models.names()
        for field, hint in settings.hints(models.module(name).Config).items()
        if hint in (int, float, int | None, float | None)
    }
    assert free == {"mask_ratio", "mask_span", "output_channels", "step"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ranges.Count, "at least 1"),
        (ranges.Count | None, "at least 1"),
        (ranges.Positive, "a number > 0"),
        (ranges.Share, "a share in [0, 1)"),
        (ranges.Chance, "a share in [0, 1]"),
        (ranges.Between, "a number between 0 and 1"),
        (tuple[ranges.Positive, ...], "each a number > 0"),
        (ranges.Several[ranges.NonNegative], "one or more values, each at least 0"),
        (Annotated[int, Ge(2), Le(9)], "at least 2 and at most 9"),
        (Annotated[float, Interval(gt=1, lt=4)], "a number > 1 and a number < 4"),
        (Annotated[tuple[int, ...], Len(3)], "a count of values of at least 3"),
        (Annotated[int, "a note"], ""),
        (int, ""),
        (Literal["a", "b"], ""),
    ],
)
def test_a_range_in_words(kind, words):
    assert settings.limits(kind) == words
