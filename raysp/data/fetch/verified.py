"""What lies on disk of the pinned files: there, whole, proven by its hash, a part, or something else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from raysp.data.fetch.manifest import ALL, Asset, chosen
from raysp.data.formats import guarded, hdf5
from raysp.data.nlb.sets import STANDIN_MARK
from raysp.errors import BadInput
from raysp.io import files

State = Literal["absent", "partial", "unverified", "verified", "damaged", "standin"]
Hashing = Literal["never", "unknown", "always"]


@dataclass(frozen=True)
class FileStatus:
    """One pinned file below a data root.

    Attributes:
        name: the recording, or "test_answers".
        path: where the file lies or would lie.
        state: absent; partial (a download was interrupted); unverified (as long as it should be, never hashed);
            verified (its hash is the pinned one); damaged (length or hash differ); standin (a generated recording).
        bytes: on disk, of the file or its part.
        size: bytes of the whole file.
    """

    name: str
    path: str
    state: State
    bytes: int
    size: int

    @property
    def present(self) -> bool:
        """Whether something lies under the file's final name."""
        return self.state not in ("absent", "partial")


def local_root(root: str) -> str:
    """Return the data root as a local path.

    Raises:
        BadInput: it is an address of another machine.
    """
    if not files.is_local(root):
        raise BadInput(
            f"recordings are downloaded to a local disk: expected a folder, got {root!r}; fetch and prepare below a "
            f"folder, then copy its folder prepared to {files.join(root, 'prepared')}: runs need no more"
        )
    return files.absolute(root)


def status(root: str, names: Sequence[str] = (ALL,)) -> list[FileStatus]:
    """Return the state of the pinned files below `root` without reading their bytes.

    A file is "verified" when it was hashed before and has kept its length and modification time since.

    Raises:
        BadInput: a name is unknown.
    """
    folder = local_root(root)
    return [inspect(asset, folder, "never") for asset in chosen(names)]


def check(root: str, names: Sequence[str] = (ALL,)) -> list[FileStatus]:
    """Return the state of the pinned files below `root`, each one that is there hashed anew.

    Raises:
        BadInput: a name is unknown.
    """
    folder = local_root(root)
    return [inspect(asset, folder, "always") for asset in chosen(names)]


def inspect(asset: Asset, root: str, hashing: Hashing) -> FileStatus:
    """Return the state of one file.

    Args:
        asset: the pinned file.
        root: local path of the data root.
        hashing: whether to read the file's bytes: never, when not yet verified ("unknown"), or always.
    """
    path = asset.target(root)
    if not os.path.exists(path):
        part = length(part_path(path))
        return FileStatus(asset.name, path, "partial" if part else "absent", part, asset.size)
    return FileStatus(asset.name, path, _state(asset, path, hashing), length(path), asset.size)


def _state(asset: Asset, path: str, hashing: Hashing) -> State:
    if hashing != "always" and _remembered(asset, path):
        return "verified"
    if is_standin(path):
        return "standin"
    if asset.size and length(path) != asset.size:
        return "damaged"
    if hashing == "never":
        return "unverified"
    before = _stamp(path)
    if files.sha256(path) != asset.sha256:
        with contextlib.suppress(FileNotFoundError):
            os.remove(_note(path))
        return "damaged"
    remember(asset, path, before)
    return "verified"


def part_path(path: str) -> str:
    """Return where a file's bytes gather until they are whole and verified."""
    return f"{path}.part"


def length(path: str) -> int:
    """Return the bytes of a file, 0 when it is absent."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def is_standin(path: str) -> bool:
    """Tell whether an HDF5 file was generated to stand in for a recording; a file too damaged to open was not."""
    try:
        with hdf5.opened(path, parts=True) as file:
            found = file.array("identifier")[()] if "identifier" in file else file.attrs.get("identifier", "")
    except (BadInput, OSError):
        return False
    return guarded.decoded(found).startswith(STANDIN_MARK)


def remember(asset: Asset, path: str, stamp: dict[str, int] | None = None) -> None:
    """Note beside a file that its hash was the pinned one; nothing is noted in a folder that cannot be written."""
    with contextlib.suppress(OSError):
        files.write_json(_note(path), {"sha256": asset.sha256, **(stamp or _stamp(path))})


def _remembered(asset: Asset, path: str) -> bool:
    if not os.path.exists(_note(path)):
        return False
    try:
        return files.read_json(_note(path)) == {"sha256": asset.sha256, **_stamp(path)}
    except BadInput:
        return False


def _note(path: str) -> str:
    folder, base = os.path.split(path)
    return os.path.join(folder, f".{base}.verified.json")


def _stamp(path: str) -> dict[str, int]:
    found = os.stat(path)
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
