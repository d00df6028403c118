"""What free runs come to beside the validation repeats: what settings are chosen by, never by the test part."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from raysp.data.splits.movie import MovieSplit
from raysp.evaluation.movie_statistics import covariances, pairs, pearson, r2
from raysp.kinds.movie.forecast import TRIALS, shown
from raysp.kinds.movie.metrics import VALIDATION_NOISE_R, VALIDATION_NOISE_R2, VALIDATION_PSTH_R, VALIDATION_RATE
from raysp.training.randomness import looking

if TYPE_CHECKING:
    from raysp.models.base import Model
    from raysp.models.movie_model import MovieModel


def validated(model: Model, split: MovieSplit, device: torch.device, seed: int) -> dict[str, float]:
    """Return rate error, PSTH and noise correlations of free runs, as the test part is scored; what is undefined lacks.

    Args:
        model: on the device.
        split: whose validation repeats are looked at.
        device: where the model is.
        seed: of the free runs.
    """
    first, recorded, simulated = split.sizes.first, [], []
    with looking(model, device, seed):
        for one in split.validation:
            frames, _, movie = shown(split, one, device)
            spikes, _ = cast("MovieModel", model).free(frames, TRIALS, movie)
            recorded.append(one.spikes[:, first:].astype(np.float64))
            simulated.append(spikes[:, first:].cpu().numpy().astype(np.float64))
    courses = [np.concatenate([movie.mean(axis=0) for movie in each]) for each in (recorded, simulated)]
    rates = [course.mean() for course in courses]
    found = {VALIDATION_RATE: abs(rates[1] / rates[0] - 1) if rates[0] else np.nan}
    courses_r = pearson(*courses)
    known = np.isfinite(courses_r)
    found[VALIDATION_PSTH_R] = float(courses_r[known].mean()) if known.any() else np.nan
    if min(map(len, recorded)) > 1:
        theirs, mine = (pairs(covariances(each, 1).correlations("noise")[0]) for each in (recorded, simulated))
        known = np.isfinite(mine) & np.isfinite(theirs)
        if known.sum() > 2:
            found |= {
                VALIDATION_NOISE_R: float(pearson(theirs[known], mine[known])),
                VALIDATION_NOISE_R2: r2(theirs[known], mine[known]),
            }
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}
