"""Small recordings in the benchmark's layout for tests: random spikes, awkward times, gaps; written with pynwb."""

from __future__ import annotations

import dataclasses
import datetime
import os
import warnings

import numpy as np

from raysp.data.nlb.sets import NLBSet
from raysp.data.sources import catalog, nlb, prepare

HELDIN, HELDOUT = 4, 3


def recordings(*patterns: str) -> list:
    """Return the benchmark's recordings of these names and globs."""
    known = catalog.recordings()
    return [known[name] for name in catalog.matching(patterns, known)]


def prepared(root: str, *patterns: str, **options) -> list[str]:
    """Prepare the benchmark's splits of these names and globs; return their full names."""
    groups = catalog.groups(recordings(*patterns))
    return [name for group in groups for name in prepare.prepare(group, root, **options)]


def built(root: str, *names: str, reference: bool = False):
    """Build splits of one recording of the benchmark, and give each with its answers."""
    given = [catalog.config(one, root) for one in recordings(*names)]
    wanted = [dataclasses.replace(one, reference=reference) for one in given]
    standin = "standin-" if nlb.is_standin(wanted[0]) else ""
    return nlb.build_together([(one, standin + name) for one, name in zip(wanted, names, strict=True)])


def write_recording(nlb: NLBSet, root: str, *, seed: int = 0, trials: int = 24, test_trials: int = 6) -> None:
    """Write a training and a test file, marked as stand-ins, below `root`."""
    rng = np.random.default_rng(seed)
    os.makedirs(nlb.folder(root), exist_ok=True)
    _write(nlb, nlb.train_path(root), rng, trials, test=False)
    _write(nlb, nlb.test_path(root), rng, test_trials, test=True)


def _write(nlb: NLBSet, path: str, rng: np.random.Generator, count: int, *, test: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pynwb

        clock = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        file = pynwb.NWBFile("generated for tests", "raysp-standin tests", clock)
        table, end, gaps = _trials(nlb, rng, count, test=test)
        for name in table:
            if name not in ("start_time", "stop_time"):
                file.add_trial_column(name, name)
        for row in range(count):
            file.add_trial(**{name: values[row] for name, values in table.items()})
        file.add_unit_column("heldout", "heldout")
        for unit in range(HELDIN + (0 if test else HELDOUT)):
            times = np.sort(rng.uniform(0, end - 0.002, rng.poisson(30 * end)))
            times[::3] = np.round(times[::3], 3)
            file.add_unit(
                id=1000 + (37 * unit) % 50 if nlb.name == "mc_maze_small" else 100 + 10 * unit,
                spike_times=np.sort(times),
                heldout=unit >= HELDIN,
                obs_intervals=gaps.copy(),
            )
        if not test and nlb.series is not None:
            _add_series(pynwb, file, nlb, rng, end, table)
        with pynwb.NWBHDF5IO(path, "w") as io:
            io.write(file)


def _trials(nlb: NLBSet, rng: np.random.Generator, count: int, *, test: bool):
    lengths = np.full(count, 0.6) if nlb.name == "mc_rtt" else np.round(rng.uniform(2.2, 2.8, count), 3)
    start = 1.0 + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    table = {"start_time": start, "stop_time": start + lengths}
    labels = np.array(["train", "train", "val", "train", "none"])[np.arange(count) % 5]
    if nlb.name == "mc_rtt":
        labels = np.array(["train", "train", "val"])[np.arange(count) % 3]
        labels[-1] = "none"
    table["split"] = np.full(count, "test") if test else labels
    if nlb.align == "move_onset_time":
        table["move_onset_time"] = start + np.round(rng.uniform(0.7, 1.1, count), 3)
    if nlb.observed_from:
        produced = np.round(rng.uniform(0.6, 1.4, count) * 1000)
        table["set_time"] = start + np.round(rng.uniform(0.3, 0.5, count), 3)
        table["go_time"] = table["set_time"] + produced / 1000
        if not test:
            table |= {"tp": produced, "ts": rng.choice([500.0, 800.0], count), "theta": rng.choice([0.0, 180.0], count)}
            table |= {"is_eye": rng.random(count) < 0.5, "is_short": table["ts"] < 600}
            table["is_outlier"] = (rng.random(count) < 0.1).astype(int)
            table["is_eye"][:] = True
            table["theta"][:] = 180.0
    elif not test:
        for name in nlb.conditions:
            values = rng.integers(0, 2, count)
            table[name] = np.where(rng.random(count) < 0.1, np.nan, values) if name == "cond_dir" else values
    end = float(np.round(table["stop_time"][-1] + (3.0 if nlb.name == "mc_rtt" else 1.0), 3))
    return table, end, _observed(nlb, table, end, test=test)


def _observed(nlb: NLBSet, table: dict, end: float, *, test: bool) -> list[list[float]]:
    """Stretches with gaps: near a window, at times off the clock; inside a window, between two bins' first ms."""
    if nlb.name == "mc_rtt":
        return [[0.0, end]]
    gaps = []
    for row, begin in enumerate(table["start_time"]):
        if nlb.align == "move_onset_time" and row % 3 == 0:
            edge = begin + 0.0003 + (0.65 if test else 0.44)
            gaps.append((begin - 0.0507, edge))
        if row % 4 == 1:
            inside = np.round(begin + 1.0, 2) // 0.02 * 0.02 + 0.006
            gaps.append((np.round(inside, 3), np.round(inside + 0.003, 3)))
    edges = [0.0, *np.ravel(sorted(gaps)), end]
    return np.reshape(edges, (-1, 2)).tolist()


def _add_series(pynwb, file, nlb: NLBSet, rng: np.random.Generator, end: float, table: dict) -> None:
    ms = np.arange(round(end * 1000))
    walk = np.cumsum(rng.standard_normal((len(ms), 2)), axis=0)
    kept = np.ones(len(ms), bool)
    if nlb.name != "mc_rtt":
        for begin in table["start_time"][::3]:
            kept[int(begin * 1000) - 60 : int(begin * 1000) + 45] = False
    module = file.create_processing_module("behavior", "behaviour")
    series = pynwb.TimeSeries(
        name=nlb.series,
        data=walk[kept],
        timestamps=ms[kept] / 1000,
        unit="mm/s",
        comments="columns=[y,x]" if nlb.name == "mc_maze" else "columns=[x,y]",
    )
    module.add(series)
