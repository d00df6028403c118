"""Stand-in recordings: generated files in the layout of the benchmark's archive, with known dynamics and answers.

For a first run without a download and for tests. Nothing in them was measured: every file says so, and so does the
name of everything that is made from them.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import h5py
import numpy as np

from raysp import files
from raysp.data.nlb_answers import answers_path
from raysp.data.nlb_sets import FORWARD_MS, SETS, STANDIN_MARK, NLBSet, dataset_of
from raysp.data.nlb_tensors import Tensors
from raysp.data.nlb_truth import truth_path
from raysp.data.standin_answers import PACKED, answers, write_answers
from raysp.data.standin_interval import intervals
from raysp.data.standin_nwb import Contents, write_nwb
from raysp.data.standin_population import US_PER_MS, Population, spike_times, tune
from raysp.data.standin_reach import bumps, maze, targets
from raysp.data.standin_session import Content, Signal, Size, hidden, seconds, size_of, window_sample
from raysp.data.verified import local_root
from raysp.errors import BadInput

GAP_MS = 100
SPARE_MS = 20
GAINS = {"mc_maze": 0.85, "mc_rtt": 0.8, "area2_bump": 0.8, "dmfc_rsg": 0.65}
USUAL_GAIN = 0.75


@dataclass(frozen=True)
class _Generated:
    """A recording before it is written."""

    nlb: NLBSet
    title: str
    content: Content
    population: Population
    spikes_us: list[np.ndarray]


def write_standin(
    root: str,
    *,
    size: str = "small",
    seed: int = 0,
    datasets: Iterable[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> None:
    """Write stand-ins of the benchmark's recordings, the test phase's answers and the truth behind them.

    Files of a recording appear together, under their final names, when all of them are whole; with the same arguments
    they have the same bytes.

    Args:
        root: the data root, a local folder. Recordings lie where the archive's would; the truth lies in
            standin-truth: `latents_train`, `latents_test` (ms, D), `windows_test` (trials, 2: begin in the test file's
            ms, row in latents_test), `readout` (D, units), `bias` (units,): log expected spikes per ms.
        size: small (seconds, a few tens of MB) or real (trial and neuron counts of the released recordings).
        seed: of all that is random.
        datasets: names of recordings; all seven by default.
        report: told one line per recording.

    Raises:
        BadInput: a name is unknown, or a file that is not a stand-in is in the way; nothing was written then.
    """
    root = local_root(root)
    chosen = [dataset_of(name) for name in dict.fromkeys(SETS if datasets is None else datasets)]
    sizes = [size_of(nlb, size) for nlb in chosen]
    if seed < 0:
        raise BadInput(f"expected a seed of 0 or more, got {seed}")
    for nlb in chosen:
        for path in (nlb.train_path(root), nlb.test_path(root), truth_path(root, nlb.name)):
            _refuse_other(path)
    _refuse_other(answers_path(root))
    for nlb, count in zip(chosen, sizes, strict=True):
        made = _generate(nlb, count, f"{nlb.name} {size} seed {seed}", seed)
        _write(made, root)
        if report is not None:
            report(
                f"generated {nlb.name}: {count.train}+{count.val}+{count.test} trials, {len(made.population)} neurons"
            )


def _refuse_other(path: str) -> None:
    if not files.exists(path):
        return
    standin = False
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            identifier = file["identifier"].asstr()[()] if "identifier" in file else ""
            standin = identifier.startswith(STANDIN_MARK) or bool(file.attrs.get("standin", False))
    if not standin:
        raise BadInput(f"{path} is not a stand-in and will not be overwritten; choose another --root")


def _generate(nlb: NLBSet, size: Size, title: str, seed: int) -> _Generated:
    key = [seed, zlib.crc32(nlb.name.encode())]
    rng = np.random.default_rng(key)
    content = _session(rng, nlb, size)
    align = content.trials[nlb.align][content.trials["split"] != "none"].astype(np.int64)
    seen = content.latents[window_sample(rng, nlb, align)].astype(np.float64)
    gain = GAINS.get(nlb.name, USUAL_GAIN)
    population = tune(rng, seen, content.weights, size.heldin, size.heldout, gain)
    spikes_us = [
        spike_times(np.random.default_rng([*key, unit]), content.latents, population, unit)
        for unit in range(len(population))
    ]
    return _Generated(nlb, title, content, population, spikes_us)


def _session(rng: np.random.Generator, nlb: NLBSet, size: Size) -> Content:
    if nlb.name == "mc_rtt":
        return targets(rng, nlb, size)
    if nlb.name == "area2_bump":
        return bumps(rng, nlb, size)
    return intervals(rng, nlb, size) if nlb.name == "dmfc_rsg" else maze(rng, nlb, size)


def _write(made: _Generated, root: str) -> None:
    nlb = made.nlb
    found = answers(nlb, made.content, made.population, made.spikes_us)
    with contextlib.ExitStack() as whole:
        train, test, truth, answer = (
            whole.enter_context(files.replacing(path))
            for path in (nlb.train_path(root), nlb.test_path(root), truth_path(root, nlb.name), answers_path(root))
        )
        write_nwb(train, f"{made.title} train", _train_file(made))
        write_nwb(test, f"{made.title} test", _test_file(made))
        _write_truth(truth, made)
        _write_answers(answer, answers_path(root), found)


def _train_file(made: _Generated) -> Contents:
    content, unseen = made.content, hidden(made.content)
    keep = content.trials["split"] != "test"
    sampled = np.flatnonzero(content.sampled & ~unseen)
    by_id = np.argsort(made.population.ids)
    return Contents(
        trials={name: values[keep] for name, values in seconds(content.trials).items()},
        ids=made.population.ids[by_id],
        heldout=by_id >= made.population.heldin,
        spikes_us=[made.spikes_us[unit][~unseen[made.spikes_us[unit] // US_PER_MS]] for unit in by_id],
        observed_s=_stretches(~unseen) / 1000.0,
        signals={
            name: Signal(signal.values[sampled], signal.channels, signal.unit)
            for name, signal in content.signals.items()
        },
        sampled_ms=sampled,
    )


def _test_file(made: _Generated) -> Contents:
    """Return the test trials' windows, cut out of the session and put one after the other with gaps of 100 ms."""
    nlb, heldin = made.nlb, made.population.heldin
    begin, place = _windows(made)
    length = nlb.window_ms[1] - nlb.window_ms[0]
    trials = {"start_time": place, "stop_time": place + length, "split": np.full(len(place), "test")}
    trials[nlb.align] = place - nlb.window_ms[0]
    by_id = np.argsort(made.population.ids[:heldin])
    return Contents(
        trials=seconds(trials),
        ids=made.population.ids[:heldin][by_id],
        heldout=np.zeros(heldin, dtype=bool),
        spikes_us=[_moved(made.spikes_us[unit], begin, place, length) for unit in by_id],
        observed_s=np.column_stack([place, place + length]) / 1000.0,
        signals={},
        sampled_ms=np.zeros(0, dtype=np.int64),
    )


def _windows(made: _Generated) -> tuple[np.ndarray, np.ndarray]:
    """Return each test window's begin in the session and in the test file, ms."""
    nlb, trials = made.nlb, made.content.trials
    begin = trials[nlb.align][trials["split"] == "test"].astype(np.int64) + nlb.window_ms[0]
    return begin, np.arange(len(begin)) * (nlb.window_ms[1] - nlb.window_ms[0] + GAP_MS)


def _moved(spikes_us: np.ndarray, begin_ms: np.ndarray, place_ms: np.ndarray, length_ms: int) -> np.ndarray:
    low = np.searchsorted(spikes_us, begin_ms * US_PER_MS)
    high = np.searchsorted(spikes_us, (begin_ms + length_ms) * US_PER_MS)
    shift = (place_ms - begin_ms) * US_PER_MS
    return np.concatenate([spikes_us[a:b] + by for a, b, by in zip(low, high, shift, strict=True)])


def _stretches(mask: np.ndarray) -> np.ndarray:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return edges.reshape(-1, 2)


def _write_truth(path: str, made: _Generated) -> None:
    begin, place = _windows(made)
    length = made.nlb.window_ms[1] - made.nlb.window_ms[0] + FORWARD_MS + SPARE_MS
    rows = (begin[:, None] + np.arange(length)).ravel()
    with h5py.File(path, "w") as file:
        file.attrs.update({"standin": True, "title": made.title})
        file.create_dataset("latents_train", data=made.content.latents, **PACKED)
        file.create_dataset("latents_test", data=made.content.latents[rows], **PACKED)
        file["windows_test"] = np.column_stack([place, np.arange(len(place)) * length])
        file["readout"], file["bias"] = made.population.readout, made.population.bias


def _write_answers(path: str, known: str, groups: dict[str, Tensors]) -> None:
    """Write the answers file anew, with the other recordings' groups of the one that is there."""
    with h5py.File(path, "w") as file:
        file.attrs["standin"] = True
        if files.exists(known):
            with h5py.File(known, "r") as old:
                for group in old:
                    if group not in groups:
                        old.copy(group, file)
        write_answers(file, groups)
