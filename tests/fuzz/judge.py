"""What came of a reading: refused, read right, noted, started over, or one of the faults."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from raysp.errors import BadInput, NotReady
from tests.fuzz.content import fingerprint
from tests.fuzz.kinds import Changed, Kind, Read

CLASSES = ("refused", "read right", "noted", "restarted", "as it says", "OTHER CONTENT", "UNTOLD", "UNCLEAR", "RAW",
           "HANG", "CRASH")  # fmt: skip
"""`as it says`: other content of a file that carries no checksum, which is what the file says now. UNTOLD: what must be
refused or noted was not, or what changes nothing was not read alike. UNCLEAR: refused, but not in one line that names
the file."""
FAULTS = ("OTHER CONTENT", "UNTOLD", "UNCLEAR", "RAW", "HANG", "CRASH")
FATAL = {"raw": "RAW", "broken": "RAW", "hang": "HANG", "crash": "CRASH"}
LONGEST = 1500


def observe(read: Callable[[str], Read], folder: str) -> dict[str, Any]:
    """Read, and return what came in plain values."""
    try:
        found = read(folder)
    except (BadInput, NotReady) as error:
        return {"ended": "refused", "how": str(error)}
    except BaseException as error:
        place = [f"{os.path.basename(one.filename)}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
        return {"ended": "raw", "how": f"{type(error).__name__}: {str(error)[:300]} ({' '.join(place[-4:])})"}
    if found.again:
        return {"ended": "restarted", "how": found.again}
    return {"ended": "read", "content": fingerprint(found.content), "notes": list(found.notes)}


def judge(kind: Kind, changed: Changed, seen: dict[str, Any], good: dict[str, Any]) -> tuple[str, str]:
    """Return the class of a reading, and what there is to say about it.

    Args:
        kind: the kind of file.
        changed: what was done to it.
        seen: what reading it came to.
        good: what reading the good file came to.
    """
    how = seen.get("how", "")
    if seen["ended"] in FATAL:
        return FATAL[seen["ended"]], how
    told = changed.must == "told" or _doubted(kind, changed)
    if seen["ended"] == "restarted":
        return "restarted", how
    if seen["ended"] == "refused":
        if changed.must == "same" and not kind.ours:
            return "UNTOLD", f"refused, though nothing changed: {how}"
        return ("refused" if _clear(kind, how) else "UNCLEAR"), how
    if seen["content"] == good.get("content"):
        return "read right", ""
    if set(seen["notes"]) - set(good.get("notes", ())):
        return "noted", "; ".join(seen["notes"])
    if kind.ours:
        return "OTHER CONTENT", ""
    return ("UNTOLD" if told or changed.must == "same" else "as it says"), ""


def _doubted(kind: Kind, changed: Changed) -> bool:
    name, _, how = changed.text.rpartition(": ")
    return bool(changed.name) and how in kind.doubted.get(name, ())


def _clear(kind: Kind, text: str) -> bool:
    # A submission's mismatches are listed all at once, one a line.
    lines = [text] if kind.name != "submission" else text.splitlines()
    stem = os.path.basename(kind.file).split(".")[0 if not kind.file.startswith(".") else 1]
    return all("\n" not in line and len(line) < LONGEST for line in lines) and (stem in text or "trial" in text)
