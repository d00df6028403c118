"""latents.h5: a trial's latent trajectories on evaluation and training trials, for figures and for whoever asks.

Those of the training trials are what readouts are fitted to. What a model says of evaluation trials beside them, such
as the inputs that drive them, stands under its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from raysp.collection.predictions import AGAIN
from raysp.config.experiment import Trial
from raysp.data.formats.hdf5 import opened
from raysp.data.splits.sealed import DIGESTS, checked_header, new_sealed, raw_header, read
from raysp.errors import BadInput, NotReady
from raysp.io import files

FORMAT, NAME, TRAIN = 1, "latents", "train_latents"


def write_latents(
    path: str, latents: np.ndarray, train: np.ndarray | None = None, trial: Trial | None = None,
    beside: Mapping[str, np.ndarray] | None = None,
) -> None:  # fmt: skip
    """Write latents, whole or not at all.

    Args:
        path: where.
        latents: (trials, bins or bins + forward, dimensions), in the model's own units.
        train: likewise for the training trials.
        trial: whose they are.
        beside: more of the evaluation trials by name, (trials, ...).

    Raises:
        BadInput: not three axes, or a value that is NaN or infinite.
        OSError: the disk is full; a file that was there stays as it was.
    """
    arrays = {NAME: _checked(latents)} | ({} if train is None else {TRAIN: _checked(train)})
    arrays |= {name: _finite(array) for name, array in (beside or {}).items()}
    header = {"format": FORMAT} | ({} if trial is None else {"trial": trial.id, "data": trial.data})
    with new_sealed(path, header) as file:
        for name, array in arrays.items():
            # A trial a chunk, so that reading a few trials unpacks no others.
            file.write(name, array, (1, *array.shape[1:]))


def _checked(latents: np.ndarray) -> np.ndarray:
    latents = np.asarray(latents, dtype=np.float32)
    if latents.ndim != 3 or latents.size == 0:
        raise BadInput(f"latents expected shape (trials, bins, dimensions), none of them 0, got {latents.shape}")
    return _finite(latents)


def _finite(array: np.ndarray) -> np.ndarray:
    if not np.isfinite(array).all():
        raise BadInput("latents expected finite values, got NaN or infinity")
    return np.asarray(array, dtype=np.float32)


def read_beside_latents(path: str, trial: Trial | None = None) -> dict[str, np.ndarray]:
    """Return what a model says of the evaluation trials beside its latents, by name, (trials, ...) float32.

    Raises:
        NotReady: there are no latents.
        BadInput: the file is damaged, or another trial's.
    """
    read_latents(path, "eval", trial)
    with opened(path, again=AGAIN) as file:
        if (raw := raw_header(file)) is None:
            return {}
        header = checked_header(file, raw)
        return {name: read(file, name, header) for name in header[DIGESTS] if name not in (NAME, TRAIN)}


def read_latents(path: str, part: Literal["train", "eval"] = "eval", trial: Trial | None = None) -> np.ndarray:
    """Read latents of a part as (trials, bins or bins + forward, dimensions) float32.

    Args:
        path: where.
        part: of the split.
        trial: whose they must be.

    Raises:
        NotReady: there are none: the trial is not finished, or its model has no latents.
        BadInput: the file is damaged, or another trial's.
    """
    if not files.exists(path):
        raise NotReady(f"no latents at {path}: its trial is not finished, or its model has none")
    name = NAME if part == "eval" else TRAIN
    with opened(path, again=AGAIN) as file:
        if (raw := raw_header(file)) is None:
            # Of an earlier version, without checksums.
            header, there = None, list(file)
        else:
            header = checked_header(file, raw)
            there = list(header[DIGESTS])
        if part == "train" and name not in there:
            raise NotReady(
                f"no latents of training trials in {path}, which is of an earlier version; remove its trial's folder "
                "and run the experiment again"
            )
        if header is None:
            return file.array(name)[()]
        if trial is not None and header.get("trial", trial.id) != trial.id:
            raise BadInput(f"{path} expected latents of {trial.id}, got those of {header['trial']}; {AGAIN}")
        if name not in there:
            raise BadInput(f"{path} is damaged: it holds no latents; {AGAIN}")
        return read(file, name, header)
