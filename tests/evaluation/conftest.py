"""Small made-up benchmark problems, in raysp's terms and in nlb_tools'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from raysp.data.splits.population import Answers, Sizes, TrialArrays


@dataclass(frozen=True)
class Problem:
    group: str
    train: TrialArrays
    targets: Answers
    rates: np.ndarray
    rates_forward: np.ndarray
    train_rates: np.ndarray

    def nlb_targets(self) -> dict[str, np.ndarray]:
        trials, conditions = self.targets.trials, self.targets.psth
        truth = {
            "eval_spikes_heldout": trials.heldout,
            "train_behavior": self.train.behavior,
            "eval_behavior": trials.behavior,
            "eval_spikes_heldin_forward": trials.heldin_forward,
            "eval_spikes_heldout_forward": trials.heldout_forward,
        }
        if trials.decode_mask is not None:
            truth |= {"train_decode_mask": self.train.decode_mask, "eval_decode_mask": trials.decode_mask}
        if conditions is not None:
            members = np.empty(len(conditions), dtype=object)
            for index in range(len(conditions)):
                members[index] = np.flatnonzero(trials.condition == index)
            truth |= {"psth": conditions, "eval_cond_idx": members}
        if trials.jitter is not None:
            truth["eval_jitter"] = trials.jitter
        return truth

    def nlb_submission(self) -> dict[str, np.ndarray]:
        heldin = self.targets.sizes.heldin
        arrays = {"eval_rates_{}": self.rates, "eval_rates_{}_forward": self.rates_forward}
        if self.train.behavior.ndim == 3:
            arrays["train_rates_{}"] = self.train_rates
        return {
            name.format(kind): part
            for name, array in arrays.items()
            for kind, part in (("heldin", array[..., :heldin]), ("heldout", array[..., heldin:]))
        }

    def arrays(self) -> dict[str, np.ndarray]:
        return (
            {f"train {name}": array for name, array in self.train.arrays().items()}
            | {f"eval {name}": array for name, array in self.targets.trials.arrays().items()}
            | {"rates": self.rates, "forward": self.rates_forward, "train rates": self.train_rates}
        )


def make_problem(
    seed: int = 0,
    group: str = "mc_maze",
    *,
    trials: tuple[int, int] = (30, 24),
    bins: int = 20,
    units: tuple[int, int] = (9, 5),
    forward: int = 4,
    nan_behavior: bool = True,
    zeros: bool = True,
    dtype: type = np.float64,
) -> Problem:
    """A problem with the benchmark's oddities: NaN, masks, jitter, silent units, zero rates, uneven conditions."""
    rng = np.random.default_rng(seed)
    dataset = group.removesuffix("_20")
    heldin, heldout = units
    n_train, n_eval = trials
    width, interval = heldin + heldout, dataset == "dmfc_rsg"
    latent = rng.standard_normal((n_train + n_eval, bins + forward, 2))
    rates = np.exp(latent @ rng.standard_normal((2, width)) * 0.4 - 1.5).astype(dtype)
    counts = rng.poisson(rates).astype(np.float32)
    counts[..., -1] = 0
    predicted = rates * rng.gamma(20, 1 / 20, rates.shape).astype(dtype)
    if zeros:
        predicted[rng.random(rates.shape) < 0.03] = 0
    if interval:
        labels = np.array([(e, t, s) for e in (0, 1) for t in (0, 180) for s in (0, 1)], dtype=float)
        behavior = np.column_stack(
            [labels[np.arange(n_train + n_eval) % 8], rng.uniform(400, 1200, (n_train + n_eval, 2))]
        )
        behavior[[n_train + 1, n_train + 12]] = np.nan
        counts[n_train:, :bins, heldin:][np.arange(bins) < rng.integers(0, bins - 3, n_eval)[:, None]] = np.nan
    else:
        behavior = latent[:, :bins] @ rng.standard_normal((2, 2)) + 0.3 * rng.standard_normal((len(latent), bins, 2))
        if nan_behavior:
            behavior[rng.random(behavior.shape[:2]) < 0.05] = np.nan
    psth = None if dataset == "mc_rtt" else rng.gamma(2, 0.1, (5, bins, width))
    if psth is not None:
        psth[0, :5] = np.nan
        psth[..., -1] = 0
    mask = rng.integers(0, 2, len(latent)).astype(bool) if dataset == "area2_bump" else None
    # Trials that are moved later leave holes in front, where this PSTH is unknown; condition 3 has no trial.
    jitter = np.where(np.arange(n_eval) % 4 == 0, 5, 0) if interval else None
    condition = np.array([0, 1, 2, 4])[np.arange(n_eval) % 4]
    condition[-1] = -1

    def part(rows: slice, **more: np.ndarray | None) -> TrialArrays:
        return TrialArrays(
            heldin=counts[rows, :bins, :heldin],
            heldout=counts[rows, :bins, heldin:],
            heldin_forward=counts[rows, bins:, :heldin],
            heldout_forward=counts[rows, bins:, heldin:],
            behavior=behavior[rows],
            decode_mask=None if mask is None else np.column_stack([mask, ~mask])[rows],
            **more,
        )

    sizes = Sizes(dataset, 20 if group.endswith("_20") else 5, bins, heldin, heldout, forward, behavior.shape[-1])
    answers = part(slice(n_train, None), condition=None if psth is None else condition, jitter=jitter)
    return Problem(
        group,
        part(slice(0, n_train)),
        Answers(group, sizes, answers, psth),
        predicted[n_train:, :bins],
        predicted[n_train:, bins:],
        predicted[:n_train, :bins],
    )


@pytest.fixture(scope="session")
def problem():
    return make_problem
