"""Spaces of random settings, for property tests."""

from hypothesis import strategies as st

from raysp.search.space_file import parse_space

NAMES = ("model.a", "model.b", "model.c", "model.d", "training.e", "training.f")
BASE = {"model.a": 4, "model.b": 0.5, "model.c": 7, "model.d": 2, "training.e": 16, "training.f": 1e-3}
KINDS = ("uniform", "loguniform", "int", "choice", "grid")

small = st.integers(-50, 50)
tenths = st.integers(-200, 200).map(lambda n: n / 10)
positive = st.integers(1, 500).map(lambda n: n / 100)
values = st.none() | st.booleans() | st.integers(2, 9) | st.sampled_from(["x", "yes", "1e-3"])
choices = st.lists(values | st.lists(small, max_size=2), min_size=1, max_size=4, unique_by=repr)


def ends(numbers):
    """Draw two different numbers, the lower one first."""
    return st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)


@st.composite
def ranges(draw):
    """Draw one range, in the form of a space file."""
    kind = draw(st.sampled_from([*KINDS, "intlog"]))
    if kind in ("choice", "grid"):
        return {kind: draw(choices)}
    if kind == "loguniform":
        return {kind: draw(ends(positive))}
    if kind == "intlog":
        return {"int": draw(ends(st.integers(1, 500))), "log": True}
    if kind == "int":
        low, high = draw(ends(small))
        step = draw(st.none() | st.integers(1, high - low))
    else:
        low, high = draw(ends(tenths))
        step = draw(st.none() | st.integers(1, 20).map(lambda n: n / 10).filter(lambda n: n <= high - low))
    return {kind: [low, high]} | ({} if step is None else {"step": step})


@st.composite
def spaces(draw):
    """Draw a space with conditions and a coupling; whether a condition can hold is left to chance."""
    names, found = draw(st.permutations(NAMES)), {}
    for i, name in enumerate(names[: draw(st.integers(1, 5))]):
        found[name] = draw(ranges())
        if i and draw(st.booleans()):
            above = draw(st.sampled_from(names[:i]))
            given = next(found[above][kind] for kind in KINDS if kind in found[above])
            found[name]["when"] = {above: draw(st.lists(st.sampled_from(given), min_size=1, max_size=2))}
    if draw(st.booleans()):
        found[names[-1]] = {"same": draw(st.sampled_from(list(found)))}
    return parse_space({"model": "made_up", "space": dict(draw(st.permutations(list(found.items()))))}, "made up")
