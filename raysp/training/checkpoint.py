"""The state of a trial in one file: whole or absent, and of this trial or refused."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from raysp.errors import BadInput
from raysp.io import files

FORMAT, UNSEALED = 2, 1
"""Version of the format; what earlier versions wrote carries no digest."""

MARK = b"raysp sha256 "
COMMENT = len(MARK) + 2 * hashlib.sha256().digest_size
SAVE_EVERY_S = float(os.environ.get("RAYSP_CHECKPOINT_S", "30"))
"""A checkpoint costs milliseconds; machines that are taken away at short notice may want it more often."""
LENGTH = 2
"""Bytes at the end of an archive without a comment that say how long its comment is."""


class Damaged(ValueError):
    """The file is not what was written."""


def save(path: str, trial_id: str, state: Mapping[str, object]) -> None:
    """Write a state of tensors and plain values; a file that was there is replaced whole.

    Raises:
        OSError: the disk is full; the earlier checkpoint stays.
    """
    # Through memory: torch.save tells of a full disk by a RuntimeError about positions in the file.
    content = io.BytesIO()
    torch.save({"format": FORMAT, "trial": trial_id, **state}, content)
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(_sealed(content.getbuffer()))


def load(path: str, trial_id: str) -> dict[str, Any] | str | None:
    """Return the state, None when there is none, or the reason (text) why it cannot be used and training starts over.

    A damaged file is not an error: it holds nothing that training again would not give, and an error would stop every
    further attempt too.

    Raises:
        BadInput: the checkpoint is of another trial, or a folder has its name.
    """
    if not files.exists(path):
        return None
    try:
        content = files.read_bytes(path)
    except IsADirectoryError as error:
        # Training cannot start over: no checkpoint could be written in its place.
        raise BadInput(f"{path} expected a checkpoint, got a folder; remove it and run the experiment again") from error
    try:
        archive = io.BytesIO(_checked(content))
        state = torch.load(archive, map_location="cpu", weights_only=True)
    except Damaged as error:
        return f"the checkpoint is damaged ({error})"
    except Exception as error:
        # Of a damaged file torch raises whatever the first wrong byte leads to.
        return f"the checkpoint is damaged ({type(error).__name__})"
    if not isinstance(state, dict) or state.get("format") not in (FORMAT, UNSEALED):
        return "the checkpoint is of another version"
    if state["format"] == FORMAT and MARK not in content[-COMMENT:]:
        return "the checkpoint is damaged (its digest is gone)"
    if state.get("trial") != trial_id:
        raise BadInput(
            f"{path} expected the checkpoint of trial {trial_id}, got that of {state.get('trial')}; "
            "remove it, or give this trial a folder of its own"
        )
    return state


def _sealed(archive: memoryview) -> bytes:
    """Return torch's archive with the digest of all its bytes as its comment: torch itself never looks at checksums."""
    comment = MARK + hashlib.sha256(archive).hexdigest().encode()
    return b"".join((archive[:-LENGTH], len(comment).to_bytes(LENGTH, "little"), comment))


def _checked(content: bytes) -> bytes:
    """Return torch's archive of a file that `_sealed` made. Raises Damaged.

    One of an earlier version has no digest, but a checksum for each member.
    """
    if content[-COMMENT:].startswith(MARK):
        archive = content[: -COMMENT - LENGTH] + bytes(LENGTH)
        if hashlib.sha256(archive).hexdigest().encode() != content[-COMMENT + len(MARK) :]:
            raise Damaged("its content is not what was written")
        return archive
    with zipfile.ZipFile(io.BytesIO(content)) as members:
        if (wrong := members.testzip()) is not None:
            raise Damaged(f"the checksum of {wrong} does not fit")
    return content
