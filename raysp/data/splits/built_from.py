"""Whether a prepared split is what would be built now: from the same bytes and settings, by the same code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from raysp.config import code_hash
from raysp.data.splits import store
from raysp.io import files


def is_current(root: str, name: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a split need not be built again, since it was built from the same, or cannot be written anew.

    Args:
        root: the data root.
        name: the split's full name.
        wanted: what it would be built from now.

    Raises:
        NotReady, BadInput: as `store.header` does.
    """
    found = store.header(root, name).built_from
    return found == wanted or ({**found, "code": wanted["code"]} == dict(wanted) and not _can_be_written(root))


def other_code(root: str, name: str) -> str | None:
    """Return a sentence on a split that was prepared by other code than today's; None for all others.

    Such a split is used where its recording is not there, or where the data root cannot be written.
    """
    found = store.header(root, name).built_from
    if "code" not in found or found["code"] == code_hash.digest(code_hash.of_source(found.get("source", "nlb"))):
        return None
    return "it was prepared by other code than today's, and is used as it is, since it cannot be prepared anew here"


def _can_be_written(root: str) -> bool:
    return not files.is_local(root) or os.access(files.absolute(files.join(root, "prepared")), os.W_OK | os.X_OK)
