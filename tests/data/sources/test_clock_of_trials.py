"""Spikes in samples of a rate that no file states are read by trials in seconds, which they follow at no other rate."""

import numpy as np
import pytest
from scipy.io import savemat

from raysp.data.sources.clock_of_trials import sampling_rate
from raysp.data.sources.proposal import proposal

RNG = np.random.default_rng(0)
START = 20 + np.cumsum(3 + RNG.exponential(1, 60))
EVEN = 20 + 4.0 * np.arange(60)


def spikes(trials, follow=2.0):
    """Return times, s, of four units that fire after each trial's time."""
    end = trials[-1] + 30
    noise = [RNG.uniform(0, end, int(5 * end)) for _ in range(4)]
    after = [np.repeat(trials, RNG.poisson(follow, len(trials))) for _ in range(4)]
    return [np.sort(np.append(one, more + RNG.normal(0.2, 0.05, len(more))))
            for one, more in zip(noise, after, strict=True)]  # fmt: skip


@pytest.mark.parametrize("hz", [10_000, 20_000, 24_414.0625, 25_000, 30_000])
def test_the_rate_at_which_units_follow_trials_is_found(hz):
    found = sampling_rate(np.floor(np.concatenate(spikes(START)) * hz), START)
    assert found is not None
    assert found[0] == hz


@pytest.mark.parametrize(("trials", "follow"), [(START, 0.0), (EVEN, 2.0)], ids=["units that do not", "even trials"])
def test_no_rate_is_found_where_nothing_tells(trials, follow):
    assert sampling_rate(np.floor(np.concatenate(spikes(trials, follow)) * 20_000), trials) is None


@pytest.mark.parametrize("kind", ["mat", "npz", "csv"])
def test_a_look_reads_trials_in_seconds_beside_samples(tmp_path, kind):
    each = [np.floor(one * 20_000) for one in spikes(START)]
    path = tmp_path / f"spikes.{kind}"
    if kind == "mat":
        cells = np.empty((4, 1), object)
        cells[:, 0] = each
        savemat(path, {"spk": cells, "trial_start": START})
    elif kind == "npz":
        np.savez(path, **{f"unit_{unit}": one for unit, one in enumerate(each)}, trial_start=START)
    else:
        rows = "".join(f"{unit},{time:.0f}\n" for unit, one in enumerate(each) for time in one)
        path.write_text(f"unit,sample\n{rows}")
        (tmp_path / "trials.csv").write_text("".join(["start\n", *(f"{one}\n" for one in START)]))
    found = proposal(str(path))
    assert (found.settings["per_second"], found.settings["trials_per_second"]) == (20_000, 1)
    assert "trials" in found.settings
    assert "NOT KNOWN" not in found.why["per_second"]


def test_samples_that_follow_no_trials_are_not_known(tmp_path):
    each = [np.floor(one * 25_000) for one in spikes(START, follow=0.0)]
    rows = "".join(f"{unit},{time:.0f}\n" for unit, one in enumerate(each) for time in one)
    (path := tmp_path / "spikes.csv").write_text(f"unit,sample\n{rows}")
    (tmp_path / "trials.csv").write_text("".join(["start\n", *(f"{one}\n" for one in START)]))
    assert "NOT KNOWN" in proposal(str(path)).why["per_second"]
