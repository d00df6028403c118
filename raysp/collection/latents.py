"""latents.h5: a trial's latent trajectories on the evaluation trials, for figures and for whoever asks."""

from __future__ import annotations

import numpy as np

from raysp import files
from raysp.data.hdf5 import new_hdf5, opened, write_array
from raysp.errors import BadInput, NotReady

NAME = "latents"


def write_latents(path: str, latents: np.ndarray) -> None:
    """Write latents, whole or not at all.

    Args:
        path: where.
        latents: (trials, bins or bins + forward, dimensions), in the model's own units.

    Raises:
        BadInput: not three axes, or a value that is NaN or infinite.
        OSError: the disk is full; a file that was there stays as it was.
    """
    latents = np.asarray(latents, dtype=np.float32)
    if latents.ndim != 3 or latents.size == 0:
        raise BadInput(f"latents expected shape (trials, bins, dimensions), none of them 0, got {latents.shape}")
    if not np.isfinite(latents).all():
        raise BadInput("latents expected finite values, got NaN or infinity")
    with new_hdf5(path) as file:
        write_array(file, NAME, latents)


def read_latents(path: str) -> np.ndarray:
    """Read latents as (trials, bins or bins + forward, dimensions) float32.

    Raises:
        NotReady: there are none: the trial is not finished, or its model has no latents.
        BadInput: the file is damaged.
    """
    if not files.exists(path):
        raise NotReady(f"no latents at {path}: its trial is not finished, or its model has none")
    try:
        with opened(path) as file:
            return file[NAME][()]
    except (OSError, KeyError) as error:
        raise BadInput(
            f"{path} is damaged ({error}); remove its trial's folder and run the experiment again"
        ) from error
