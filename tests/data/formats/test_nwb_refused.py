"""Broken NWB files are refused in one sentence that names the object."""

import h5py
import numpy as np
import pytest

from raysp.errors import BadInput
from tests.data.formats.nwb_changes import (
    EACH,
    EDGES,
    GO,
    INDEX,
    TIMES,
    WITH_HAND,
    at,
    invalid,
    link,
    observed,
    regular,
    removed,
    said,
    scaled,
    stored,
    table,
)
from tests.data.nwb_recordings import COUNTED, HAND, TRIALS, UNITS, build, counted, notes, put, write

REFUSED = {
    # units
    "no index": (removed(INDEX), "/units expected spike_times with spike_times_index"),
    "spike times as a column": (lambda f: put(f, TIMES, f[TIMES][()][:, None]), r"shape \(n,\), got \(2880, 1\)"),
    "spike times are a group": (lambda f: (f.__delitem__(TIMES), f.create_group(TIMES)), "expected an array, found a"),
    "spike times as text": (stored(TIMES, [b"0.5"] * 2880), "expected numbers, got text"),
    "spike times complex": (scaled(TIMES, 1, complex), "expected numbers, got complex numbers"),
    "spike times of nothing": (stored(TIMES, h5py.Empty("f8")), "declared and never given values"),
    "spike times dangling": (link(TIMES, h5py.SoftLink("/x")), "spike_times is a link to /x, which is not there"),
    "spike times elsewhere": (link(TIMES, h5py.ExternalLink("gone.nwb", "/x")), "in the file gone.nwb, which is not"),
    "index decreases": (at(INDEX, 2, 100), "expected ends that do not decrease, got 100 in row 2"),
    "index wrapped": (scaled(INDEX, 1, np.uint8), "expected ends that do not decrease"),
    "index of begins": (stored(INDEX, np.arange(0, 2880, 480)), "got where they begin: 0 first, and after .* 480 more"),
    "index past the end": (at(INDEX, 5, 9999), "points to value 9999 of spike_times, past its 2880"),
    "index negative": (at(INDEX, 0, -1), "expected ends that do not decrease"),
    "index of fractions": (scaled(INDEX, 1.0001), "expected whole numbers"),
    "index too long": (stored(INDEX, np.arange(7)), r"an end for each of 6 units, shape \(6,\), got \(7,\)"),
    "index scalar": (stored(INDEX, 2880), r"shape \(6,\), got \(\)"),
    "index of references": (lambda f: put(f, INDEX, [f["units"].ref] * 6), "got references"),
    "ids scalar": (stored("units/id", 6), "/units/id expected an array, found a single value"),
    "no ids": (removed("units/id"), "/units expected a column id"),
    "units as an array": (lambda f: put(f, "units", np.zeros(3)), "a table 'units', found none"),
    "infinite": (at(TIMES, [479, 480], np.inf), "unit 0 expected seconds, got infinity at row 479; 2 such times in 2"),
    "minus infinity": (at(TIMES, 0, -np.inf), "unit 0 expected seconds, got -?infinity at row 0"),
    "NaN": (at(TIMES, 481, np.nan), "unit 1 expected seconds, got NaN at row 1; 1 such times in 1 units"),
    "absurd": (at(TIMES, 2879, 1e17), r"unit 5 expected seconds, got 1e\+17 s at row 479"),
    "out of order": (at(TIMES, 500, 0.0), "unit 1 expected ascending seconds, got .* 1 such steps back"),
    "in samples": (scaled(TIMES, 30000, np.int64), "none of 2880 spikes lies in any of 12 windows.*in samples, not in"),
    "in ms": (
        scaled(TIMES, 1e3),
        r"a.nwb: 1 of 2880 spikes of 6 units lie in 12 windows; .*are spike times in ms, not in s\?.*accept: \[times\]",
    ),
    "in us": (scaled(TIMES, 1e6), "none of 2880 spikes lies in any of 12 windows.*in µs, not in s"),
    "far away": (
        lambda f: put(f, TIMES, f[TIMES][()] + 5e5),
        "none of 12 windows lies inside .*spikes lie from 500000",
    ),
    "no spikes": (lambda f: (put(f, TIMES, np.zeros(0)), put(f, INDEX, np.zeros(6, int))), "none of 0 spikes"),
    "units twice": (table("processing/ecephys/units", "units"), "2 tables of units: processing/ecephys/units, units"),
    "two unnamed": (
        lambda f: (table("processing/a/mua", "units")(f), f.move("units", "processing/a/sua")),
        "2 tables of units: processing/a/mua, processing/a/sua; say which: units=",
    ),
    "units dangling": (link("units", h5py.SoftLink("/gone")), "units is a link to /gone, which is not there"),
    # observed stretches
    "obs without index": (stored("units/obs_intervals", np.array([[0, 12.0]] * 6)), "found no obs_intervals_index"),
    "obs flat": (observed([0.0, 12.0] * 6, EACH), r"obs_intervals expected shape \(n, 2\), got \(12,\)"),
    "obs of three": (observed([[0, 1, 2]] * 6, EACH), r"expected shape \(n, 2\), got \(6, 3\)"),
    "obs NaN": (observed([[0, np.nan]] * 6, EACH), "expected begin <= end, got 0.0 to nan s in row 0"),
    "obs backwards": (observed([[12, 0]] * 6, EACH), "expected begin <= end, got 12.0 to 0.0"),
    "obs infinite": (observed([[0, np.inf]] * 6, EACH), "expected begin <= end, got 0.0 to inf"),
    "obs elsewhere": (observed([[100, 200]] * 6, EACH), "none of 12 windows lies inside the observed recording"),
    # trials
    "ids of trials scalar": (stored("intervals/trials/id", 12), "/intervals/trials/id expected an array"),
    "no ids of trials": (removed("intervals/trials/id"), "intervals/trials expected a table with a column id"),
    "no trials": (removed("intervals/trials"), "a table 'intervals/trials', found none"),
    "other tables": (
        lambda f: (f.move("intervals/trials", "intervals/epochs"), f.copy("intervals/epochs", "intervals/more")),
        "found intervals/epochs, intervals/more; say which holds the trials: trials=intervals/epochs",
    ),
    "trials twice": (
        table("processing/behavior/trials"),
        "2 tables of trials: intervals/trials, processing/behavior/t",
    ),
    "event as column": (lambda f: put(f, GO, f[GO][()][:, None]), r"shape \(12,\), got \(12, 1\)"),
    "event too short": (
        stored(GO, np.arange(11.0)),
        r"/intervals/trials/go expected one value per trial, shape \(12,\)",
    ),
    "event of several": (
        stored(GO + "_index", np.arange(12)),
        "trial column 'go' expected one value per trial, got sev",
    ),
    "event as text": (stored(GO, [b"0.4"] * 12), "align column 'go' expected times in s, got text"),
    "event records": (stored(GO, np.zeros(12, [("a", "f8")])), "expected numbers or text, got records of a"),
    "event references": (lambda f: put(f, GO, [f["units"].ref] * 12), "got references to other objects"),
    "event infinite": (stored(GO, np.full(12, np.inf)), "expected times in column 'go'"),
    "event absurd": (at(GO, 3, 1e17), r"align column 'go' expected times in s, got 1e\+17"),
    "event in ms": (scaled(GO, 1e3), "1 of 12 windows lies inside|none of 12 windows"),
    "event since begin": (
        stored(GO, 0.4 + 0.01 * np.arange(12)),
        "'go' expected seconds of the recording, got times si",
    ),
    "trials dangling": (link("intervals/trials", h5py.SoftLink("/gone")), "trials is a link to /gone, which is not"),
    "event in samples": (scaled(GO, 3e4), "none of 12 windows lies inside .* in samples, not in s"),
    "invalid all": (invalid((0, 20)), "all 12 windows reach into intervals/invalid_times; keep_invalid: true"),
    "invalid NaN": (invalid((2, np.nan)), "/intervals/invalid_times expected begin <= end"),
    "invalid backwards": (invalid((6, 2)), "expected begin <= end, got 6.0 to 2.0 s in row 0"),
    "all in ms": (
        lambda f: [scaled(n, 1e3)(f) for n in (TIMES, GO, *(f"intervals/trials/{edge}_time" for edge in EDGES))],
        r"of 2880 spikes of 6 units lie in 12 windows; .*are all times in ms or samples, not in s.*accept: \[times\]",
    ),
    "invalid text": (
        lambda f: (invalid((2, 6))(f), put(f, "intervals/invalid_times/stop_time", [b"6"])),
        "expected numbers, got text",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_broken_recording_is_refused_in_one_sentence(tmp_path, case):
    change, message = REFUSED[case]
    path = write(tmp_path / "a.nwb", change)
    with pytest.raises(BadInput, match=message) as error:
        made = build(path)
        raise BadInput(made[0].provenance.notes[0])
    assert "\n" not in str(error.value)


SERIES = {
    "no rate": (regular(rate=None), "hand/starting_time expected an attribute rate > 0, samples per second, got None"),
    "rate of 0": (regular(rate=0.0), "rate > 0, samples per second, got .*0.0"),
    "rate negative": (regular(rate=-250.0), "rate > 0"),
    "rate infinite": (regular(rate=np.inf), "rate > 0"),
    "rate as text": (regular(rate="250"), "rate > 0, samples per second, got '250'"),
    "rates": (regular(rate=[1.0, 2.0]), "rate > 0"),
    "starts at NaN": (regular(begin=np.nan), "starting_time expected one number of seconds, got .*nan"),
    "starts as text": (regular(begin="0"), "starting_time expected one number of seconds"),
    "no times": (removed(f"{HAND}/timestamps"), "expected timestamps, or starting_time with a rate, found neither"),
    "conversion NaN": (
        said("conversion", np.nan),
        "data expected an attribute conversion that is a number .* got .*nan",
    ),
    "conversion infinite": (
        said("conversion", np.inf),
        "attribute conversion that is a number other than 0, got .*inf",
    ),
    "conversion 0": (said("conversion", 0.0), "attribute conversion that is a number other than 0, got .*0.0"),
    "conversion text": (said("conversion", "mm"), "attribute conversion that is a number other than 0, got 'mm'"),
    "offset NaN": (said("offset", np.nan), "data expected an attribute offset that is one number, got .*nan"),
    "offset text": (said("offset", "0"), "attribute offset that is one number, got '0'"),
    "conversion too large": (said("conversion", 1e300), "expected finite numbers, or NaN where unknown, got"),
    "3 axes": (lambda f: put(f, f"{HAND}/data", f[f"{HAND}/data"][()][..., None]), r"got \(3250, 2, 1\)"),
    "scalar": (stored(f"{HAND}/data", 1.0), r"\(samples, channels\), got \(\)"),
    "empty": (stored(f"{HAND}/data", np.zeros((0, 2))), "expected samples, got none"),
    "text": (stored(f"{HAND}/data", [b"a"] * 3250), "expected numbers, got text"),
    "complex": (scaled(f"{HAND}/data", 1, complex), "expected numbers, got complex numbers"),
    "infinite": (at(f"{HAND}/data", (7, 1), -np.inf), "got -inf in sample 7, channel 1, and 1 such values"),
    "too large": (at(f"{HAND}/data", (7, 0), 1e300), r"got 1e\+300 in sample 7, channel 0"),
    "times infinite": (at(f"{HAND}/timestamps", -1, np.inf), "expected times in seconds, got inf at row 3249"),
    "times NaN": (at(f"{HAND}/timestamps", 5, np.nan), "expected times in seconds, got nan at row 5"),
    "times stand still": (
        at(f"{HAND}/timestamps", 6, 0.02),
        "expected ascending seconds, got 0.02 before 0.02 at row 5",
    ),
    "times in ms": (scaled(f"{HAND}/timestamps", 1e3), r"hand has fewer than one sample in a window"),
    "too few times": (stored(f"{HAND}/timestamps", np.arange(9.0)), "expected one time per sample, got 9 for 3250"),
    "a group": (
        lambda f: (f.__delitem__(f"{HAND}/data"), f.create_group(f"{HAND}/data")),
        "expected an array, found a",
    ),
    "gone": (link(f"{HAND}/data", h5py.ExternalLink("gone.h5", "/d")), "data is a link to /d in the file gone.h5"),
    "channels first": (regular(data=np.zeros((2, 3250))), "more channels than samples; .* behavior_time_last: true"),
    "channels first, times": (
        lambda f: put(f, f"{HAND}/data", f[f"{HAND}/data"][()].T),
        r"one time per sample, got 3250 for 2; it has \(channels, samples\): say behavior_time_last: true",
    ),
    "one name twice": (
        lambda f: f.copy(HAND, "acquisition/hand"),
        "2 time series called 'hand': acquisition/hand, processing/behavior/hand; say which: behavior=processing/b",
    ),
    "a name and a container's": (
        lambda f: (f.copy(HAND, "processing/behavior/a_b"), f.copy(HAND, "processing/a/b"), f.move(HAND, "stimulus/s")),
        "unknown time series 'hand'",
    ),
}


@pytest.mark.parametrize("case", SERIES)
def test_a_broken_series_is_refused_in_one_sentence(tmp_path, case):
    change, message = SERIES[case]
    path = write(tmp_path / "a.nwb", change)
    assert counted(build(path)) == COUNTED
    with pytest.raises(BadInput, match=message) as error:
        made = build(path, **WITH_HAND)
        raise BadInput(notes(made))
    assert "\n" not in str(error.value)


def test_absurd_windows_and_clocks_are_refused_before_memory_is_asked_for(tmp_path):
    path = write(tmp_path / "a.nwb")
    with pytest.raises(BadInput, match=r"12 windows of .* bins for 6 units need .* GiB, more than this machine has"):
        build(path, window_ms=(0.0, 1e13))
    with pytest.raises(BadInput, match="no exact place on a clock of 1e-12 ms; take a coarser clock_ms"):
        build(path, clock_ms=1e-12, window_ms=(0.0, 10.0))


def test_windows_beyond_obs_intervals_are_refused_with_an_example(tmp_path):
    each = [[begin + 0.35, begin + 0.6] for begin in range(TRIALS)]
    path = write(tmp_path / "a.nwb", observed(each * UNITS, TRIALS * EACH))
    message = "none of 12 windows .* such as the one from 0.300 to 0.600 s, observed from 0.350 to 0.600 s"
    with pytest.raises(BadInput, match=message):
        build(path)
    assert len(build(path, window_ms=(-50.0, 200.0))[0].train) == 9


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"align": "trial_type"}, "unknown trial column 'trial_type': known: go, id, side, start_time, stop_time"),
        ({"align": "stat_time"}, "did you mean 'start_time'"),
        ({"window_ms": (-0.25, 0.45)}, r"is it given in s\? Then \[-250, 450\] are meant"),
    ],
)
def test_what_was_meant_is_asked(tmp_path, changes, message):
    path = write(tmp_path / "a.nwb")
    with pytest.raises(BadInput, match=message):
        build(path, **changes)
