"""The state of a trial in one file: whole or absent, and of this trial or refused."""

from __future__ import annotations

import io
import pickle
import zipfile
from typing import Any

import torch

from raysp import files
from raysp.errors import BadInput

FORMAT = 1


def save(path: str, trial_id: str, state: dict[str, Any]) -> None:
    """Write a state of tensors and plain values; a file that was there is replaced whole.

    Raises:
        OSError: the disk is full; the earlier checkpoint stays.
    """
    # Through memory: torch.save tells of a full disk by a RuntimeError about positions in the file.
    content = io.BytesIO()
    torch.save({"format": FORMAT, "trial": trial_id, **state}, content)
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content.getbuffer())


def load(path: str, trial_id: str) -> dict[str, Any] | str | None:
    """Return the state, None when there is none, or the reason (text) why it cannot be used and training starts over.

    A damaged file is not an error: it holds nothing that training again would not give, and an error would stop every
    further attempt too.

    Raises:
        BadInput: the checkpoint is of another trial.
    """
    if not files.exists(path):
        return None
    content = io.BytesIO(files.read_bytes(path))
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        return f"the checkpoint is damaged ({type(error).__name__})"
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        return "the checkpoint is of another version"
    if state["trial"] != trial_id:
        raise BadInput(
            f"{path} expected the checkpoint of trial {trial_id}, got that of {state['trial']}; "
            "remove it, or give this trial a folder of its own"
        )
    return state
