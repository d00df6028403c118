"""What a person names when there is no experiment yet: a file, or a split that is prepared."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from raysp.config import own_code
from raysp.config.experiment import Recording
from raysp.data.sources import catalog
from raysp.errors import BadInput
from raysp.io import files


def recording(path: str, settings: Mapping[str, object], *, source: str = "", name: str = "") -> Recording:
    """Return the recording of a file, or of a source that generates.

    Args:
        path: of the file or folder; empty, or the source's name, for a source that reads none.
        settings: of the source.
        source: its name, or the path of a file of one's own; by default the one that reads files of this ending.
        name: what the split is called; by default after the file.

    Raises:
        BadInput: no source reads such a file, or the source reads none.
    """
    reads = own_code.taken("data/sources", source) if source else catalog.of_file(path)
    path = "" if path == reads and _where(reads) is None else path
    if not source:
        _check_of_another(path, reads, settings)
    return Recording(name or catalog.name_of(path or reads), reads, {**settings, **_at(reads, path)})


def generates(text: str) -> bool:
    """Tell whether a text is the name of a source that reads no file."""
    return text in catalog.names() and _where(text) is None


def _check_of_another(path: str, reads: str, settings: Mapping[str, object]) -> None:
    """Refuse settings that the source of a file's ending lacks, where another one has them: MATLAB's spikes, say."""
    has = {name: {one.name for one in dataclasses.fields(catalog.source(name).Config)} for name in catalog.names()}
    odd = [name for name in settings if name not in has[reads]]
    able = [name for name, known in has.items() if "path" in known and known.issuperset(settings)]
    if odd and able:
        told = f"{path}: source {reads}, which reads files of this ending, has no setting {odd[0]}"
        raise BadInput(f"{told}; give the one that has it: source={' or '.join(map(repr, able))}")


def is_split(text: str) -> bool:
    """Tell whether a text is no path of a file: it has no folder and no ending that a source reads."""
    endings = tuple(one for name in catalog.names() for one in catalog.source(name).READS)
    return not (files.exists(text) or "/" in text or os.sep in text or text.lower().endswith(endings))


def check_no_settings(name: str, settings: Mapping[str, object]) -> None:
    """Refuse settings beside the name of a split, which is cut already."""
    if settings:
        raise BadInput(
            f"{name} is the name of a split, which is cut already: expected no settings, got {', '.join(settings)}; "
            "of a recording, give its file"
        )


def _at(source: str, path: str) -> dict[str, str]:
    """Return the setting of a source that says where its files are."""
    if not path:
        return {}
    if (setting := _where(source)) is None:
        raise BadInput(f"source {source} reads no file; leave {path!r} out")
    return {setting: path}


def _where(source: str) -> str | None:
    known = {one.name for one in dataclasses.fields(catalog.source(source).Config)}
    return next((one for one in ("path", "root") if one in known), None)
