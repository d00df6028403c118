"""What every model of a population must keep, on made-up splits of odd shapes."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.population import PopulationSplit
from raysp.errors import BadInput, expect, present
from raysp.kinds.check import Check
from raysp.kinds.contract import descended, finite_gradients, learns, same, unbroken
from raysp.kinds.population.made_up import made_up_split
from raysp.models import catalog
from raysp.models.prediction import Prediction, check_prediction
from raysp.objectives.loss import checked

if TYPE_CHECKING:
    from raysp.models.base import Model

SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "whole": ({}, ""),
    "no held-out units": ({"heldout": 0}, "batch.heldout is None then; batch.whole() puts together what there is"),
    "no forward bins": (
        {"forward": 0, "bins": 7},
        "batch.heldin_forward is None then, and so is Prediction.rates_forward; the number of bins may be odd",
    ),
    "one unit, one bin": ({"heldin": 1, "bins": 1}, "no layer may need several units or bins"),
    "one trial": ({"trials": 1}, "no statistics over the trials of a batch may need several"),
    "unobserved bins": (
        {"nan": True},
        "counts are NaN there: put a number in their place before a layer reads them, and leave them out of the loss",
    ),
}
"""What a split may be like, and what a model has to mind then."""

UNMOVED = {"sae": ("generator.weight_ih_l0",)}
"""Weights that no gradient moves by design: the generator's input is always zero."""


def contract() -> list[Check]:
    """Return what every model of a population must keep."""
    shaped = [
        Check(f"{words}: {shape}", partial(check, shape=shape), hint or plain, concerns)
        for words, check, concerns, plain in (
            ("rates are expected spikes per bin of all units", _rates, lambda model: True, ALL),
            ("the loss is finite and moves every weight", _gradients, learns, ""),
        )
        for shape, (_, hint) in SHAPES.items()
    ]
    return [
        *shaped,
        Check("predicting twice gives the same", _twice, "what is drawn in evaluation depends on nothing before it"),
        Check("the loss in evaluation, without a generator, is the same twice", _evaluated, NO_GENERATOR, learns),
        Check("predictions do not know what is to be predicted", _blind, "read batch.heldin alone in predict"),
        Check("a trial's prediction does not depend on the others", _apart),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is no weight"),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
        Check("the loss falls when it is trained", _falls, "", learns),
    ]


ALL = "predict returns rates of sizes.units units, held-in ones first, in sizes.bins bins, and in sizes.forward more"
NO_GENERATOR = "batch.generator is None in evaluation, and nothing is drawn then; dropout is off in eval mode"


def fitted(name: str, split: PopulationSplit) -> Model:
    """Return a model as training begins, or, where it fits itself, fitted; in eval mode."""
    torch.manual_seed(0)
    model = catalog.build(name, {}, split.sizes)
    if catalog.fits_itself(name):
        model.fit(split.train, unbroken())
    elif hasattr(model, "start"):
        model.start(split.train)
    return model.eval()


def _predicted(model: Model, batch: Batch) -> Prediction[torch.Tensor]:
    with torch.no_grad():
        found: object = model.predict(batch)
    if not isinstance(found, Prediction):
        raise BadInput(f"predict(batch) expected a Prediction, got {type(found).__name__}")
    return found


def _shown(split: PopulationSplit) -> Batch:
    return to_device(present(split.eval), "cpu").inputs()


def _tensors(found: Prediction[torch.Tensor]) -> list[torch.Tensor]:
    return [one for one in (found.rates, found.rates_forward, found.latents) if one is not None]


def _rates(name: str, shape: str) -> None:
    split = made_up_split(**SHAPES[shape][0])
    found = _predicted(fitted(name, split), _shown(split))
    sizes, trials = split.sizes, len(present(split.eval))
    expect(found.rates.dtype == torch.float32, f"rates expected float32, got {found.rates.dtype}")
    check_prediction(found.numpy(), sizes, trials, name)
    expect(
        (found.rates_forward is None) == (sizes.forward == 0),
        f"rates_forward expected {'None' if sizes.forward == 0 else 'rates'} where there are {sizes.forward} forward "
        f"bins, got {'None' if found.rates_forward is None else 'rates'}",
    )
    if found.latents is not None:
        bins = (sizes.bins, sizes.bins + sizes.forward)
        right = found.latents.shape[0] == trials and found.latents.shape[1] in bins
        expect(right, f"latents expected ({trials}, {bins[0]} or {bins[1]}, any), got {tuple(found.latents.shape)}")
        expect(torch.isfinite(found.latents).all(), "latents are not finite")


def _twice(name: str) -> None:
    split = made_up_split()
    model = fitted(name, split)
    one, two = (_predicted(model, _shown(split)).rates for _ in range(2))
    same(one, two, "the second prediction of the same trials is another one")


def _evaluated(name: str) -> None:
    split = made_up_split()
    model, batch = fitted(name, split), dataclasses.replace(to_device(split.train, "cpu"), rates=None)
    with torch.no_grad():
        one, two = (checked(model.loss(batch)).each for _ in range(2))
    same(one, two, f"the loss of the same trials is {one.tolist()}, then {two.tolist()}")


def _blind(name: str) -> None:
    split = made_up_split()
    model, shown = fitted(name, split), to_device(split.train, "cpu")
    names = ("heldout", "heldin_forward", "heldout_forward")
    hidden: dict[str, Any] = {key: torch.full_like(getattr(shown, key), 9.0) for key in names}
    other = dataclasses.replace(shown, **hidden)
    for one, two in zip(_tensors(_predicted(model, shown)), _tensors(_predicted(model, other)), strict=True):
        same(one, two, "with other held-out and forward counts, the prediction is another one")


def _apart(name: str) -> None:
    split = made_up_split()
    model, batch = fitted(name, split), _shown(split)
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(1))
    found = [_predicted(model, one) for one in (batch, batch.take(order), batch.take(slice(3, 4)))]
    for whole, mixed, single in zip(*map(_tensors, found), strict=True):
        same(whole[order], mixed, "in another order, a trial's prediction is another one", close=True)
        same(whole[3:4], single, "alone, a trial's prediction is another one", close=True)


def _carried(name: str) -> None:
    split = made_up_split()
    model, copy = fitted(name, split), catalog.build(name, {}, split.sizes)
    copy.load_state_dict(model.state_dict())
    one, two = (_predicted(each, _shown(split)).rates for each in (model, copy.eval()))
    same(one, two, "a new model with the fitted one's state dict predicts something else")


def _unchanged(name: str) -> None:
    split = made_up_split(nan=True)
    before = {key: array.copy() for key, array in split.train.arrays().items()}
    model, batch = fitted(name, split), to_device(split.train, "cpu")
    _predicted(model, batch.inputs())
    if learns(type(model)):
        checked(model.loss(batch))
    for key, array in split.train.arrays().items():
        expect(np.array_equal(array, before[key], equal_nan=array.dtype.kind == "f"), f"it wrote into {key}")


def _gradients(name: str, shape: str) -> None:
    split = made_up_split(**SHAPES[shape][0])
    model = fitted(name, split).train()
    found = checked(model.loss(dataclasses.replace(to_device(split.train, "cpu"), rates=None)))
    silent = finite_gradients(model, found.total)
    if shape == "whole":
        unmoved = [label for label in silent if label not in UNMOVED.get(name, ())]
        expect(not unmoved, f"no gradient moves {', '.join(unmoved)}")


def _in_evaluation(model: Model, batch: Batch) -> float:
    with torch.no_grad():
        return checked(model.eval().loss(batch)).total.item()


def _falls(name: str) -> None:
    split = made_up_split()
    model, still = fitted(name, split), dataclasses.replace(to_device(split.train, "cpu"), rates=None)
    batch = dataclasses.replace(still, generator=torch.Generator().manual_seed(0))
    # Looked at in evaluation: what training hides and drops differs from step to step by more than a few steps gain.
    first = _in_evaluation(model, still)
    descended(model.train(), lambda: checked(model.loss(batch)), rate=1e-2, steps=30)
    last = _in_evaluation(model, still)
    expect(last < first, f"in 30 steps of Adam at 0.01 the loss went from {first:.4g} to {last:.4g}")
