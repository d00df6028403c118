import pytest

from raysp.io.words import counted, named


@pytest.mark.parametrize(("what", "text"), [(0, "0 trials"), (1, "1 trial"), (2, "2 trials"), (["a"], "1 trial")])
def test_one_is_not_many(what, text):
    assert counted(what, "trial") == text


def test_a_long_list_is_cut():
    assert named(list("abcd")) == "a, b, c, d"
    assert named(list("abcde")) == "a, b, c, d, ..."
