"""What models of a population are judged by, and what they are read against."""

from __future__ import annotations

from raysp.kinds.metric import Metric

FLOOR, CEILING = "mean_rate", "true_rates"

NEEDS = {"co-bps": ("heldout", "held-out neurons"), "fp-bps": ("forward", "bins after the observed ones")}
"""Objective -> the size that it needs, in words."""

ALONE = ("",)
METRICS = {
    # The model's own; then the Poisson loss of what no model was shown, for any model. Reconstruction of the input
    # is no objective: it rewards copying noise. Nor is closeness to truth, which no recording has.
    "validation_loss": Metric("min", searched=True),
    "unseen_loss": Metric("min", searched=True),
    "co-bps": Metric("max", ALONE, searched=True),
    "vel R2": Metric("max", ALONE),
    "behavior R2, mean over variables": Metric("max", ALONE),
    "behavior R2": Metric("max", ("*",)),
    "tp corr": Metric("max", ALONE),
    "psth R2": Metric("max", ALONE),
    "fp-bps": Metric("max", ALONE, searched=True),
    "co-bps without units silent in training": Metric("max", ALONE),
    "fp-bps without units silent in training": Metric("max", ALONE),
    "true-rate R2": Metric("max", ALONE),
    "true-rate R2 pooled": Metric("max", ALONE),
    "true-rate Pearson r squared, pooled": Metric("max", ALONE),
    "state R2": Metric("max", ALONE),
    "masked deviance": Metric("min", ALONE),
    "reconstruction bits/spike": Metric("max", ALONE),
    "predicted / recorded spikes": Metric("min", ALONE),
}
