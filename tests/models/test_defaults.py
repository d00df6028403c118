"""Models as they come, on recordings of odd sizes: none ends below the mean rate."""

import pytest
from polars import col

import raysp

ODD = {
    "one bin": {"bins": 1},
    "ten trials": {"trials": 10, "bins": 20},
    "five units": {"units": 5, "heldout": 1, "bins": 20},
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
        name: found for name in ("sae", "masked_gru", "masked_cnn") if (found := co_bps(name, split)) < floor - 1e-6
    }
    assert not below, f"the floor is {floor}"
