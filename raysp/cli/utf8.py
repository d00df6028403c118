"""Names in any script, also where the locale is C: Python's UTF-8 mode, for this process and all it starts."""

from __future__ import annotations

import io
import os
import sys


def speak_utf8() -> None:
    """Start this command again in UTF-8 mode where Python would read names as ASCII; let no character stop a line."""
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
