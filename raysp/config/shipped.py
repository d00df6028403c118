"""Files that ship with raysp beside its code: experiments and search spaces."""

from __future__ import annotations

from pathlib import Path

import raysp

PACKAGE = Path(raysp.__file__).parent


def names(folder: str, ending: str) -> dict[str, str]:
    """Return what ships in a folder, by name: below the package in an installation, beside it in a checkout."""
    inside = PACKAGE / "shipped" / folder
    there = inside if inside.is_dir() else PACKAGE.parent / folder
    return {path.stem: str(path) for path in sorted(there.glob(f"*{ending}"))}
