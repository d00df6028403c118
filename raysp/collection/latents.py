"""latents.h5: a trial's latent trajectories on the evaluation trials, for figures and for whoever asks.

Those of the training trials are there too where the data's own states are known, to fit the map to them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from raysp import files
from raysp.data.hdf5 import new_hdf5, opened, write_array
from raysp.errors import BadInput, NotReady

NAME, TRAIN = "latents", "train_latents"


def write_latents(path: str, latents: np.ndarray, train: np.ndarray | None = None) -> None:
    """Write latents, whole or not at all.

    Args:
        path: where.
        latents: (trials, bins or bins + forward, dimensions), in the model's own units.
        train: likewise for the training trials.

    Raises:
        BadInput: not three axes, or a value that is NaN or infinite.
        OSError: the disk is full; a file that was there stays as it was.
    """
    arrays = {NAME: _checked(latents)} | ({} if train is None else {TRAIN: _checked(train)})
    with new_hdf5(path) as file:
        for name, array in arrays.items():
            write_array(file, name, array)


def _checked(latents: np.ndarray) -> np.ndarray:
    latents = np.asarray(latents, dtype=np.float32)
    if latents.ndim != 3 or latents.size == 0:
        raise BadInput(f"latents expected shape (trials, bins, dimensions), none of them 0, got {latents.shape}")
    if not np.isfinite(latents).all():
        raise BadInput("latents expected finite values, got NaN or infinity")
    return latents


def read_latents(path: str, part: Literal["train", "eval"] = "eval") -> np.ndarray:
    """Read latents of a part as (trials, bins or bins + forward, dimensions) float32.

    Raises:
        NotReady: there are none: the trial is not finished, or its model has no latents.
        BadInput: the file is damaged.
    """
    if not files.exists(path):
        raise NotReady(f"no latents at {path}: its trial is not finished, or its model has none")
    try:
        with opened(path) as file:
            if part == "train" and TRAIN not in file:
                raise NotReady(f"no latents of training trials in {path}: they are kept where states are known")
            return file[NAME if part == "eval" else TRAIN][()]
    except (OSError, KeyError) as error:
        raise BadInput(
            f"{path} is damaged ({error}); remove its trial's folder and run the experiment again"
        ) from error
