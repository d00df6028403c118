import math

import pytest

from raysp.io.words import counted, named, number, setting


@pytest.mark.parametrize(("what", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (["a"], "1 trial")])
def test_one_is_not_many(what, text):
    assert counted(what, "trial") == text


def test_a_long_list_is_cut():
    assert named(list("abcd")) == "a, b, c, d"
    assert named(list("abcde")) == "a, b, c, d, ..."


@pytest.mark.parametrize(
    ("how", "value", "text"),
    [
        ("score", 0.12345, "0.1235"),
        ("score", -0.0005, "−0.0005"),
        ("score", -0.00001, "0.0000"),
        ("score", -12345.6, "−1.235e+04"),
        ("score", math.nan, "undefined"),
        ("score", None, "undefined"),
        ("digits", 0.12345, "0.123"),
        ("digits", 0.9996, "1.00"),
        ("digits", 1.2345, "1.23"),
        ("digits", 12.345, "12.3"),
        ("digits", 1234.5, "1,234"),
        ("digits", 0.0, "0.000"),
        ("digits", -0.00001, "0.000"),
        ("digits", None, "–"),
        ("digits", math.nan, "–"),
        ("count", 0.0, "0"),
        ("count", 3.25, "3.2"),
        ("count", 1012.4, "1,012"),
        ("count", None, "–"),
        ("short", -0.00123456, "−0.001235"),
    ],
)
def test_numbers(how, value, text):
    assert number(value, how) == text


@pytest.mark.parametrize(("value", "text"), [(0.042, "+0.042"), (-1.9, "−1.90"), (0.0, "0.000")])
def test_differences_bear_their_sign(value, text):
    assert number(value, "digits", signed=True) == text


def test_no_gain_has_no_sign():
    assert number(0.0, "brief", signed=True) == "0"
    assert number(0.01234, "brief", signed=True) == "+0.0123"


def test_settings_are_spelled_as_in_yaml():
    assert [setting(one) for one in (None, True, [1e-3, "cosine"], -2)] == ["null", "true", "0.001, cosine", "−2"]
