"""What a model of movies gives for the test part: free runs, and rates one bin ahead of what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from raysp.data.splits.movie import MovieSplit, Repeats
from raysp.kinds.movie.runs_file import Forecast, check_rates
from raysp.models.movie_model import NEW
from raysp.objectives.spike_nats import nats
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model
    from raysp.models.movie_model import MovieModel

TRIALS, FEW = 100, 4
"""Free runs of a movie that was shown many times, and of one that was shown once."""


def forecast(
    model: Model, split: MovieSplit, device: torch.device, seed: int, trials: int | None = None
) -> Iterator[Forecast]:
    """Yield what a model gives for each movie of the test part.

    Args:
        model: on the device.
        split: the movies.
        device: where the model is.
        seed: of the free runs.
        trials: free runs of each movie; None for as many as are usual.

    Raises:
        BadInput: rates are not what `check_rates` says.
    """
    mine = cast("MovieModel", model)
    for one in split.test:
        with looking(model, device, seed):
            frames, spikes, movie = shown(split, one, device)
            count = trials or (TRIALS if len(one) > 1 else FEW)
            drawn, rates = mine.free(frames, count, movie)
            clamped = mine.clamped(frames, spikes, movie)
            drawn = drawn.clamp(max=255).to(torch.uint8)
            found = Forecast(one.movie, one.numbers, *(each.cpu().numpy() for each in (drawn, rates, clamped)))
            check_rates(found, f"model {type(model).__module__.rpartition('.')[2]}", binary=split.sizes.binary)
            yield found


def clamped_nats(model: Model, split: MovieSplit, repeats: Sequence[Repeats], device: torch.device) -> float:
    """Return the mean of minus the log-likelihood of each scored bin and unit, one bin ahead."""
    found = []
    with looking(model, device):
        for one in repeats:
            rates = cast("MovieModel", model).clamped(*shown(split, one, device)).cpu().numpy()
            found.append(nats(rates, one.spikes, binary=split.sizes.binary)[:, split.sizes.first :].ravel())
    return float(np.concatenate(found).mean())


def shown(split: MovieSplit, one: Repeats, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Return what a model is given of repeats: frames, recorded spikes, and which movie it is."""
    frames = torch.as_tensor(split.movies[one.movie]).to(device)
    spikes = torch.as_tensor(one.spikes).to(device).float()
    return frames, spikes, NEW if split.is_new(one.movie) else one.movie
