"""Which columns are taken for conditions, what a given setting takes the place of, and what may be behaviour."""

import numpy as np
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import changed, proposal
from raysp.data.sources.proposed import Proposal, condition
from raysp.errors import BadInput

RNG = np.random.default_rng(4)


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"isSuccessful": 2, "reachDir": 4}, ["reachDir"]),
        ({"rewarded": 2, "block": 3}, ["block"]),
        ({"rewarded": 2}, ["rewarded"]),
        ({"correct": 2, "stim_side": 2, "odor": 3}, ["stim_side", "odor"]),
        ({"stimulus": 3, "frames_on": 11}, ["stimulus"]),
    ],
)
def test_what_was_shown_goes_before_how_the_trial_ended(columns, found):
    table = {name: (np.arange(48) % values).astype(float) for name, values in columns.items()}
    assert condition(table, 48) == found


@pytest.mark.parametrize(("given", "left"), [({"decode": ["gain"]}, {"decode"}), ({"behavior": "eye"}, {"behavior"})])
def test_what_is_given_to_decode_takes_the_place_of_what_was_guessed(given, left):
    found = changed(Proposal("population", {"align": "go", "behavior": "hand"}), "", given)
    assert set(found.settings) == {"align", *left}


CLOCKS = [
    ({"bin_ms": 20, "pos_timestamps": 1e3 * np.arange(2930) * 0.02 + 40},
     {"behavior_time": "pos_timestamps", "behavior_per_second": 1000.0}),
    ({"bin_size": 0.02, "dt": 0.020475}, {"behavior_hz": 1 / 0.020475}),
    ({"fs": 48.83, "sampling_rate": 30000}, {"behavior_hz": 48.83}),
    ({"t": np.arange(3000) * 0.02, "when": np.arange(2930) * 0.0204}, {"behavior_time": "when"}),
    ({"bin_size": 0.02, "fs": 30000}, None),
]  # fmt: skip


@pytest.mark.parametrize(("clock", "wanted"), CLOCKS)
def test_samples_beside_counts_are_proposed_with_the_clock_that_the_file_has(tmp_path, clock, wanted):
    counts, hand = RNG.poisson(0.3, (3000, 8)), RNG.normal(size=(2930, 2))
    np.savez(tmp_path / "x.npz", counts=counts, position=hand, **clock)
    found = proposal(str(tmp_path / "x.npz"))
    settings = {**found.settings, "path": str(tmp_path / "x.npz"), "behavior": "position"}
    if wanted is None:
        assert found.contents[-1].startswith(
            "position: 2930 samples, where counts have 3000 bins: to decode their mean"
        )
        with pytest.raises(BadInput, match=r"expected 3000 bins .* got 2930; of samples at times of their own, give"):
            prepare.read(Recording("x", "population", settings), "")
        return
    assert (found.settings["bin_ms"], found.settings["behavior"]) == (20, "position")
    assert {name: one for name, one in found.settings.items() if name.startswith("behavior_")} == wanted
    split, _ = prepare.read(Recording("x", "population", settings), "")
    assert split.sizes.behavior == 2


@pytest.mark.parametrize("clock", ["none", "rate", "times", "usual"])
def test_numbers_along_each_trial_of_a_matlab_struct_are_proposed_where_a_clock_fits_them(tmp_path, clock):
    trials = np.empty((1, 20), dtype=[(one, object) for one in ("unit", "go", "x", "y", "t")])
    samples = 200 if clock == "usual" else 212
    for index in range(20):
        cells = np.empty((4, 1), object)
        for unit in range(4):
            cells[unit, 0] = np.sort(RNG.uniform(0, 2.0, 30))
        many = samples + index if clock != "usual" else samples + index % 2
        times = np.arange(many) / many * 2.0 if clock == "times" else np.zeros(0)
        trials[0, index] = (cells, 0.5, RNG.normal(size=(1, many)), RNG.normal(size=(1, many)), times)
    others = {"fs": 111.0} if clock == "rate" else {}
    savemat(tmp_path / "x.mat", {"R": trials, **others})
    found = proposal(str(tmp_path / "x.mat"))
    assert found.source == "matlab_spikes"
    wanted = {"rate": {"behavior_hz": 111.0}, "times": {"behavior_time": "R.t"}, "usual": {"behavior_hz": 100.0}}
    if clock == "none":
        assert any(one.startswith("R.x: 1 x 212 numbers in the first trial: to decode") for one in found.contents)
        return
    given = {name: one for name, one in found.settings.items() if name.startswith("behavior")}
    assert given == {"behavior": ["R.x", "R.y"], **wanted[clock]}
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": str(tmp_path / "x.mat")}), "")
    assert split.sizes.behavior == 2


def test_counts_of_another_area_are_told_and_a_rate_of_bins_is_asked_about(tmp_path):
    np.savez(tmp_path / "x.npz", M1=RNG.poisson(0.3, (300, 4)), PMd=RNG.poisson(0.3, (300, 6)), fs=50.0)
    found = proposal(str(tmp_path / "x.npz"))
    assert found.why["counts"] == "whole numbers, (bins, units); not read, which may be counts, too: M1"
    assert found.why["bin_ms"] == "NOT KNOWN: if fs = 50 says how many bins a second has"
    assert found.settings["bin_ms"] == 20


def test_a_folder_of_recordings_asks_for_one_of_them(tmp_path):
    cells = np.empty((3, 1), object)
    for day in range(2):
        cells[:, 0] = [np.sort(RNG.uniform(0, 60, 300 + one))[:, None] for one in range(3)]
        savemat(tmp_path / f"day{day}.mat", {"spikes": cells, "go": np.arange(1.0, 55, 2)})
    found = proposal(str(tmp_path))
    assert (found.source, found.contents[-1]) == ("", "each file is a recording of its own: give one of them")


@pytest.mark.parametrize("rate", [1.0, 20000.0])
def test_samples_of_a_whole_recording_in_matlab_are_proposed_with_their_times(tmp_path, rate):
    cells = np.empty((4, 1), object)
    exact = [np.sort(RNG.uniform(0, 60, 300 + one))[:, None] for one in range(4)]
    cells[:, 0] = exact if rate == 1.0 else [np.floor(one * rate) for one in exact]
    times = np.arange(0, 60, 0.01)
    savemat(tmp_path / "x.mat", {"spikes": cells, "pos": RNG.normal(size=(6000, 2)), "pos_t": times[:, None],
                                 "go": np.arange(1.0, 55, 2) * rate, "fs": rate})  # fmt: skip
    found = proposal(str(tmp_path / "x.mat"))
    assert (found.settings["align"], found.settings["behavior"], found.settings["behavior_time"]) == (
        "go", "pos", "pos_t",
    )  # fmt: skip
    assert (found.settings["per_second"], found.settings.get("behavior_per_second", rate)) == (rate, 1.0)
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": str(tmp_path / "x.mat")}), "")
    assert split.sizes.behavior == 2
    assert np.isfinite(split.train.behavior).all()
