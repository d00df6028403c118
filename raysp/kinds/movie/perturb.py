"""Free runs of a model of movies while units are silenced or driven, beside the same runs without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import polars
import torch

from raysp.data.splits.movie import MovieSplit, Repeats
from raysp.data.splits.units import chosen_units
from raysp.errors import expect
from raysp.kinds.movie.forecast import shown
from raysp.kinds.perturbation import Perturbation
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.movie_model import MovieModel

SILENT = -20.0
"""Added to a logit: no unit fires in a thousand years of bins."""

SCHEMA = polars.Schema({
    **dict.fromkeys(("run_trial", "model", "split"), str),
    **dict.fromkeys(("seed", "movie", "unit"), int),
    "push": float,
    **dict.fromkeys(("usual_rate", "rate", "change", "change_error"), float),
})  # fmt: skip
"""Rates are spikes a bin, means of free runs over the scored bins in which units are pushed; `change` is their
difference, and `change_error` its standard error over runs, of which each has the same random numbers with and without.
`push` is what was added to the logit of the unit's own rate, or to its logarithm where bins have counts."""


def perturb(job: Job, fitted: Fitted, split: MovieSplit, how: Perturbation) -> polars.DataFrame:
    """Return a row per movie of the test part and unit; see `SCHEMA`.

    Raises:
        BadInput: there is no such unit, or no scored bin in which it is pushed.
    """
    push = _pushes(split, how)
    rows = [row for one in split.test for row in _rows(fitted, split, one, (push, how), job.trial.seed)]
    trial = job.trial
    own = {"run_trial": trial.id, "model": trial.shown, "split": trial.split, "seed": trial.seed}
    return polars.DataFrame([{**own, **row} for row in rows], schema=SCHEMA)


def _pushes(split: MovieSplit, how: Perturbation) -> np.ndarray:
    """Return (units,) what is added for each."""
    wanted = dict.fromkeys(how.silence, SILENT) | dict(how.drive)
    chosen_units(split.name, list(wanted), split.unit_ids, split.left_out)
    return np.array([wanted.get(unit, 0.0) for unit in split.unit_ids.tolist()], np.float32)


def _rows(
    fitted: Fitted, split: MovieSplit, one: Repeats, what: tuple[np.ndarray, Perturbation], seed: int
) -> Iterator[dict[str, float]]:
    push, how = what
    frames, _, movie = shown(split, one, fitted.device)
    first, end = how.bins or (0, len(frames))
    scored = slice(max(first, split.sizes.first), min(end, len(frames)))
    expect(
        scored.start < scored.stop,
        f"bins expected some of the scored ones, {split.sizes.first} to {len(frames) - 1} of movie {one.movie}, got "
        f"{first}:{end}",
    )
    pushes = frames.new_zeros(len(frames), len(push))
    pushes[first:end] = torch.as_tensor(push).to(frames)
    found = []
    for given in (None, pushes):
        with looking(fitted.model, fitted.device, seed):
            spikes, _ = cast("MovieModel", fitted.model).free(frames, how.trials, movie, given)
            found.append(spikes[:, scored].double().mean(dim=1).cpu().numpy())
    usual, rates = found
    change = rates - usual
    error = change.std(axis=0, ddof=1) / np.sqrt(how.trials)
    columns = (push, usual.mean(axis=0), rates.mean(axis=0), change.mean(axis=0), error)
    names = ("push", "usual_rate", "rate", "change", "change_error")
    for unit, *values in zip(split.unit_ids.tolist(), *(each.tolist() for each in columns), strict=True):
        yield {"movie": one.movie, "unit": unit, **dict(zip(names, values, strict=True))}
