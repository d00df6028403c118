"""Models as they come, on recordings of odd sizes: none ends below the mean rate."""

import numpy as np
import pytest
from polars import col

import raysp

ODD = {
    "one bin": {"bins": 1},
    "ten trials": {"trials": 10, "bins": 20},
    # Forty evaluation trials have a hundred spikes of one unit, too few to tell a model from its floor.
    "five units": {"units": 5, "heldout": 1, "bins": 20, "trials": 800, "training_trials": 120},
    "a silent unit": {"silent": 1, "trials": 60, "bins": 10},
}


def co_bps(model, split, **settings):
    scores = raysp.fit(model, split, progress=False, **settings).scores(split)
    return scores.filter(col("unit").is_null(), col("unit_index").is_null(), metric="co-bps")["value"].item()


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
def test_no_default_ends_below_the_floor(odd):
    split = raysp.load_split(source="made_up", **{"heldout": 10, **ODD[odd]})
    floor = co_bps("mean_rate", split)
    below = {
        name: found
        for name in ("smoothing", "reduced_rank", "sae", "masked_gru", "unet", "masked_cnn", "lfads")
        if (found := co_bps(name, split)) < floor - 1e-6
    }
    assert not below, f"the floor is {floor}"


COUNTS = np.random.default_rng(0).poisson(0.5, (20, 6, 8)).astype(np.float32)
LITTLE = {
    "one unit": (COUNTS[:, :, :1], {"heldout": 0}),
    "one bin": (COUNTS[:, :1], {}),
    "one validation trial": (COUNTS[:3], {}),
    "constant counts": (np.ones_like(COUNTS), {}),
    "silent units": (np.where(np.arange(8) < 3, 0, COUNTS), {}),
    "all but silent in training": (np.where(np.arange(20)[:, None, None] < 15, 0, COUNTS), {}),
}


@pytest.mark.parametrize("name", LITTLE)
def test_counts_that_say_little_leave_a_network_at_the_floor(name):
    counts, cut = LITTLE[name]
    split = raysp.load_split(counts, bin_ms=20, **cut)
    metric, sign = ("masked deviance", -1) if cut else ("co-bps", 1)
    fitted = [
        raysp.fit("mean_rate", split, progress=False),
        raysp.fit("masked_cnn", split, progress=False, epochs=3, learning_rate=0.05),
    ]
    whole = col("unit").is_null() & col("unit_index").is_null()
    floor, found = (one.scores(split).filter(whole, metric=metric)["value"].item() for one in fitted)
    assert sign * found >= sign * floor - 1e-6 * abs(floor)
