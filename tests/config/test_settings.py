import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.config import settings
from raysp.errors import BadInput


@dataclass(frozen=True)
class Inner:
    width: int = 3


@dataclass(frozen=True)
class Outer:
    rate: float
    kind: Literal["gru", "lstm"] = "gru"
    sizes: tuple[int, ...] = (1, 2)
    cap: int | None = None
    flag: bool = False
    inner: Inner = Inner()


def test_builds_nested_and_coerces_only_whole_numbers_and_lists():
    found = settings.build(Outer, {"rate": 1, "sizes": [4, 5], "inner": {"width": 7}}, "model x")
    assert found == Outer(rate=1.0, sizes=(4, 5), inner=Inner(7))
    assert isinstance(found.rate, float)


def test_numpys_numbers_are_pythons_own():
    values = {"rate": np.float64(0.5), "sizes": np.array([4, 5]), "cap": np.int64(3), "flag": np.bool_(True)}
    found = settings.build(Outer, values, "model x")
    assert found == Outer(rate=0.5, sizes=(4, 5), cap=3, flag=True)
    assert [type(one) for one in (found.rate, *found.sizes, found.cap, found.flag)] == [float, int, int, int, bool]


def test_numpys_numbers_within_lists_and_mappings_are_written_as_pythons_own():
    found = settings.plain({"sizes": [np.int64(4), [np.float32(0.5)]], "of": {"a": (np.bool_(True), np.arange(2))}})
    assert json.loads(json.dumps(found)) == {"sizes": [4, [0.5]], "of": {"a": [True, [0, 1]]}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 1.0, "kidn": "gru"}, "did you mean 'kind'"),
        ({"rate": "fast"}, "rate expected float, got 'fast'"),
        ({"rate": 1.0, "kind": "grü"}, "did you mean 'gru'"),
        ({"rate": 1.0, "cap": 1.5}, "cap expected int"),
        ({"rate": 1.0, "cap": True}, "cap expected int"),
        ({"rate": 1.0, "flag": 1}, "flag expected bool"),
        ({"rate": 1.0, "sizes": 3}, r"sizes expected several values, e.g. \(3,\), got 3"),
        ({"rate": 1.0, "sizes": [1, "2"]}, r"sizes\[1\] expected int"),
        ({"rate": 1.0, "inner": {"widht": 3}}, "did you mean 'width'"),
        ({}, "needs the setting 'rate'"),
    ],
)
def test_refuses(values, message):
    with pytest.raises(BadInput, match=message):
        settings.build(Outer, values, "model x")


WHOLE = st.integers(-settings.LARGEST, settings.LARGEST - 1)


@given(st.floats(allow_nan=False, allow_infinity=False), st.lists(WHOLE), st.none() | WHOLE, st.booleans())
def test_plain_and_back_is_the_same(rate, sizes, cap, flag):
    outer = Outer(rate=rate, sizes=tuple(sizes), cap=cap, flag=flag)
    assert settings.build(Outer, settings.plain(outer), "x") == outer


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (float, float("nan"), "x expected a finite number, got nan"),
        (float, float("inf"), "x expected a finite number, got inf"),
        (int, 1 << 63, r"between -2\^63 and 2\^63"),
        (float, 10**400, r"between -2\^63 and 2\^63"),
        (tuple[int, ...], [0, -(1 << 64)], r"x\[1\] expected a number between"),
        (bool, "yes", "write true"),
        (bool, "Off", "write false"),
        (float, "1:30", "x expected float, got '1:30'"),
    ],
)
def test_numbers_and_answers_that_nothing_can_use_are_refused(kind, value, message):
    with pytest.raises(BadInput, match=message):
        settings.coerce(kind, value, "x")
