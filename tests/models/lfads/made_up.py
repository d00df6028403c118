"""Small models and splits for tests of LFADS."""

from __future__ import annotations

import dataclasses

import torch

from raysp.data.splits.batch import to_device
from raysp.kinds.population.made_up import made_up_split
from raysp.models import catalog

SMALL = {
    "encoder_hidden": 8, "input_encoder_hidden": 8, "controller": 6, "inputs": 2, "initial": 5, "generator": 10,
    "factors": 4,
}  # fmt: skip


def made(split=None, *, seed=0, start=True, **settings):
    """A model as training begins."""
    split = split or made_up_split()
    torch.manual_seed(seed)
    model = catalog.build("lfads", {**SMALL, **settings}, split.sizes)
    if start:
        model.start(split.train)
    return model


def config(**settings):
    return catalog.config("lfads", {**SMALL, **settings})


def batch_of(split=None, seed=0):
    """All training trials, with a generator for their draws; none where there is no seed."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return dataclasses.replace(to_device((split or made_up_split()).train, "cpu"), rates=None, generator=generator)


def trained(model, batch, steps, rate=1e-2):
    """Take steps of Adam."""
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        model.loss(batch).total.backward()
        optimizer.step()
    return model
