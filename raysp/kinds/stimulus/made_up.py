"""A made-up continuous recording, and settings of small networks for it."""

from __future__ import annotations

import dataclasses
import itertools
from typing import cast

import numpy as np
import torch

from raysp.config.settings import Plain
from raysp.data.splits.header import Provenance
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.kinds.contract import unbroken
from raysp.models import catalog
from raysp.models.windowed import WindowModel

SMALL = {
    "input_bins": 64,
    "channels": 8,
    "halvings": 2,
    "middle": 1,
    "output_channels": 4,
    "output_bins": 32,
    "past": 8,
    "lookahead": 24,
    "clamp": 20,
    "step": 16,
    "interval": 12,
    "train_stride": 11,
    "validation_stride": 3,
}
"""Settings that make any model small; each takes those that it has."""


def made_up_recording(bins: int = 1200, units: int = 3, seed: int = 0) -> StimulusSplit:
    """Return a recording of two lights, whose units fire some bins after the first went on.

    A unit's spikes do not depend on how many others there are.
    """
    rng = np.random.default_rng(seed)
    lights = np.repeat(rng.integers(0, 2, (bins // 10 + 1, 2)), 10, axis=0)[:bins].astype(np.float32)
    spikes = np.zeros((bins, units), np.uint8)
    for unit in range(units):
        own = np.random.default_rng([seed, unit])
        chance = 0.004 + 0.5 * np.roll(lights[:, 0] * (1 - np.roll(lights[:, 0], 10)), 12 + 2 * unit)
        spikes[:, unit] = own.random(bins) < chance
        spikes[1::2, unit] &= ~spikes[0 : bins - bins % 2 : 2, unit] & 1
    edges = [0, *(bins * np.array([7, 9, 11, 13, 20]) // 20).tolist()]
    first, second, middle, fourth, last = itertools.pairwise(edges)
    return StimulusSplit(
        name="made_up",
        sizes=StimulusSizes("made_up", 1.0, 2, units),
        stimulus=lights,
        spikes=spikes,
        units=10 + 3 * np.arange(units),
        global_ids=100 + np.arange(units),
        parts={"train": (first, last), "validation": (second, fourth), "test": (middle,)},
        provenance=Provenance(standin=True),
    )


def small(name: str, **changes: Plain) -> dict[str, Plain]:
    """Return the settings of a small model, as far as it has them, and of these changes all."""
    known = {field.name for field in dataclasses.fields(catalog.module(name).Config)}
    return {key: value for key, value in SMALL.items() if key in known} | changes


def shaken(model: torch.nn.Module, seed: int = 0) -> None:
    """Move every weight and running statistic of every unit, so that none is at a start that hides what it does."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.1 * torch.randn(weights.shape, generator=generator))
        for name, values in model.named_buffers():
            if "running" in name:
                values += torch.rand(values.shape, generator=generator)


def model_for(name: str, split: StimulusSplit, **changes: Plain) -> WindowModel:
    """Return a model as it is before the first step of training, but with weights that matter."""
    torch.manual_seed(0)
    model = catalog.build(name, small(name, **changes), split.sizes)
    if catalog.fits_itself(name):
        model.fit(split, unbroken())
    else:
        model.start(Tape.of(split, "cpu"), split.parts["train"])
        shaken(model)
    return cast(WindowModel, model)
