"""The 28 splits of the Neural Latents Benchmark, from the recordings of the DANDI archive.

val: fitted on the trials marked train, scored on those marked val. test: fitted on both, scored on those marked test,
whose answers are in a file of their own that the benchmark's organisers published when the challenge closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from raysp.config import experiment, settings
from raysp.data.formats import hdf5, nwb
from raysp.data.nlb import reference as nlb_reference
from raysp.data.nlb import sets
from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb import truth as nlb_truth
from raysp.data.nlb.answers import answers_path, condition_of, read_answers
from raysp.data.nlb.recording import Recording, Session, check_present, read_recording
from raysp.data.nlb.sets import FORWARD_MS, NLBSet, Phase, dataset_of, parse
from raysp.data.nlb.tensors import Tensors
from raysp.data.sources.base import Built
from raysp.data.splits.header import Provenance
from raysp.data.splits.population import COUNTS, Answers, PopulationSplit, Sizes, TrialArrays, own_ids
from raysp.errors import BadInput, NotReady, present
from raysp.io import files, hashes
from raysp.io.refusals import raise_together

LABELS: dict[Phase, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "val": (("train",), ("val",)),
    "test": (("train", "val"), ("test",)),
}

VERSION = sets.BUILDER
SAME = ("reference",)
RECORDINGS = {
    name: experiment.Recording(name, "nlb", {"root": "{root}", "dataset": one.name, "bin_ms": bin_ms, "phase": phase})
    for name, (one, bin_ms, phase) in ((name, parse(name)) for name in sets.SPLITS)
}
role = sets.role_of


@dataclass(frozen=True)
class Config:
    """Which split.

    Attributes:
        root: the data root, where the files lie in the archive's layout.
        dataset: the recording's name, e.g. "mc_maze_small".
        bin_ms: 5 or 20.
        phase: val or test.
        reference: build the tensors with nlb_tools, slowly, to compare.
    """

    root: str
    dataset: str
    bin_ms: int = 5
    phase: Phase = "val"
    reference: bool = False

    def __post_init__(self) -> None:
        settings.check(self, "nlb")
        parse(sets.split_name(self.dataset, self.bin_ms, self.phase))

    @property
    def nlb(self) -> NLBSet:
        """The recording's facts."""
        return dataset_of(self.dataset)


def inputs(config: Config) -> list[str]:
    """Return the paths of the files that a split is built from, of those that are there.

    Raises:
        Absent: the recording's training file is not there.
    """
    nlb, root = config.nlb, config.root
    check_present(nlb, root)
    paths = [nlb.train_path(root), nlb.test_path(root), nlb_truth.truth_path(root, nlb.name)]
    if config.phase == "test":
        paths.append(answers_path(root))
    return [path for path in paths if files.exists(path)]


def is_standin(config: Config) -> bool:
    """Tell whether the recording was generated. Raises BadInput where it cannot be read."""
    with hdf5.opened(config.nlb.train_path(config.root), parts=True) as file:
        return nwb.identifier(file).startswith(sets.STANDIN_MARK)


def read_once(config: Config) -> str:
    """Return the recording's name: its splits differ in what is cut from it."""
    return config.dataset


def build(config: Config, name: str) -> Built:
    """Build one split; several of one recording are built faster together. Raises as `build_together` does."""
    return next(build_together([(config, name)]))


def build_together(wanted: Sequence[tuple[Config, str]]) -> Iterator[Built]:
    """Build splits of one recording, which is read once.

    Args:
        wanted: which, and their names; "standin-" in front when the recording was generated.

    Yields:
        Each split and its answers; None where they are unknown: the test phase without its answers' file.

    Raises:
        Absent: the recording is not there.
        NotReady: another file of it is not, or nlb_tools is not installed.
        BadInput: a file is not what it should be. What stops one split alone is raised after the others were built.
    """
    first, _ = wanted[0]
    check_present(first.nlb, first.root)
    recording, refused = read_recording(first.nlb, first.root), []
    for config, name in wanted:
        try:
            yield _build(recording, config, name)
        except (BadInput, NotReady) as error:
            refused.append((name.removeprefix(sets.STANDIN_PREFIX), error))
    raise_together(refused)


def _build(recording: Recording, config: Config, name: str) -> Built:
    nlb, root, bin_ms, phase = recording.nlb, config.root, config.bin_ms, config.phase
    scored = _scored_session(recording, root, phase)
    if config.reference:
        given, chosen, answers = nlb_reference.reference_tensors(nlb, root, bin_ms, phase)
    else:
        given, chosen, answers = _fast(recording, scored, bin_ms, phase)
    if phase == "test":
        expected = _answer_shapes(nlb, bin_ms, recording.train, given, chosen)
        answers = read_answers(nlb, root, bin_ms, standin=recording.standin, expected=expected)
    sizes = _sizes((sets.STANDIN_PREFIX if recording.standin else "") + nlb.name, bin_ms, given)
    provenance = Provenance(
        recordings=tuple((os.path.basename(path), hashes.sha256(path)) for path in inputs(config)),
        builder=nlb_reference.VERSION if config.reference else sets.BUILDER,
        standin=recording.standin,
        notes=recording.notes,
        start_ms=float(nlb.window_ms[0]),
        behavior=recording.train.variables or tuple((name, "") for name in nlb.behavior_columns),
    )
    rates = _rates(recording, scored, root, bin_ms, phase)
    train = _train_part(recording, given, answers, bin_ms, phase, rates[0])
    ids = _ids(scored, LABELS[phase][1])
    heldin = chosen["eval_spikes_heldin"].astype(np.float32)
    units = own_ids(recording.train.units, sizes.units)
    split = PopulationSplit(name, sizes, train, TrialArrays(heldin, rates=rates[1], ids=ids), provenance, units)
    return split, None if answers is None else _answers(split, answers)


def _fast(recording: Recording, scored: Session, bin_ms: int, phase: Phase) -> tuple[Tensors, Tensors, Tensors | None]:
    nlb, (train, chosen) = recording.nlb, LABELS[phase]
    return (
        nlb_tensors.train_input(recording.train, nlb, bin_ms, train),
        nlb_tensors.eval_input(scored, nlb, bin_ms, chosen),
        nlb_tensors.eval_target(recording.train, nlb, bin_ms, train, chosen) if phase == "val" else None,
    )


def _scored_session(recording: Recording, root: str, phase: Phase) -> Session:
    if phase == "val":
        return recording.train
    if recording.test is None:
        path = recording.nlb.test_path(root)
        raise NotReady(f"no test file at {path}; run: raysp data fetch {recording.nlb.name} --root {root}")
    return recording.test


def _sizes(dataset: str, bin_ms: int, given: Tensors) -> Sizes:
    return Sizes(
        dataset=dataset,
        bin_ms=float(bin_ms),
        bins=given["train_spikes_heldin"].shape[1],
        heldin=given["train_spikes_heldin"].shape[2],
        heldout=given["train_spikes_heldout"].shape[2],
        forward=FORWARD_MS // bin_ms,
        behavior=given["train_behavior"].shape[-1],
    )


def _answer_shapes(
    nlb: NLBSet, bin_ms: int, train: Session, given: Tensors, chosen: Tensors
) -> dict[str, tuple[int, ...]]:
    count, bins, heldin = chosen["eval_spikes_heldin"].shape
    heldout, forward = len(present(train.heldout)), FORWARD_MS // bin_ms
    shapes = {
        "eval_spikes_heldout": (count, bins, heldout),
        "eval_spikes_heldin_forward": (count, forward, heldin),
        "eval_spikes_heldout_forward": (count, forward, heldout),
        "train_behavior": given["train_behavior"].shape,
        "eval_behavior": (count, *given["train_behavior"].shape[1:]),
    }
    if nlb.decoders is not None:
        shapes |= {"eval_decode_mask": (count, 2)}
    return shapes


def _train_part(
    recording: Recording,
    given: Tensors,
    answers: Tensors | None,
    bin_ms: int,
    phase: Phase,
    rates: np.ndarray | None,
) -> TrialArrays:
    session, nlb = recording.train, recording.nlb
    rows = session.rows(LABELS[phase][0])
    condition = None
    if nlb.conditions:
        trials_of = (answers or {}).get("train_cond_idx")
        if trials_of is None:
            trials_of = nlb_tensors.trials_by_condition(session, nlb, rows, bin_ms)
        condition = condition_of(trials_of, len(rows))
    return TrialArrays(
        **{name: given.pop(f"train_spikes_{name}").astype(np.float32) for name in COUNTS},
        behavior=given["train_behavior"],
        condition=condition,
        decode_mask=nlb_tensors.decode_mask(session, nlb, rows) if nlb.decoders else None,
        jitter=nlb_tensors.jitter_bins(session, nlb, rows, bin_ms) if nlb.jitter_ms else None,
        rates=rates,
        ids=_ids(session, LABELS[phase][0]),
    )


def _ids(session: Session, labels: tuple[str, ...]) -> np.ndarray:
    return own_ids(session.trials.get("id"), len(session.trials["split"]))[session.rows(labels)]


def _answers(split: PopulationSplit, answers: Tensors) -> Answers:
    shown = present(split.eval)
    count = len(shown)
    trials_of = answers.get("eval_cond_idx")
    trials = TrialArrays(
        heldin=shown.heldin,
        **{name: answers[f"eval_spikes_{name}"].astype(np.float32) for name in COUNTS[1:]},
        behavior=answers["eval_behavior"],
        condition=None if trials_of is None else condition_of(trials_of, count),
        decode_mask=answers.get("eval_decode_mask"),
        jitter=answers.get("eval_jitter"),
        rates=shown.rates,
        ids=shown.ids,
    )
    return Answers(split.name, split.sizes, trials, answers.get("psth"), split.units)


def _rates(
    recording: Recording, scored: Session, root: str, bin_ms: int, phase: Phase
) -> tuple[np.ndarray | None, np.ndarray | None]:
    if not recording.standin:
        return None, None
    nlb, path = recording.nlb, nlb_truth.truth_path(root, recording.nlb.name)
    bins = nlb.bins(bin_ms) + FORWARD_MS // bin_ms
    found = []
    for session, labels in zip((recording.train, scored), LABELS[phase], strict=True):
        first = nlb_tensors.first_bins(session, nlb, session.rows(labels), bin_ms, overlap=True)
        kind: Literal["train", "test"] = "train" if session is recording.train else "test"
        found.append(nlb_truth.true_rates(path, kind, first, bins, bin_ms))
    return found[0], found[1]
