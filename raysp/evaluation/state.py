"""How well the generating system's own state can be read out linearly from what a model inferred."""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput
from raysp.evaluation.r2 import r2_columns
from raysp.evaluation.ridge import fit_ridge
from raysp.evaluation.velocity import ALPHAS, FOLDS


def state_r2(
    train_latents: np.ndarray, train_states: np.ndarray, eval_latents: np.ndarray, eval_states: np.ndarray
) -> np.ndarray:
    """Return R2 of each dimension of the state on evaluation trials, by a linear map fitted on training trials alone.

    The map has an intercept, and a ridge penalty cross-validated over contiguous folds of the training trials. Sussillo
    et al. (2016, LFADS) judge what was inferred from the Lorenz system's spikes this way.

    Args:
        train_latents: (training trials, bins or more, latents); bins after the states' are left out.
        train_states: (training trials, bins, dimensions).
        eval_latents: (evaluation trials, bins or more, latents).
        eval_states: (evaluation trials, bins, dimensions).

    Returns:
        (dimensions,) R2.

    Raises:
        BadInput: shapes do not fit, or a value is not finite.
    """
    parts = {"training": (train_latents, train_states), "evaluation": (eval_latents, eval_states)}
    rows = {part: _rows(*arrays, part) for part, arrays in parts.items()}
    (x, y), (x_eval, y_eval) = rows["training"], rows["evaluation"]
    if x.shape[1] != x_eval.shape[1] or y.shape[1] != y_eval.shape[1]:
        raise BadInput(
            f"state decoding expected as many latents and dimensions in training as in evaluation, got {x.shape[1]} "
            f"and {y.shape[1]} against {x_eval.shape[1]} and {y_eval.shape[1]}"
        )
    weights, intercept = fit_ridge(x, y, ALPHAS, FOLDS)
    return r2_columns(y_eval, x_eval @ weights + intercept)


def _rows(latents: np.ndarray, states: np.ndarray, part: str) -> tuple[np.ndarray, np.ndarray]:
    latents, states = np.asarray(latents, dtype=np.float64), np.asarray(states, dtype=np.float64)
    fits = latents.ndim == states.ndim == 3 and len(latents) == len(states) and latents.shape[1] >= states.shape[1]
    if not fits:
        raise BadInput(
            f"state decoding, {part}: expected latents (trials, bins, latents) and states (trials, bins, dimensions), "
            f"got {latents.shape} and {states.shape}"
        )
    if not (np.isfinite(latents).all() and np.isfinite(states).all()):
        raise BadInput(f"state decoding, {part}: expected finite latents and states, got NaN or infinity")
    latents = latents[:, : states.shape[1]]
    return latents.reshape(-1, latents.shape[2]), states.reshape(-1, states.shape[2])
