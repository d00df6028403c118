"""What every model of movies must keep, on a made-up one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from raysp.data.splits.movie import MovieSplit
from raysp.data.splits.movie_batch import MovieBatch
from raysp.errors import expect
from raysp.kinds.check import Check
from raysp.kinds.contract import descended, finite_gradients, learns, same, unbroken
from raysp.kinds.movie.forecast import forecast, shown
from raysp.kinds.movie.made_up import made_up
from raysp.kinds.movie.perturb import SILENT
from raysp.models import catalog
from raysp.objectives.loss import checked

if TYPE_CHECKING:
    from raysp.models.base import Model
    from raysp.models.movie_model import MovieModel

SHAPES: dict[str, dict[str, Any]] = {
    "whole": {},
    "one unit": {"units": 1},
    "one row of pixels": {"height": 1},
    "counts": {"counts": True},
    "a new movie": {"new": 1},
}
"""What movies may be like."""

CPU = torch.device("cpu")
DRAWN = "in training draw from batch.generator alone; without one, from torch's own stream, which is seeded for that"
PUSHES = "free(frames, trials, movie, pushes): add pushes (frames, units) to the logit of a rate, or to its logarithm"
PAST = "clamped(frames, spikes, movie): the rate of a bin may know the spikes before it, and frames up to it"


def contract() -> list[Check]:
    """Return what every model of movies must keep."""
    shaped = [
        Check(f"{what}: {shape}", partial(check, shape=shape), "", partial(concerns, shape=shape))
        for what, check, concerns in (
            ("free runs and clamped rates are right numbers", _right, _takes),
            ("the loss is finite and moves every weight", _gradients, _learns_from),
        )
        for shape in SHAPES
    ]
    return [
        *shaped,
        Check("free runs of one seed are the same, of another seed others", _seeded, "draw from torch's own stream"),
        Check("a bin's clamped rate knows no spike of that bin or later, and no later frame", _causal, PAST),
        Check("a repeat's clamped rates do not depend on the other repeats", _apart),
        Check("a unit that is pushed down is silent in free runs, pushed up it is not", _pushed, PUSHES),
        Check("the state dict carries all that was fitted", _carried, "register_buffer what is fitted"),
        Check("what it is given stays as it was", _unchanged, "copy before you write into an array"),
        Check("the loss follows from the weights, and from the batch's generator", _drawn, DRAWN, learns),
        Check("the loss falls when it is trained", _falls, "", learns),
    ]


def _takes(model: type, shape: str) -> bool:
    """Tell whether a model takes movies of a shape: one of a spike or none in a bin says so, and takes no counts."""
    return not (SHAPES[shape].get("counts") and getattr(model, "binary", False))


def _learns_from(model: type, shape: str) -> bool:
    return learns(model) and _takes(model, shape)


def _fitted(name: str, split: MovieSplit) -> Model:
    torch.manual_seed(0)
    model = catalog.build(name, {}, split.sizes)
    if not learns(type(model)):
        model.fit(split.training(), unbroken())
    return model.eval()


def _batch(split: MovieSplit, seed: int | None = None) -> MovieBatch:
    (whole,) = MovieBatch.of(split, split.train, CPU)
    return whole.take(torch.arange(len(whole)), None if seed is None else torch.Generator().manual_seed(seed))


def _gradients(name: str, shape: str) -> None:
    split, _ = made_up(**SHAPES[shape])
    model = _fitted(name, split).train()
    unmoved = finite_gradients(model, checked(model.loss(_batch(split, 0))).total)
    expect(not unmoved, f"the loss does not move {', '.join(unmoved)}")


def _drawn(name: str) -> None:
    split, _ = made_up()
    model = _fitted(name, split).train()
    one, again = (model.loss(_batch(split, 0)).total.detach() for _ in range(2))
    same(one, again, "with the same generator, it is another one")
    with torch.no_grad():
        torch.manual_seed(1)
        one = model.eval().loss(_batch(split)).total
        torch.manual_seed(1)
        same(one, model.loss(_batch(split)).total, "in evaluation, with the same seed, it is another one")


def _falls(name: str) -> None:
    split, _ = made_up()
    model = _fitted(name, split).train()
    losses = descended(model, lambda: model.loss(_batch(split, 0)), rate=1e-2, steps=15)
    first, last = losses[:5].mean(), losses[-5:].mean()
    expect(last < first, f"in 15 steps of Adam the loss went from {first:.4f} to {last:.4f}")


def _right(name: str, shape: str) -> None:
    split, _ = made_up(**SHAPES[shape])
    for one, recorded in zip(forecast(_fitted(name, split), split, CPU, 0, trials=5), split.test, strict=True):
        expected = recorded.spikes.shape
        expect(one.clamped.shape == expected, f"clamped rates expected {expected}, got {one.clamped.shape}")
        for found in (one.spikes, one.rates):
            expect(found.shape == (5, *expected[1:]), f"free runs expected {(5, *expected[1:])}, got {found.shape}")
        expect(not split.sizes.binary or one.spikes.max() < 2, "free runs expected a spike or none in each bin")


def _seeded(name: str) -> None:
    split, _ = made_up()
    model = _fitted(name, split)
    one, again, other = (next(forecast(model, split, CPU, seed, trials=5)).spikes for seed in (0, 0, 1))
    expect(np.array_equal(one, again), "with the same seed, they are other ones")
    expect(not np.array_equal(one, other), "with another seed, they are the same")


def _clamped(model: Model, given: tuple[torch.Tensor, torch.Tensor, int]) -> torch.Tensor:
    with torch.no_grad():
        return cast("MovieModel", model).clamped(*given).clone()


def _causal(name: str) -> None:
    split, _ = made_up()
    model, bin_ = _fitted(name, split), 30
    frames, spikes, movie = shown(split, split.test[0], CPU)
    before = _clamped(model, (frames, spikes, movie))
    later, others = frames.clone(), spikes.clone()
    later[bin_ + 1 :] += 1
    others[:, bin_:] = 1 - others[:, bin_:]
    after = _clamped(model, (later, others, movie))
    same(
        before[:, : bin_ + 1], after[:, : bin_ + 1], "with other spikes and frames later on, it is another", close=True
    )


def _pushed(name: str) -> None:
    split, _ = made_up()
    model = cast("MovieModel", _fitted(name, split))
    frames, _, movie = shown(split, split.test[0], CPU)
    pushes = torch.zeros(len(frames), split.sizes.units)
    pushes[30:, 0], pushes[30:, 1] = SILENT, -SILENT
    with torch.no_grad():
        (usual, _), (spikes, _) = (model.free(frames, 5, movie, given) for given in (None, pushes))
    expect(usual.shape == spikes.shape, f"pushed runs expected {tuple(usual.shape)}, got {tuple(spikes.shape)}")
    down, up = spikes[:, 30:, 0].sum().item(), spikes[:, 30:, 1].mean().item()
    expect(down == 0, f"pushed by {SILENT:g}, it has {down:g} spikes")
    expect(up > 0.99, f"pushed by {-SILENT:g}, it has a spike in {up:.0%} of the bins")


def _apart(name: str) -> None:
    split, _ = made_up()
    model = _fitted(name, split)
    frames, spikes, movie = shown(split, split.test[0], CPU)
    whole, alone = (_clamped(model, (frames, one, movie)) for one in (spikes, spikes[:1]))
    same(whole[:1], alone, "alone, they are other ones", close=True)


def _carried(name: str) -> None:
    split, _ = made_up()
    model, copy = _fitted(name, split), catalog.build(name, {}, split.sizes).eval()
    copy.load_state_dict(model.state_dict())
    one, two = (next(forecast(each, split, CPU, 0, trials=5)) for each in (model, copy))
    right = np.array_equal(one.clamped, two.clamped) and np.array_equal(one.spikes, two.spikes)
    expect(right, "a new model with it predicts something else")


def _unchanged(name: str) -> None:
    split, _ = made_up()
    before = {path: array.copy() for path, array in split.arrays().items()}
    list(forecast(_fitted(name, split), split, CPU, 0, trials=5))
    for path, array in split.arrays().items():
        expect(np.array_equal(array, before[path]), f"it wrote into {path}")
