"""What a model must keep, whatever it is inside, as checks by name: `raysp check` and the tests run the same ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.config.settings import Plain
from raysp.errors import BadInput, expect, present
from raysp.kinds import catalog as kinds
from raysp.kinds.check import Check
from raysp.models import catalog
from raysp.training.job import Job
from raysp.training.stages import Stages

if TYPE_CHECKING:
    import torch
    from torch import nn

    from raysp.objectives.loss import Loss


def of_model(name: str) -> list[Check]:
    """Return the checks of a model: those of all, and of those that read its kind of data."""
    model = catalog.module(name).Model
    return [one for one in (*OF_ALL, *kinds.of(model.reads.kind).contract()) if one.concerns(model)]


def learns(model: type) -> bool:
    """Tell whether gradient descent fits a model."""
    return not hasattr(model, "fit")


def unbroken() -> Stages:
    """Return the stages of a fit that is of no trial, and is never stopped."""
    return Stages(Job(Trial("", {}, None, "made_up", "0" * 64)), "fit")


def same(one: torch.Tensor, other: torch.Tensor, sentence: str, *, close: bool = False) -> None:
    """Raise BadInput with a sentence unless tensors are the same, to the bit or but for rounding."""
    import torch

    near = torch.allclose(one, other, rtol=1e-4, atol=1e-5) if close else torch.equal(one, other)
    expect(one.shape == other.shape and near, sentence)


def finite_gradients(model: nn.Module, total: torch.Tensor) -> list[str]:
    """Follow a loss back; return the names of weights that it does not move. Raises BadInput for what is not finite."""
    import torch

    expect(total.dtype == torch.float32 and total.shape == (), f"the loss expected one float32, got {total}")
    expect(torch.isfinite(total), f"the loss is {total.item()}")
    total.backward()
    for label, weights in model.named_parameters():
        expect(weights.grad is not None, f"no gradient reaches {label}; a weight that nothing reads is none")
        expect(torch.isfinite(present(weights.grad)).all(), f"the gradient of {label} is not finite")
    return [label for label, weights in model.named_parameters() if not present(weights.grad).any()]


def descended(model: nn.Module, loss: Callable[[], Loss], *, rate: float, steps: int) -> torch.Tensor:
    """Return the losses of each lane, (steps, ...), while Adam trains a model."""
    import torch

    optimizer, losses = torch.optim.Adam(model.parameters(), lr=rate), []
    for _ in range(steps):
        optimizer.zero_grad()
        found = loss()
        found.total.backward()
        optimizer.step()
        losses.append(found.each.detach())
    return torch.stack(losses)


def _has_defaults(name: str) -> None:
    settings.check(catalog.config(name, {}), f"model {name}")
    own = catalog.module(name).Config
    for setting, value in vars(own).items():
        if isinstance(value, int | float | str | tuple) and not setting.startswith("_"):
            expect(setting in own.__annotations__, f"{setting} = {value!r} is no setting of Config, it has no type")


def _refuses_unknown(name: str) -> None:
    _refused(name, "no_such_setting", 1)


def _refuses_negative(name: str) -> None:
    for field in dataclasses.fields(catalog.module(name).Config):
        # What is below 0 by default may be.
        if not (isinstance(field.default, int | float) and field.default < 0):
            _refused(name, field.name, -1)


def _refused(name: str, setting: str, value: Plain) -> None:
    try:
        catalog.config(name, {setting: value})
    except BadInput as error:
        expect(setting in str(error), f"{setting} {value} is refused without saying which setting it is: {error}")
    else:
        raise BadInput(f"{setting} {value} is accepted")


OF_ALL: Sequence[Check] = (
    Check("every setting has a default", _has_defaults, "give each field of Config one: hidden: int = 64"),
    Check("unknown settings are refused", _refuses_unknown),
    Check(
        "negative settings are refused",
        _refuses_negative,
        "say in its type what a setting may be: hidden: Count = 64, of raysp.config.ranges",
    ),
)
