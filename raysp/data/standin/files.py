"""Cutting a generated session into the files of the archive, the answers and the truth."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import h5py
import numpy as np

from raysp.data.formats.hdf5 import opened
from raysp.data.nlb.answers import answers_path
from raysp.data.nlb.sets import FORWARD_MS, STANDIN_MARK, NLBSet
from raysp.data.nlb.tensors import Tensors
from raysp.data.nlb.truth import truth_path
from raysp.data.standin.answers import answers, write_answers
from raysp.data.standin.nwb import PACKED, Contents, write_nwb
from raysp.data.standin.population import US_PER_MS, Population
from raysp.data.standin.session import Content, Signal, hidden, seconds
from raysp.io import files

GAP_MS = 100
SPARE_MS = 20


@dataclass(frozen=True)
class Generated:
    """A recording before it is written.

    Attributes:
        nlb: which one it stands in for.
        title: tells it from others: data set, size, seed.
        content: the whole session.
        population: its units.
        spikes_us: ascending spike times of each unit, whole microseconds, held-in units first.
    """

    nlb: NLBSet
    title: str
    content: Content
    population: Population
    spikes_us: list[np.ndarray]


def paths(nlb: NLBSet, root: str) -> tuple[str, str, str, str]:
    """Return the paths of the training file, the test file, the truth and the answers."""
    return nlb.train_path(root), nlb.test_path(root), truth_path(root, nlb.name), answers_path(root)


def write(made: Generated, root: str) -> None:
    """Write a recording's files below `root`; they get their names when all of them are whole."""
    nlb = made.nlb
    found = answers(nlb, made.content, made.population, made.spikes_us)
    with contextlib.ExitStack() as whole:
        train, test, truth, answer = (whole.enter_context(files.replacing(path)) for path in paths(nlb, root))
        write_nwb(train, f"{made.title} train", train_contents(made))
        write_nwb(test, f"{made.title} test", _test_contents(made))
        _write_truth(truth, made)
        _write_answers(answer, answers_path(root), found)


def train_contents(made: Generated) -> Contents:
    """Return the training file: the whole session, the test trials neither observed nor listed."""
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


def _test_contents(made: Generated) -> Contents:
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


def _windows(made: Generated) -> tuple[np.ndarray, np.ndarray]:
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


def _write_truth(path: str, made: Generated) -> None:
    begin, place = _windows(made)
    length = made.nlb.window_ms[1] - made.nlb.window_ms[0] + FORWARD_MS + SPARE_MS
    rows = (begin[:, None] + np.arange(length)).ravel()
    with h5py.File(path, "w") as file:
        file.attrs.update({"standin": True, "identifier": f"{STANDIN_MARK} {made.title}"})
        file.create_dataset("latents_train", data=made.content.latents, **PACKED)
        file.create_dataset("latents_test", data=made.content.latents[rows], **PACKED)
        file["windows_test"] = np.column_stack([place, np.arange(len(place)) * length])
        file["readout"], file["bias"] = made.population.readout, made.population.bias


def _write_answers(path: str, known: str, groups: dict[str, Tensors]) -> None:
    """Write the answers file anew, with the other recordings' groups of the one that is there."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"standin": True, "identifier": f"{STANDIN_MARK} answers"})
        if files.exists(known):
            with opened(known, again="remove it, and generate again") as old:
                for group in old:
                    if group not in groups:
                        old.copy(group, file)
        write_answers(file, groups)
