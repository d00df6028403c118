"""A width of bins that contradicts what the file of counts says itself."""

import numpy as np
import polars as pl
import pytest
from scipy.io import savemat

from raysp.config import settings
from raysp.data.sources import matlab_spikes, population
from raysp.errors import BadInput

COUNTS = np.random.default_rng(2).poisson(0.3, (600, 6))
TRIALS = COUNTS.reshape(12, 50, 6)


def notes(path, **given):
    config = settings.build(population.Config, {"path": str(path), "counts": "counts", **given}, "recording x")
    return "\n".join(population.build(config, "x")[0].provenance.notes)


@pytest.mark.parametrize(
    "said", [{"bin_size": 0.025}, {"binwidth_ms": 25}, {"dt": 0.025}, {"time": 12.5 + 0.025 * np.arange(600)}], ids=str
)
@pytest.mark.parametrize("counts", [COUNTS, TRIALS], ids=["without trials", "trials"])
def test_bins_of_another_width_than_the_file_says_are_refused(tmp_path, said, counts):
    if "time" in said and counts.ndim == 3:
        said = {"time": said["time"][:50]}
    np.savez(path := tmp_path / "x.npz", counts=counts, n_bins=50, **said)
    window = {"window_ms": [0, 1000], "gap_ms": 0} if counts.ndim == 2 else {}
    message = r"expected bins of 25 ms, as .* says, got bin_ms 100; .* set counts_bin_ms: 25 .*accept: \[bin_ms\]"
    with pytest.raises(BadInput, match=message):
        notes(path, bin_ms=100, **window)
    with pytest.raises(BadInput, match="got counts_bin_ms 50"):
        notes(path, bin_ms=100, counts_bin_ms=50, **window)
    assert "accepted as meant" in notes(path, bin_ms=100, accept=["bin_ms"], **window)
    for given in ({"bin_ms": 25}, {"bin_ms": 50, "counts_bin_ms": 25}):
        assert "expected bins" not in notes(path, **given, **window)


def test_bins_of_counts_in_matlab_are_compared_too(tmp_path):
    each = np.empty((1, 12), object)
    each[0, :] = list(TRIALS.transpose(0, 2, 1).astype(np.uint8))
    savemat(path := str(tmp_path / "x.mat"), {"counts": each, "binsize": 0.025})
    config = matlab_spikes.Config(path=path, spikes="counts", counts_bin_ms=50, bin_ms=50)
    with pytest.raises(BadInput, match=r"expected bins of 25 ms, as binsize = 0\.025 in the file says"):
        matlab_spikes.build(config, "x")


def test_numbers_that_say_no_width_block_nothing(tmp_path):
    np.savez(path := tmp_path / "x.npz", counts=TRIALS, bins=50, bin_count=7, time=np.arange(50.0), dt=np.nan)
    assert "expected bins" not in notes(path, bin_ms=100)


def test_the_step_of_a_tables_times_is_its_bins_width(tmp_path):
    columns = {f"unit_{unit}": COUNTS[:, unit] for unit in range(6)}
    pl.DataFrame({"time": 0.025 * np.arange(600), **columns}).write_csv(path := tmp_path / "x.csv")
    given = {"counts": "unit_*", "window_ms": [0, 1000], "gap_ms": 0}
    with pytest.raises(BadInput, match="expected bins of 25 ms, as the step of time in the file says, got bin_ms 10"):
        notes(path, bin_ms=10, **given)
    assert "axis looks like" not in notes(path, bin_ms=25, **given)


@pytest.mark.parametrize(("beside", "told"), [("position", "bins of places rather than of time"), ("speed", None)])
def test_uneven_bins_of_places_are_doubted_and_others_refused(tmp_path, beside, told):
    np.savez(path := tmp_path / "x.npz", counts=TRIALS, bin_edges=np.geomspace(1, 90, 51), **{beside: np.ones(12)})
    if told:
        assert told in notes(path, bin_ms=20)
    else:
        with pytest.raises(BadInput, match="expected bins of one width"):
            notes(path, bin_ms=20)


def test_windows_of_a_recording_that_drifts_are_not_taken_for_time_on_a_wrong_axis(tmp_path):
    rates = np.exp(np.linspace(-2, 2, 2400))[:, None] * np.linspace(0.1, 0.6, 6)
    np.savez(path := tmp_path / "x.npz", counts=np.random.default_rng(1).poisson(rates))
    assert "first axis looks like time" not in notes(path, bin_ms=20, window_ms=[0, 1000], gap_ms=0)
