"""Folders of sorted spikes, as Kilosort, phy, ALF and Neurosuite leave them: looked at, proposed, counted."""

import os

import numpy as np
import polars
import pytest

from raysp.config import settings
from raysp.config.experiment import Recording
from raysp.data.sources import prepare, res_clu
from raysp.data.sources.contract import contract
from raysp.data.sources.proposal import proposal
from raysp.data.sources.proposal_sorted import called, file_of
from raysp.driver.look import look
from raysp.errors import BadInput

RNG = np.random.default_rng(4)
UNITS, TRIALS = 6, 40
START = (np.arange(TRIALS) * 1.5 + 0.5).round(3)
TIMES = np.sort(RNG.uniform(0.01, 62, 4000)).round(3)
WHOSE = RNG.integers(0, UNITS, len(TIMES))
UUID = "0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"


def phy(folder):
    np.save(folder / "spike_times.npy", np.round(TIMES * 25000).astype("u8")[:, None])
    np.save(folder / "spike_clusters.npy", WHOSE.astype("i4"))
    np.save(folder / "spike_templates.npy", WHOSE.astype("u4") // 2)
    rows = [f"{unit}\t{'noise' if unit == 1 else 'good'}" for unit in range(UNITS)]
    (folder / "cluster_group.tsv").write_text("\n".join(["cluster_id\tgroup", *rows]))
    (folder / "params.py").write_text("dat_path = 'x.dat'\nsample_rate = 25000.\n")
    (folder / "trials.csv").write_text("\n".join(["start,side", *(f"{one},{one % 2 > 1}" for one in START)]))
    return folder, WHOSE != 1, START


def kilosort(folder):
    np.save(folder / "spike_times.npy", np.round(TIMES * 30000).astype("i8"))
    np.save(folder / "spike_templates.npy", WHOSE.astype("u4"))
    (folder / "params.py").write_text("sample_rate = 30000\n")
    return folder, np.ones(len(TIMES), bool), None


def alf(folder):
    probe = folder / "alf" / "probe00"
    os.makedirs(probe)
    np.save(probe / f"spikes.times.{UUID}.npy", TIMES)
    np.save(probe / f"spikes.clusters.{UUID}.npy", WHOSE.astype("u2"))
    labels = polars.DataFrame({"cluster_id": np.arange(UNITS), "label": [1.0, 1.0, 1 / 3, 1.0, 1.0, 2 / 3]})
    labels.write_parquet(probe / "clusters.metrics.pqt")
    np.save(folder / "alf" / "_ibl_trials.intervals.npy", np.column_stack([START, START + 1]))
    np.save(folder / "alf" / "_ibl_trials.choice.npy", np.arange(TRIALS) % 2 * 2 - 1)
    return probe, np.isin(WHOSE, [0, 1, 3, 4]), START


def neurosuite(folder):
    for shank in (1, 2):
        own = shank - 1 == WHOSE // 3
        lines = "".join(f"{round(time * 20000)}\n" for time in [0.001, 0.002, *TIMES[own]])
        (folder / f"ec.28.res.{shank}").write_text(lines)
        (folder / f"ec.28.clu.{shank}").write_text("5\n0\n1\n" + "".join(f"{one % 3 + 2}\n" for one in WHOSE[own]))
    (folder / "ec.28.xml").write_text("<parameters><samplingRate>20000</samplingRate></parameters>")
    (folder / "trials.csv").write_text("\n".join(["start", *map(str, START)]))
    return folder, np.ones(len(TIMES), bool), START


@pytest.mark.parametrize("make", [phy, kilosort, alf, neurosuite], ids=lambda one: one.__name__)
def test_a_folder_is_looked_at_and_what_is_proposed_counts_every_spike(tmp_path, make):
    folder, used, start = make(tmp_path)
    found = look(str(folder), str(tmp_path), str(tmp_path / "out"))
    assert found.problem == ""
    assert found.proposal is not None
    recording = Recording("mine", found.proposal.source, {**found.proposal.settings, "path": found.path})
    split, answers = prepare.read(recording, str(tmp_path))
    parts = (split.train.heldin, split.train.heldout, split.eval.heldin, answers.trials.heldout)
    ids = np.concatenate([split.train.ids, split.eval.ids])
    length = split.sizes.bins * split.sizes.bin_ms / 1000
    first = TIMES.min() + ids * length if start is None else start[ids]
    inside = [(TIMES[used] >= one - 1e-9) & (TIMES[used] < one + length - 1e-9) for one in first]
    assert sum(np.nansum(one) for one in parts) == np.sum(inside)
    assert split.sizes.units == len(np.unique(WHOSE[used]))


def test_files_of_a_pair_keep_the_contract_and_what_does_not_fit_is_said(tmp_path):
    folder, _, _ = neurosuite(tmp_path)
    path = file_of(str(folder))
    given = {"path": path, "window_ms": [0, 500], "bin_ms": 10}
    for _, check in contract("res_clu", given):
        check()
    assert len(res_clu.inputs(settings.build(res_clu.Config, given, "x"))) == 5
    assert set(res_clu.spikes(path, noise=True)["unit"]) == {1000 + one for one in range(5)} | {
        2000 + one for one in range(5)
    }
    np.save(folder / "trials.intervals.npy", np.column_stack([START, START + 1]))
    np.save(folder / "trials.contrast.npy", np.arange(TRIALS) % 2)
    of_alf = {**given, "trials": f"{folder}/trials.intervals.npy", "align": "start"}
    assert f"{folder}/trials.contrast.npy" in res_clu.inputs(settings.build(res_clu.Config, of_alf, "x"))
    assert res_clu.sampling_rate(path) == 20000
    whole = (folder / "ec.28.clu.1").read_text()
    (folder / "ec.28.clu.1").write_text(whole.replace("5\n", "9\n", 1).rstrip("\n"))
    told = res_clu.build(settings.build(res_clu.Config, given, "x"), "x")[0].provenance.notes
    assert [note.partition("ec.28.clu.1 ")[2][:30] for note in told if note.startswith("WARNING")] == [
        "has no end of line at its end,", "says 9 clusters in its first l"
    ]  # fmt: skip
    (folder / "ec.28.clu.1").write_text(whole)
    other = {**given, "per_second": 30000.0}
    told = res_clu.build(settings.build(res_clu.Config, other, "x"), "x")[0].provenance.notes
    assert told[-1].startswith("WARNING: ec.28.xml says 20000 samples a second, and 30000 are taken")
    samples = (folder / "ec.28.res.1").read_text()
    (folder / "ec.28.res.1").write_text(samples[:-3])
    with pytest.raises(BadInput, match=r"res\.1 ends within its last line, .* cut off\? Copy it again"):
        res_clu.build(settings.build(res_clu.Config, given, "x"), "x")
    (folder / "ec.28.res.1").write_text(samples)
    (folder / "ec.28.xml").write_text("<samplingRate>.</samplingRate>")
    told = res_clu.build(settings.build(res_clu.Config, other, "x"), "x")[0].provenance.notes
    assert told[-1].startswith("no ec.28.xml says how many samples a second has: 30000 are taken")
    with pytest.raises(BadInput, match="give per_second, such as 20000"):
        res_clu.build(settings.build(res_clu.Config, given, "x"), "x")
    spikes = (folder / "ec.28.res.2").read_text()
    (folder / "ec.28.res.2").write_text("7\n")
    (folder / "ec.28.clu.2").write_text("1\n1002\n")
    with pytest.raises(BadInput, match=r"clu\.2 expected clusters below 1000.*got 1002"):
        proposal(path)
    (folder / "ec.28.res.2").write_text(spikes)
    (folder / "ec.28.clu.2").write_text("5\n2\n3\n")
    with pytest.raises(BadInput, match="a first line with the number of clusters, and one for each of"):
        proposal(path)
    (folder / "ec.28.clu.2").unlink()
    with pytest.raises(BadInput, match=r"clu\.2 is not there"):
        proposal(path)


def test_times_on_another_clock_beside_those_of_a_sorter_are_told_and_read(tmp_path):
    np.save(tmp_path / "spike_times.npy", np.round(TIMES * 30000).astype(np.int64))
    np.save(tmp_path / "spike_clusters.npy", WHOSE)
    np.save(tmp_path / "spike_seconds_adj.npy", TIMES + 3.0)
    other = str(tmp_path / "spike_seconds_adj.npy")
    (line,) = [one for one in proposal(str(tmp_path / "spike_times.npy")).contents if "another clock" in one]
    assert line.endswith(f"where trials are on it, look at {other} instead")
    found = proposal(other)
    assert found.settings["time"] == "spike_seconds_adj"
    assert prepare.read(Recording("x", found.source, {**found.settings, "path": other}), "")[0].sizes.units == len(
        np.unique(WHOSE)
    )


def test_a_folder_is_called_by_its_own_name_wherever_it_is_named_from(tmp_path, monkeypatch):
    (folder := tmp_path / "rat7_day2").mkdir()
    phy(folder)
    monkeypatch.chdir(folder)
    assert (called("."), called(str(folder)), called("spike_times.npy")) == ("rat7_day2", "rat7_day2", "spike_times")
