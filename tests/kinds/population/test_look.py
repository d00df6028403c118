"""What is said of a recording at a glance."""

import dataclasses

import numpy as np
from matplotlib.axes import Axes

from raysp.kinds.population.look import look
from tests.kinds.population.made_up import make_split

real = Axes.imshow


def test_the_share_of_bins_with_a_spike_is_of_those_that_were_observed():
    split, _, _ = make_split("mine", trials=(6, 3), bins=10, forward=0, heldin=2, heldout=0)
    counts = np.zeros((6, 10, 2), dtype=np.float32)
    counts[:, :2], counts[:, 5:] = 1.0, np.nan
    kept = dataclasses.replace(split.train, heldin=counts, heldout=None, heldin_forward=None, heldout_forward=None)
    found = look(dataclasses.replace(split, train=kept, eval=None), None)
    assert "counts: at most 1 in a bin, 40.0% of bins have a spike" in found.lines


def test_the_counts_of_all_trials_that_are_drawn_have_one_scale(monkeypatch):
    split, _, _ = make_split("mine", trials=(6, 3), bins=10, forward=0, heldin=2, heldout=0)
    counts = np.ones((6, 10, 2), dtype=np.float32)
    counts[:, 3, 1] = np.arange(2, 8)
    kept = dataclasses.replace(split.train, heldin=counts, heldout=None, heldin_forward=None, heldout_forward=None)
    drawn = []
    monkeypatch.setattr(
        Axes, "imshow", lambda *given, **how: drawn.append((given[1].max(), how.get("vmax"))) or real(*given, **how)
    )
    look(dataclasses.replace(split, train=kept, eval=None), None)
    trials = drawn[:3]
    assert len({highest for highest, _ in trials}) > 1
    assert {scale for _, scale in trials} == {max(highest for highest, _ in trials)}
