"""What every model of injected currents must keep, on made-up cells."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.data.splits.currents import Currents
from raysp.errors import expect
from raysp.kinds.check import Check
from raysp.kinds.contract import descended, finite_gradients, learns, same, unbroken
from raysp.kinds.current_clamp.batches import rates_of
from raysp.kinds.current_clamp.made_up import made_up
from raysp.models import catalog
from raysp.objectives.loss import checked

if TYPE_CHECKING:
    from raysp.models.base import Model, RunningFreely

SMALL = {"starts": 1, "softness": [0.3], "ridges": [0.001]}
"""Settings that make a fit quick; each model takes those that it has."""

CPU = torch.device("cpu")
RATES = "rates(split) -> (bins of all currents,), one current after the other"
PREDICTS = "predict(batch) -> (currents, bins) spikes/ms, as many as batch.current has"
CAUSAL = "a current is followed by zeros where others are longer: read none of what comes after a bin"


def contract() -> list[Check]:
    """Return what every model of injected currents must keep."""
    by_units = [
        Check(f"rates are finite spikes/ms of every bin, of {units} cells", partial(_rates, units=units), hint, asked)
        for units in (1, 3)
        for hint, asked in ((RATES, _fits_itself), (PREDICTS, learns))
    ]
    return [
        *by_units,
        Check("predicting twice gives the same", _twice),
        Check("a cell's rates do not depend on the others", _apart, "", _fits_itself),
        Check("a current's rates depend neither on others nor on what follows it", _alone, CAUSAL, learns),
        Check(
            "predictions do not know what was answered", _blind, "read neither counts nor repeats in predict", learns
        ),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is fitted"),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
        Check("the loss is finite and moves every weight", _gradients, "", learns),
        Check("bins without repeats add nothing to the loss", _unscored, "weigh each bin by batch.repeats", learns),
        Check("the loss in evaluation, without a generator, is the same twice", _evaluated, "", learns),
        Check("the loss falls when it is trained", _falls, "", learns),
    ]


def _fits_itself(model: type) -> bool:
    return not learns(model)


def _settings(name: str) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(catalog.module(name).Config)}
    return {key: value for key, value in SMALL.items() if key in known}


def _fitted(name: str, split: CurrentClampSplit) -> Model:
    """Return a model as training begins, or, where it fits itself, fitted; in eval mode."""
    torch.manual_seed(0)
    model = catalog.build(name, _settings(name), split.sizes)
    if hasattr(model, "fit"):
        model.fit(split.training(), unbroken())
        return model.eval()
    for needed in ("loss", "predict"):
        expect(hasattr(model, needed), f"it has neither fit(split, stages), to fit itself, nor {needed}(batch)")
    if hasattr(model, "start"):
        model.start(_trained(split))
    return model.eval()


def _trained(split: CurrentClampSplit) -> Currents:
    return Currents.of(split, ("train",))


def _predicted(model: Model, batch: Currents) -> torch.Tensor:
    with torch.no_grad():
        return cast("RunningFreely", model).predict(batch)


def _rates(name: str, units: int) -> None:
    split = made_up(units)
    model = _fitted(name, split)
    network, shown = learns(type(model)), _trained(split).inputs()
    found = np.asarray(_predicted(model, shown) if network else model.rates(split))
    expected = tuple(shown.current.shape) if network else (int(split.current_ptr[-1]),)
    expect(found.shape == expected, f"rates expected {expected}, got {found.shape}")
    # Without a fit, a cell has NaN; these cells can be fitted.
    expect(np.isfinite(found).all() and np.min(found) >= 0, "rates expected finite numbers >= 0")


def _twice(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    one, two = (rates_of(model, split, CPU, seed) for seed in (0, 1))
    expect(np.array_equal(one, two), "the second time, they are other ones")


def _apart(name: str) -> None:
    split = made_up(3)
    alone = split.select([int(split.unit_ids[0])])
    own = _fitted(name, alone).rates(alone)
    expect(np.array_equal(_fitted(name, split).rates(split)[: len(own)], own), "alone, they are other ones")


def _alone(name: str) -> None:
    split = made_up()
    model, batch = _fitted(name, split), _trained(split).inputs()
    found = _predicted(model, batch)
    for row in range(len(batch)):
        single = batch.take(torch.tensor([row]))
        own = found[row : row + 1, : single.current.shape[1]]
        same(own, _predicted(model, single), f"alone, current {row} of {len(batch)} has other ones", close=True)


def _blind(name: str) -> None:
    split = made_up()
    model, batch = _fitted(name, split), _trained(split)
    told = dataclasses.replace(batch, counts=batch.counts + 9, repeats=batch.repeats + 1)
    one, two = (_predicted(model, shown) for shown in (batch.inputs(), told))
    same(one, two, "with other counts and repeats, the prediction is another one")


def _carried(name: str) -> None:
    split = made_up()
    model, copy = _fitted(name, split), catalog.build(name, _settings(name), split.sizes)
    copy.load_state_dict(model.state_dict())
    one, two = (rates_of(each, split, CPU) for each in (model, copy.eval()))
    expect(np.array_equal(one, two), "a new model with it predicts something else")


def _unchanged(name: str) -> None:
    split = made_up()
    before = {key: np.copy(array) for key, array in split.arrays().items()}
    rates_of(_fitted(name, split), split, CPU)
    for key, array in split.arrays().items():
        expect(np.array_equal(array, before[key]), f"it wrote into {key}")


def _gradients(name: str) -> None:
    split = made_up()
    model = _fitted(name, split).train()
    unmoved = finite_gradients(model, checked(model.loss(_trained(split))).total)
    expect(not unmoved, f"no gradient moves {', '.join(unmoved)}")


def _unscored(name: str) -> None:
    split = made_up(timed=True)
    model, batch = _fitted(name, split), Currents.of(split, ("validation",))
    other = dataclasses.replace(batch, counts=torch.where(batch.repeats > 0, batch.counts, 7.0))
    with torch.no_grad():
        one, two = (model.loss(each).each for each in (batch, other))
    same(one, two, "with other counts in those bins, it is another one")


def _evaluated(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    with torch.no_grad():
        one, two = (model.loss(_trained(split)).each for _ in range(2))
    same(one, two, f"the loss of the same currents is {one.tolist()}, then {two.tolist()}")


def _falls(name: str) -> None:
    split = made_up()
    model = _fitted(name, split).train()
    batch = dataclasses.replace(_trained(split), generator=torch.Generator().manual_seed(0))
    losses = descended(model, lambda: model.loss(batch), rate=1e-2, steps=30)
    first, last = losses[:5].mean().item(), losses[-5:].mean().item()
    expect(last < first, f"in 30 steps of Adam at 0.01 the loss went from {first:.4g} to {last:.4g}")
