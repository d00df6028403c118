"""The words for what models of injected currents are judged by."""

from __future__ import annotations

from raysp.kinds.metric import Metric

PART = "test"
EVR, LEAVE_ONE_OUT, QUANTISED = "EVR", "EVR leave-one-out", "EVR quantised"
WIDE_MS, WIDE = 100, "EVR at 100 ms"
CEILING, CEILING_LEAST = "EVR ceiling", "EVR ceiling at least"
LOSS, DEAD = "loss per bin", "dead"

METRICS = {
    "unseen_loss": Metric("min", searched=True, meaning="Poisson loss per bin of the validation part, mean over units"),
    "validation EVR": Metric("max", searched=True, meaning="explained-variance ratio of the validation part"),
    EVR: Metric("max", ("",), "explained variance of repeats over that of their mean, as published"),
    LEAVE_ONE_OUT: Metric("max", ("",), "over what the mean of the other repeats explains: a perfect model can pass 1"),
    QUANTISED: Metric("max", ("",), "as published, of rates rounded to whole spikes per bin"),
    WIDE: Metric("max", ("",), "as published, of rates and counts put together to bins of 100 ms, whatever the data's"),
    CEILING: Metric("max", ("",), "about what a perfect model comes to in the published ratio", ranked=False),
    CEILING_LEAST: Metric("max", (), "what a perfect model comes to at least: each repeat by the mean of the others"),
    LOSS: Metric("min", ("",), "Poisson loss, nats per bin, without ln(counts!)"),
    DEAD: Metric("min", ("",), "share of units that are predicted never to fire, or have no fit, in spite of spikes"),
}

OF_MODELS = (EVR, LEAVE_ONE_OUT, QUANTISED, WIDE, LOSS, DEAD)
"""What depends on the model; ceilings are the data's."""
