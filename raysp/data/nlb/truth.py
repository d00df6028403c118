"""True rates of generated recordings: expected spikes per bin in the trials' windows."""

from __future__ import annotations

from typing import Literal

import numpy as np

from raysp.data.formats import hdf5
from raysp.data.formats.guarded import Group
from raysp.errors import BadInput
from raysp.io import files

AGAIN = "generate it again: raysp data standin"


def truth_path(root: str, dataset: str) -> str:
    """Return where the generator left a recording's latent states below the data root."""
    return files.join(root, "standin-truth", f"{dataset}.h5")


def true_rates(
    path: str, session: Literal["train", "test"], first: np.ndarray, bins: int, bin_ms: int
) -> np.ndarray | None:
    """Return the rates that the spikes were drawn from.

    The rate in a millisecond is exp(latents @ readout + bias); refractoriness is ignored.

    Args:
        path: file of the latent states.
        session: which of the recording's two files the trials lie in.
        first: (trials,) first bin of each window, bins since the session's start.
        bins: length of the windows, forward bins included.
        bin_ms: width of a bin, ms.

    Returns:
        (trials, bins, units) float32 expected spikes per bin, held-in units first; None when there is no file.

    Raises:
        BadInput: the file is damaged, or a window reaches beyond its states.
    """
    if not files.exists(path):
        return None
    with hdf5.opened(path, again=AGAIN) as file:
        readout = file.array("readout").numbers(None, None)
        bias = file.array("bias").numbers(readout.shape[1])
        latents = file.array(f"latents_{session}").expect(None, len(readout))
        rows = _rows(file, session, first * bin_ms)
        if rows.min() < 0 or rows.max() + bins * bin_ms > len(latents):
            span = f"{first.min() * bin_ms} to {(first.max() + bins) * bin_ms} ms"
            raise BadInput(f"{path}: expected states of {span} of the {session} session, got {len(latents)} ms")
        result = np.empty((len(first), bins, len(bias)), dtype=np.float32)
        for trial, begin in enumerate(rows):
            with np.errstate(over="ignore", invalid="ignore"):
                rates = np.exp(latents[begin : begin + bins * bin_ms] @ readout + bias)
                result[trial] = rates.reshape(bins, bin_ms, -1).sum(axis=1)
    if not np.isfinite(result).all():
        raise BadInput(f"{path}: expected finite true rates, got NaN or infinity; {AGAIN}")
    return result


def _rows(file: Group, session: str, begin_ms: np.ndarray) -> np.ndarray:
    # Windows of a test file were cut out of a longer session: what follows one is not what follows it in the file.
    if f"windows_{session}" not in file:
        return begin_ms
    array = file.array(f"windows_{session}")
    windows = array.numbers(None, 2)
    if windows.dtype.kind not in "iu" or len(windows) == 0:
        raise array.refuse(f"expected whole ms of windows, got {len(windows)} rows of {windows.dtype}; {AGAIN}")
    nearest = np.searchsorted(windows[:, 0], begin_ms, side="right") - 1
    if nearest.min() < 0:
        raise BadInput(f"{file.filename}: expected windows from {windows[0, 0]} ms on, got {begin_ms.min()} ms")
    return begin_ms - windows[nearest, 0] + windows[nearest, 1]
