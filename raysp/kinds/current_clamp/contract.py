"""What every model of injected currents must keep, on made-up cells."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.errors import expect
from raysp.kinds.check import Check
from raysp.kinds.contract import unbroken
from raysp.kinds.current_clamp.made_up import made_up
from raysp.models import catalog

if TYPE_CHECKING:
    from raysp.models.base import Model

SMALL = {"starts": 1, "softness": [0.3], "ridges": [0.001]}
"""Settings that make a fit quick; each model takes those that it has."""


def contract() -> list[Check]:
    """Return what every model of injected currents must keep."""
    hint = "rates(split) -> (bins of all currents,), one current after the other"
    by_units = [
        Check(f"rates are finite spikes/ms of every bin, of {units} cells", partial(_rates, units=units), hint)
        for units in (1, 3)
    ]
    return [
        *by_units,
        Check("predicting twice gives the same", _twice),
        Check("a cell's rates do not depend on the others", _apart),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is fitted"),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
    ]


def _settings(name: str) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(catalog.module(name).Config)}
    return {key: value for key, value in SMALL.items() if key in known}


def _fitted(name: str, split: CurrentClampSplit) -> Model:
    model = catalog.build(name, _settings(name), split.sizes)
    expect(hasattr(model, "fit"), "a model of injected currents fits itself: it lacks fit(split, stages)")
    model.fit(split.training(), unbroken())
    return model.eval()


def _rates(name: str, units: int) -> None:
    split = made_up(units)
    found, shape = _fitted(name, split).rates(split), (int(split.current_ptr[-1]),)
    expect(np.shape(found) == shape, f"rates expected {shape}, got {np.shape(found)}")
    # Without a fit, a cell has NaN; these cells can be fitted.
    expect(np.isfinite(found).all() and np.min(found) >= 0, "rates expected finite numbers >= 0")


def _twice(name: str) -> None:
    split = made_up()
    model = _fitted(name, split)
    expect(np.array_equal(model.rates(split), model.rates(split)), "the second time, they are other ones")


def _apart(name: str) -> None:
    split = made_up(3)
    alone = split.select([int(split.unit_ids[0])])
    own = _fitted(name, alone).rates(alone)
    expect(np.array_equal(_fitted(name, split).rates(split)[: len(own)], own), "alone, they are other ones")


def _carried(name: str) -> None:
    split = made_up()
    model, copy = _fitted(name, split), catalog.build(name, _settings(name), split.sizes)
    copy.load_state_dict(model.state_dict())
    expect(np.array_equal(copy.eval().rates(split), model.rates(split)), "a new model with it predicts something else")


def _unchanged(name: str) -> None:
    split = made_up()
    before = {key: np.copy(array) for key, array in split.arrays().items()}
    _fitted(name, split).rates(split)
    for key, array in split.arrays().items():
        expect(np.array_equal(array, before[key]), f"it wrote into {key}")
