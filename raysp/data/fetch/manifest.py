"""The recordings that can be downloaded, pinned: where each file lies, how long it is, and what its bytes hash to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raysp.config import settings
from raysp.errors import BadInput, unknown
from raysp.io import files

PATH = os.path.join(os.path.dirname(__file__), "manifest.json")
FORMAT = 1
ALL = "--all"


@dataclass(frozen=True)
class Asset:
    """One file of an archive.

    Attributes:
        name: the recording it belongs to, "test_answers", or a tutorial's data.
        path: below the dandiset's folder, as in the archive; below the data root where there is no dandiset.
        size: bytes; 0 where nobody wrote them down, so that whoever gives the file is asked.
        sha256: hexadecimal digits.
        addresses: where it can be had, the first tried first.
        dandiset: number in the DANDI archive; empty for a file from elsewhere.
        version: the dandiset's published version.
    """

    name: str
    path: str
    size: int
    sha256: str
    addresses: tuple[str, ...]
    dandiset: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        what = f"manifest, file {self.path!r}"
        parts = self.relative.split("/")
        if "" in parts or "." in parts or ".." in parts or "\\" in self.relative:
            raise BadInput(f"{what}: expected a path that stays below the data root")
        if self.size < 0:
            raise BadInput(f"{what}: expected a size in bytes, or 0 where it is unknown, got {self.size}")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise BadInput(f"{what}: expected a sha256 of 64 hexadecimal digits, got {self.sha256!r}")
        if not self.addresses:
            raise BadInput(f"{what}: expected at least one address, got none")

    @property
    def relative(self) -> str:
        """The file's path below the data root, and below a mirror's address."""
        return f"{self.dandiset}/{self.path}" if self.dandiset else self.path

    def target(self, root: str) -> str:
        """Return where the file lies below the data root."""
        return files.join(root, self.relative)


def load(path: str | None = None) -> tuple[Asset, ...]:
    """Return the pinned files, in the order of the manifest.

    Args:
        path: another manifest; None for the one that comes with raysp.

    Raises:
        BadInput: the manifest is damaged: unknown fields, no digest, a path that leaves the data root, a file twice.
    """
    path = path or PATH
    content = files.read_json(path)
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise BadInput(f"{path} expected a manifest of format {FORMAT}, got {_format(content)!r}")
    settings.check_kinds(content, {"files": tuple[Mapping[str, object], ...]}, f"manifest {path}")
    assets = tuple(settings.build(Asset, entry, f"manifest {path}") for entry in content.get("files", ()))
    seen: set[str] = set()
    for asset in assets:
        if asset.relative in seen:
            raise BadInput(f"{path}: {asset.relative} expected once, got twice")
        seen.add(asset.relative)
    return assets


def _format(content: object) -> object:
    return content.get("format") if isinstance(content, Mapping) else type(content).__name__


def names() -> list[str]:
    """Return the names that can be fetched, in the order of the manifest."""
    return list(dict.fromkeys(asset.name for asset in load()))


def chosen(wanted: Sequence[str]) -> list[Asset]:
    """Return the files of the named recordings, each once, in the order of the names; `--all` stands for every name.

    Raises:
        BadInput: no name is given, or one is unknown (the nearest known one is given).
    """
    assets = load()
    known = list(dict.fromkeys(asset.name for asset in assets))
    if not wanted:
        raise BadInput(f"expected names of recordings or {ALL}, got none; known: {', '.join(known)}")
    for name in wanted:
        if name not in (*known, ALL):
            raise unknown("recording", name, known)
    order = known if ALL in wanted else list(dict.fromkeys(wanted))
    return [asset for name in order for asset in assets if asset.name == name]
