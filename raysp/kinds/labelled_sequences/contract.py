"""What every classifier of sequences must keep, on made-up ones of odd shapes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from raysp.data.splits.labelled_batch import LabelledBatch
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit
from raysp.errors import expect
from raysp.kinds.check import Check
from raysp.kinds.contract import descended, finite_gradients, learns, same, unbroken
from raysp.kinds.labelled_sequences.learner import logits_of
from raysp.kinds.labelled_sequences.made_up import made_up
from raysp.models import catalog
from raysp.objectives.loss import checked

if TYPE_CHECKING:
    from raysp.models.base import Model

SHAPES: dict[str, tuple[dict[str, Any], str]] = {
    "whole": ({}, ""),
    "one step": ({"steps": 1}, "no layer may need several steps"),
    "one feature": ({"features": 1}, "no layer may need several features"),
    "two classes": ({"classes": 2}, ""),
}
"""What sequences may be like, and what a model has to mind then."""


def contract() -> list[Check]:
    """Return what every classifier of sequences must keep."""
    hint = "logits(sequences, readouts) -> (samples, readouts, classes)"
    shaped = [
        Check(f"{words}: {shape}", partial(check, shape=shape), more or given, concerns)
        for words, check, given, concerns in (
            ("logits are finite numbers of each readout and class", _logits, hint, lambda model: True),
            ("the loss is finite and moves every weight", _gradients, "", learns),
        )
        for shape, (_, more) in SHAPES.items()
    ]
    return [
        *shaped,
        Check("predicting twice gives the same", _twice, "what is drawn in evaluation depends on nothing before it"),
        Check("a sample's logits do not depend on the others", _apart),
        Check("a readout does not depend on how many come after it", _readouts),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is no weight"),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
        Check("the loss falls when it is trained", _falls, "", learns),
    ]


def _fitted(name: str, split: LabelledSequencesSplit) -> Model:
    torch.manual_seed(0)
    model = catalog.build(name, {}, split.sizes)
    if not learns(type(model)):
        model.fit(split.training(), unbroken())
    return model.eval()


def _of(model: Model, sequences: np.ndarray, readouts: int | None = None) -> torch.Tensor:
    return torch.as_tensor(logits_of(model, sequences, torch.device("cpu"), 0, readouts))


def _logits(name: str, shape: str) -> None:
    split = made_up(**SHAPES[shape][0])
    model = _fitted(name, split)
    found, expected = _of(model, split.test), (len(split.test), _readout_steps(model), split.sizes.classes)
    expect(found.shape == expected, f"logits expected {expected}, got {tuple(found.shape)}")
    expect(torch.isfinite(found).all(), "logits are not finite")


def _readout_steps(model: Model) -> int:
    return int(model.config.readouts)


def _gradients(name: str, shape: str) -> None:
    split = made_up(**SHAPES[shape][0])
    model = _fitted(name, split).train()
    unmoved = finite_gradients(model, checked(model.loss(LabelledBatch.of(split.train, "cpu"))).total)
    expect(not unmoved, f"the loss does not move {', '.join(unmoved)}")


def _twice(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    same(_of(model, split.test), _of(model, split.test), "the second time, they are other ones")


def _apart(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    same(_of(model, split.test[:1]), _of(model, split.test)[:1], "alone, they are other ones", close=True)


def _readouts(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    same(_of(model, split.test, 2), _of(model, split.test, 4)[:, :2], "with more of them, they are others", close=True)


def _carried(name: str) -> None:
    split = made_up()
    model, copy = _fitted(name, split), catalog.build(name, {}, split.sizes).eval()
    copy.load_state_dict(model.state_dict())
    same(_of(copy, split.test), _of(model, split.test), "a new model with it predicts something else")


def _unchanged(name: str) -> None:
    split = made_up()
    before = {path: array.copy() for path, array in split.arrays().items()}
    _of(_fitted(name, split), split.test)
    for path, array in split.arrays().items():
        expect(np.array_equal(array, before[path]), f"it wrote into {path}")


def _falls(name: str) -> None:
    split = made_up()
    model, batch = _fitted(name, split).train(), LabelledBatch.of(split.train, "cpu")
    losses = descended(model, lambda: model.loss(batch), rate=1e-2, steps=15)
    first, last = losses[:5].mean(), losses[-5:].mean()
    expect(last < first, f"in 15 steps of Adam the loss went from {first:.4f} to {last:.4f}")
