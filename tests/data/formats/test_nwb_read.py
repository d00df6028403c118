"""Unusual NWB files are read right, doubtful ones noted."""

import re
import shutil

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
    said,
    scaled,
    stored,
    table,
)
from tests.data.nwb_recordings import COUNTED, HAND, TRIALS, UNITS, build, counted, notes, put, write


def regrouped(file):
    """Lay the tables out with links: soft, hard and through a group that leads back."""
    file.move(TIMES, "somewhere/times")
    file[TIMES] = h5py.SoftLink("/somewhere/times")
    file["processing/ecephys/units"] = file["units"]
    file["processing/back"] = h5py.SoftLink("/processing")
    file.move(HAND, "stimulus/there")
    file[HAND] = h5py.SoftLink("/stimulus/there")
    file["processing/behavior/lost"] = h5py.SoftLink("/gone")


def untidy(file):
    """Put beside what is asked for what cannot be read."""
    put(file, "intervals/trials/side", np.array([b"gauch\xe9", b"droite"] * 6))
    put(file, "intervals/trials/lost", h5py.SoftLink("/gone"))
    put(file, "intervals/trials/stop_time", [b"?"] * TRIALS)
    put(file, "units/heldout", [b"no"] * UNITS)
    put(file, "units/waveform_mean", h5py.ExternalLink("gone.h5", "/w"))
    file[HAND].attrs["comments"] = np.bytes_(b"columns=[gr\xf6\xdfe]")
    file["units"].attrs["description"] = np.bytes_(b"\xff")
    file.create_dataset("units/damaged", data=np.arange(6.0), chunks=(6,), compression="gzip")
    file["units/damaged"].id.write_direct_chunk((0,), b"\xff" * 20)


READ = {
    "as it is": (lambda f: None, WITH_HAND),
    "links": (regrouped, WITH_HAND),
    "untidy": (untidy, WITH_HAND),
    "clock time": (
        lambda f: [put(f, n, f[n][()] + 1.6e9) for n in (TIMES, GO, *(f"intervals/trials/{b}_time" for b in EDGES))],
        {},
    ),
    "ids as floats": (stored("units/id", np.arange(6.0) + 3), {}),
    "single precision": (scaled(TIMES, 1, np.float32), {}),
    "ends that begin with 0": (lambda f: put(f, INDEX, np.append(0, f[INDEX][()])), {}),
    "text ids": (stored("units/id", [b"a", b"b", b"c", b"d", b"e", b"f"]), {}),
    "ids twice": (stored("units/id", [3, 3, 4, 5, 6, 7]), {}),
    "units elsewhere": (lambda f: f.move("units", "processing/ecephys/units"), {}),
    "units named": (table("processing/ecephys/units", "units"), {"units": "/processing/ecephys/units"}),
    "trials named": (lambda f: f.move("intervals/trials", "intervals/epochs"), {"trials": "epochs"}),
    "trials by path": (table("processing/behavior/trials"), {"trials": "intervals/trials"}),
    "series by path": (lambda f: f.copy(HAND, "acquisition/hand"), {"behavior": HAND}),
    "series by module": (lambda f: f.copy(HAND, "acquisition/hand"), {"behavior": "behavior/hand"}),
    "channels first": (
        lambda f: put(f, f"{HAND}/data", f[f"{HAND}/data"][()].T),
        {**WITH_HAND, "behavior_time_last": True},
    ),
    "a rate": (regular(), WITH_HAND),
    "in another unit": (
        lambda f: (
            put(f, f"{HAND}/data", np.round((f[f"{HAND}/data"][()] - 2) * 1000).astype(np.int16)),
            said("conversion", 0.001)(f),
            said("offset", 2.0)(f),
        ),
        WITH_HAND,
    ),
    "a rate in a list": (regular(rate=[250.0], begin=[0.0]), WITH_HAND),
    "invalid elsewhere": (invalid((0.7, 0.9), (3.6, 4.3), (100, np.inf)), {}),
    "invalid kept": (invalid((2, 6)), {"keep_invalid": True}),
    "observed": (observed([[0, 12]] * 6, EACH), {}),
    "a stray spike": (lambda f: (at(TIMES, 2879, 1e9)(f), at(TIMES, 2400, -1e9)(f)), {}),
    "stop times absurd": (at("intervals/trials/stop_time", 11, 1e30), {}),
}


@pytest.mark.parametrize("case", READ)
def test_an_unusual_recording_is_read_right(tmp_path, case):
    change, settings = READ[case]
    made = build(write(tmp_path / "a.nwb", change), **settings)
    assert counted(made) == COUNTED
    assert len(made[0].train) + len(made[0].eval) == TRIALS
    if "behavior" in settings:
        known = np.concatenate([made[0].train.behavior, made[1].trials.behavior])
        np.testing.assert_allclose(np.sort(known[:, 0, 0]), np.arange(TRIALS) + 0.305, atol=1e-4)


def test_times_that_look_like_ms_are_taken_where_a_person_means_them(tmp_path):
    path = write(tmp_path / "a.nwb", scaled(TIMES, 1e3))
    assert "hardly any of 2880 spikes lie in the windows: 1," in notes(
        build(path, accept=("times",), heldout=0, eval_trials=1)
    )


def test_a_column_that_is_asked_for_must_be_readable(tmp_path):
    path = write(tmp_path / "a.nwb", untidy)
    with pytest.raises(BadInput, match=r"/intervals/trials/side holds text that is not UTF-8 \(b'gauch\\xe9'\)"):
        build(path, conditions=("side",))
    with pytest.raises(BadInput, match="lost is a link to /gone, which is not there"):
        build(path, keep={"lost": 1})


def test_nothing_is_noted_of_a_good_recording(tmp_path):
    assert notes(build(write(tmp_path / "a.nwb"), behavior="hand", conditions=("side",))) == ""


def quiet(file):
    """Let the recording stop after 6 s though trials go on, with one spike long after."""
    times = file[TIMES][()]
    put(file, TIMES, np.concatenate([np.sort(np.append(one[one < 6], 5000.0)) for one in np.split(times, 6)]))
    put(file, INDEX, np.cumsum([(one < 6).sum() + 1 for one in np.split(times, 6)]))


def fast(file):
    """Let the last unit fire at 2 kHz."""
    put(file, TIMES, np.append(file[TIMES][:2400], np.arange(24000) / 2000 + 0.0001))
    put(file, INDEX, np.append(file[INDEX][:5], 26400))


NOTED = {
    "trial ids twice": (at("intervals/trials/id", 3, 4), "the trials' id holds a number twice", 12),
    "trial ids as text": (stored("intervals/trials/id", [b"t"] * 12), "the trials' id holds no whole numbers", 12),
    "one unit twice": (
        lambda f: put(f, TIMES, np.concatenate([f[TIMES][:2400], f[TIMES][:480]])),
        r"units 0 and 5 hold the same spikes \(equal counts in every bin\)",
        12,
    ),
    "other trials' events": (
        lambda f: put(f, GO, np.roll(f[GO][()], 5)),
        "12 of 12 times in go lie outside their own trials: 0.400 to 11.400 s",
        12,
    ),
    "obs of a part": (
        observed([[2, 6]] * 6, EACH),
        r"1\d\d\d of 2880 spikes lie outside the obs_intervals of their units",
        4,
    ),
    "obs of a unit elsewhere": (
        observed([[0, 12]] * 5 + [[100, 112]], EACH),
        r"480 of 480 spikes of units 5 lie outside their obs_intervals, and are not counted\n.*left out: 5",
        12,
    ),
    "invalid": (
        invalid((2, 6)),
        "4 of 12 windows reach into intervals/invalid_times and were left out: trials 2, 3, 4 and 5 ",
        8,
    ),
    "invalid in ms": (
        invalid((3200, 5500), (7000, 7100)),
        "all 2 stretches of intervals/invalid_times lie outside the recording .*from 3200.000 to 7100.000 s, the rec",
        12,
    ),
    "invalid touches": (invalid((2.5, 2.55)), "1 of 12 windows reach into intervals/invalid_times", 11),
    "events NaN": (at(GO, [3, 4], np.nan), "2 trials have no go and were left out", 10),
    "an event infinite": (at(GO, 3, -np.inf), "1 trial has no go and was left out", 11),
    "an event in ms": (
        at(GO, 11, 11400.0),
        "1 of 12 windows reach outside the observed recording and were left out: trial 11$",
        11,
    ),
    "stray": (at(TIMES, 2879, 1e9), "1 of 2880 spike times lie alone, .*, the first at 1e.09 s", 12),
    "quiet": (
        quiet,
        r"6 of 12 trials hold no spike of any unit, others about .*the recording running in trials 6, .* and 1 more\?",
        12,
    ),
    "units elsewhere": (
        lambda f: f.move("units", "processing/ecephys/mua"),
        "units were read from processing/ecephys",
        12,
    ),
    "index ends early": (at(INDEX, 5, 2500), "380 of 2880 spike times belong to no unit", 12),
    "ids twice": (
        stored("units/id", [3, 3, 4, 5, 6, 7]),
        "units' id holds a number twice: units are told apart by their rows",
        12,
    ),
    "too fast": (fast, "1 units fire up to 2000 Hz in the windows, more than a unit can", 12),
    "hardly any": (
        lambda f: put(f, TIMES, np.where(np.arange(2880) % 480 == 0, 0.35, f[TIMES][()] + 2e5)),
        r"hardly any of 2880 spikes lie in the windows: 6, 0.28 Hz a unit; spikes lie from 0.350 to",
        12,
    ),
    "behaviour stops": (
        lambda f: (
            put(f, f"{HAND}/data", f[f"{HAND}/data"][:900]),
            put(f, f"{HAND}/timestamps", np.arange(900) * 0.004),
        ),
        "hand is known in 33.3.* of the bins; its samples lie from 0 to 3.596 s",
        12,
    ),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_doubtful_is_noted(tmp_path, case):
    change, note, trials = NOTED[case]
    made = build(write(tmp_path / "a.nwb", change), behavior="hand")

    assert re.search(note, notes(made)), notes(made)
    assert len(made[0].train) + len(made[0].eval) == trials


def test_a_stray_spike_makes_no_unrecorded_stretch_an_observation(tmp_path):
    def far(file):
        at(TIMES, 2879, 1e9)(file)
        at(GO, 11, 500.0)(file)

    made = build(write(tmp_path / "a.nwb", far))
    assert "1 of 12 windows reach outside the observed recording" in notes(made)
    assert 11 not in np.concatenate([made[0].train.ids, made[1].trials.ids])


def test_a_link_to_a_file_beside_is_followed(tmp_path):
    write(tmp_path / "spikes.nwb")
    change = link("units", h5py.ExternalLink("spikes.nwb", "/units"))
    path = write(tmp_path / "a.nwb", change)
    assert counted(build(path)) == COUNTED
    shutil.move(tmp_path / "spikes.nwb", tmp_path / "other.nwb")
    with pytest.raises(BadInput, match=r"a table 'units', found none|units is a link to /units in the file spikes.nwb"):
        build(path)
