"""A list in a recording's settings names each thing once."""

import numpy as np
import pandas
import pytest

from raysp.config import settings
from raysp.data.sources import catalog, population
from raysp.errors import BadInput

TABLES = {"path": "x.csv", "bin_ms": 20, "window_ms": (0, 400)}
MATLAB = {"path": "x.mat", "bin_ms": 20, "window_ms": (0, 400), "spikes": "trial.spikes", "trials": "trial"}
COUNTS = {"path": "x.npz", "bin_ms": 20, "counts": "counts"}


@pytest.mark.parametrize(
    ("source", "given", "setting"),
    [
        ("matlab_spikes", {**MATLAB, "behavior": ("trial.y", "trial.x", "trial.y"), "behavior_hz": 100}, "behavior"),
        ("matlab_spikes", {**MATLAB, "align": "go", "keep": {"hit": [1, 1]}}, "keep, hit"),
        ("population", {**COUNTS, "conditions": ("side", "side")}, "conditions"),
        ("population", {**COUNTS, "decode": ("side", "side")}, "decode"),
        ("population", {**COUNTS, "accept": ("rate", "rate")}, "accept"),
        ("spike_tables", {**TABLES, "behavior": "y.csv", "behavior_columns": ("y", "y")}, "behavior_columns"),
        ("spike_tables", {**TABLES, "units": "u.csv", "keep_units": {"group": ["good", "good"]}}, "keep_units, group"),
        ("clamp_npz", {"path": "x.npz", "train": ("Noise 1", "Noise 1")}, "train"),
    ],
)
def test_what_is_named_twice_is_refused(source, given, setting):
    with pytest.raises(BadInput, match=f"{source if source != 'clamp_npz' else ''}, {setting} expected each once, got"):
        settings.build(catalog.source(source).Config, given, "x")


def test_columns_of_arrays_in_memory_have_names_of_their_own():
    counts, side = np.random.default_rng(0).poisson(0.5, (12, 10, 4)), np.arange(12) % 2
    frame = pandas.DataFrame({"side": side, "other": side}).set_axis(["side", "side"], axis=1)
    with pytest.raises(BadInput, match="decode expected each column once, got 'side' more than once"):
        population.build_arrays({"counts": counts, "decode": frame}, {"bin_ms": 20}, "x")
