"""The Neural Latents Benchmark's metrics: by its own judge for the record, and fast and exact for sweeps."""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from raysp.data.nlb.reference import INSTALL
from raysp.data.splits.population import Answers, TrialArrays
from raysp.errors import BadInput, NotReady, unknown
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.observed import observed
from raysp.evaluation.psth import psth_r2
from raysp.evaluation.tp_correlation import tp_correlation
from raysp.evaluation.velocity import decode
from raysp.io import files
from raysp.models.prediction import check_rates


class JudgeFailed(BadInput):
    """nlb_tools raised an error of its own on a submission that has all it asks for."""


Group = Mapping[str, np.ndarray]
"""One data set at one bin width, as in nlb_tools: array by name."""

SCALING = {"[500]": "mc_maze_large", "[250]": "mc_maze_medium", "[100]": "mc_maze_small"}
"""nlb_tools puts the three scaling sets in one result, under these prefixes."""

DATASETS = ("mc_maze", "mc_rtt", "area2_bump", "dmfc_rsg", *SCALING.values())

INTERVAL_DATASETS = ("dmfc_rsg",)
"""Behaviour is one row per trial and is scored by tp correlation, not by decoding."""


def benchmark_metrics(
    answers: Answers,
    rates: np.ndarray,
    rates_forward: np.ndarray | None = None,
    *,
    train: TrialArrays | None = None,
    train_rates: np.ndarray | None = None,
) -> dict[str, Callable[[], float]]:
    """Return the benchmark's metrics of one split, equal to the judge's to rounding, at a fraction of its cost.

    Each is computed when it is called: one that fails takes no other along. A metric is left out where what it needs is
    not known. "vel R2" is of the benchmark's recordings alone: what other behaviours are read out to is in
    `raysp.evaluation.behavior`.

    Args:
        answers: of the evaluation trials.
        rates: (trials, bins, units) predicted for the evaluation trials, held-in units first.
        rates_forward: (trials, forward, units) predicted for the bins after; for "fp-bps".
        train: the training trials with their behaviour; for "vel R2".
        train_rates: (training trials, bins, units) predicted for them; for "vel R2".

    Returns:
        Any of "co-bps", "fp-bps", "vel R2", "tp corr" and "psth R2".

    Raises:
        BadInput: a shape differs from the answers', or rates are not finite and >= 0.
    """
    trials, sizes = answers.trials, answers.sizes
    check_rates(rates, (len(trials), sizes.bins, sizes.units), f"{answers.name}: rates")
    if rates_forward is not None:
        check_rates(rates_forward, (len(trials), sizes.forward, sizes.units), f"{answers.name}: rates_forward")
    metrics = measures_of_counts(trials, rates, rates_forward) | _behavior_metric(answers, rates, train, train_rates)
    if (psth := answers.psth) is not None and (condition := trials.condition) is not None:
        metrics["psth R2"] = lambda: psth_r2(rates, psth, condition, trials.jitter, observed(trials))
    return metrics


def judge(
    answers: Mapping[str, Group] | str | os.PathLike[str], submission: Mapping[str, Group] | str | os.PathLike[str]
) -> dict[str, dict[str, float]]:
    """Return nlb_tools' own verdict on a submission: the numbers of record. Nothing that is given is changed.

    Args:
        answers: answers by group ("mc_maze", "mc_maze_20", ...), or the path of their HDF5 file.
        submission: predicted rates by group, or the path of their HDF5 file; every group must have its answers.
            dmfc_rsg needs no rates of training trials.

    Returns:
        {group: {metric: value}} with "co-bps", "vel R2" or "tp corr", "psth R2", "fp-bps" as far as the arrays allow;
        the scaling sets lie under their own names.

    Raises:
        NotReady: nlb_tools is not installed, or cannot be imported.
        JudgeFailed: it raised an error of its own.
        BadInput: an unknown group, missing answers or rates, shapes that differ, rates that are not finite and >= 0.
    """
    evaluate = _nlb_evaluate()
    with _opened(submission) as found, _opened(answers) as known:
        rates = {group: _copied(found[group]) for group in found}
        for group in rates:
            if group not in known:
                held = ", ".join(sorted(known)) or "nothing"
                raise BadInput(f"no answers for group {group!r}: the answers hold {held}")
        truth = {group: _copied(known[group]) for group in rates}
    if not rates:
        raise BadInput("a submission expected at least one group such as mc_maze or mc_maze_20, got none")
    for group in rates:
        check_group(group, rates[group], truth[group])
    with _silence():
        try:
            result = evaluate(truth, rates)
        except Exception as error:
            # Whatever it, or the pandas below it, raises: the numbers can be had without it.
            own = isinstance(error, AssertionError | ValueError)
            message = error if own else f"{type(error).__name__}: {error}"
            raise JudgeFailed(f"nlb_tools refused the submission ({', '.join(rates)}): {message}") from error
    return _flat(result)


def check_group(group: str, rates: Group, truth: Group) -> None:
    """Check one group of a submission against its answers, before the judge starts.

    Args:
        group: e.g. "mc_maze_20".
        rates: predicted rates, (trials, bins, units) each, by nlb_tools' names.
        truth: the answers.

    Raises:
        BadInput: see `judge`.
    """
    dataset = group.removesuffix("_20")
    if dataset not in DATASETS:
        raise unknown("benchmark data set", dataset, DATASETS)
    parts = ("eval",) if dataset in INTERVAL_DATASETS else ("eval", "train")
    needed = [f"{part}_rates_{kind}" for part in parts for kind in ("heldin", "heldout")]
    for kind, there, names in (
        ("submission", rates, needed),
        ("answers", truth, ["eval_spikes_heldout", "train_behavior", "eval_behavior"]),
    ):
        if absent := [name for name in names if name not in there]:
            raise BadInput(f"{group}: the {kind} lacks {', '.join(absent)}; it holds {', '.join(sorted(there))}")
    trials, bins, heldout = truth["eval_spikes_heldout"].shape
    heldin = rates["eval_rates_heldin"].shape[-1]
    shapes = {"eval_rates_heldin": (trials, bins, heldin), "eval_rates_heldout": (trials, bins, heldout)}
    if "train" in parts:
        count = len(truth["train_behavior"])
        shapes |= {"train_rates_heldin": (count, bins, heldin), "train_rates_heldout": (count, bins, heldout)}
    for kind in ("heldin", "heldout"):
        if f"eval_spikes_{kind}_forward" in truth and "eval_rates_heldin_forward" in rates:
            shapes[f"eval_rates_{kind}_forward"] = truth[f"eval_spikes_{kind}_forward"].shape
    for name, shape in shapes.items():
        if name not in rates:
            raise BadInput(f"{group}: the submission lacks {name}, which its other forward rates need")
        check_rates(rates[name], shape, f"{group}: {name}")


def judge_absent() -> bool:
    """Tell whether nlb_tools is not installed, without importing it."""
    return importlib.util.find_spec("nlb_tools") is None


def _nlb_evaluate() -> Callable[..., list[dict[str, Any]]]:
    try:
        from nlb_tools.evaluation import evaluate
    except ModuleNotFoundError as error:
        raise NotReady(
            f"the benchmark's judge, nlb_tools, is not installed: type `{INSTALL}` (missing module: {error.name})"
        ) from error
    except Exception as error:
        raise NotReady(
            f"the benchmark's judge, nlb_tools, cannot be imported ({type(error).__name__}: {error}): install it anew "
            f"with `{INSTALL}`"
        ) from error
    return evaluate


@contextmanager
def _opened(source: Mapping[str, Group] | str | os.PathLike[str]) -> Iterator[Any]:
    if isinstance(source, Mapping):
        yield source
        return
    from raysp.data.formats.hdf5 import opened

    if not files.exists(str(source)):
        raise BadInput(f"no HDF5 file at {source}")
    with opened(str(source)) as file:
        yield file


def _copied(group: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: _array(group[name] if isinstance(group[name], list) else group[name][()]) for name in group}


def _array(value: object) -> np.ndarray:
    if not isinstance(value, list):
        return np.array(value)
    ragged = np.empty(len(value), dtype=object)
    for index, row in enumerate(value):
        ragged[index] = np.array(row)
    return ragged


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the judge's warnings (zero rates, ill-conditioned ridge) out of a person's log: they change no number."""
    logger = logging.getLogger("nlb_tools.evaluation")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _flat(result: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    flat: dict[str, dict[str, float]] = {}
    for entry in result:
        for split, metrics in entry.items():
            group = split.removesuffix("_split")
            for name, value in metrics.items():
                prefix, _, metric = name.rpartition("] ")
                bin_suffix = "_20" if group.endswith("_20") else ""
                owner = SCALING[prefix + "]"] + bin_suffix if prefix else group
                flat.setdefault(owner, {})[metric] = float(value)
    return flat


def measures_of_counts(
    trials: TrialArrays, rates: np.ndarray, rates_forward: np.ndarray | None
) -> dict[str, Callable[[], float]]:
    """Return "co-bps" and "fp-bps", as far as counts and rates are known, each computed when it is called."""
    heldin = trials.heldin.shape[2]
    heldout = rates.shape[2] - heldin
    metrics: dict[str, Callable[[], float]] = {}
    if (counts := trials.heldout) is not None and heldout:
        metrics["co-bps"] = lambda: bits_per_spike(rates[..., heldin:], counts)
    if rates_forward is not None and (forward := forward_counts(trials, heldout)) is not None:
        metrics["fp-bps"] = lambda: bits_per_spike(rates_forward, forward)
    return metrics


def forward_counts(trials: TrialArrays, heldout: int) -> np.ndarray | None:
    """Return (trials, forward, units) counts after the observed bins, held-in first; None unless all are known."""
    if trials.heldin_forward is None or trials.heldin_forward.shape[1] == 0:
        return None
    if not heldout:
        return trials.heldin_forward
    if trials.heldout_forward is None:
        return None
    return np.concatenate([trials.heldin_forward, trials.heldout_forward], axis=-1)


def _behavior_metric(
    answers: Answers, rates: np.ndarray, train: TrialArrays | None, train_rates: np.ndarray | None
) -> dict[str, Callable[[], float]]:
    trials, sizes = answers.trials, answers.sizes
    if (behavior := trials.behavior) is None:
        return {}
    if sizes.dataset.removeprefix("standin-") in INTERVAL_DATASETS:
        if (counts := trials.heldout) is None or not sizes.heldout:
            return {}
        return {"tp corr": lambda: tp_correlation(rates, counts, behavior)}
    if train is None or (shown := train.behavior) is None or train_rates is None:
        return {}
    if not is_velocity(sizes.dataset, behavior):
        return {}
    check_rates(train_rates, (len(train), sizes.bins, sizes.units), f"{answers.name}: train_rates")
    masks = train.decode_mask, trials.decode_mask
    return {"vel R2": lambda: decode(train_rates, shown, rates, behavior, *masks).mean}


def is_velocity(dataset: str, behavior: np.ndarray | None) -> bool:
    """Tell whether behaviour is the velocity of a recording of the benchmark, (trials, bins, 2)."""
    known = dataset.removeprefix("standin-") in DATASETS
    return known and behavior is not None and behavior.ndim == 3 and behavior.shape[2] == 2
