"""What is proposed for a recording: the source, its settings, why each; and the guesses that several formats share."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raysp.config.settings import Plain
from raysp.data.sources.clocks import Times, is_whole

BIN_MS = 10
"""Width of bins where a file says nothing of it, ms."""
USUAL_WIDTH = "a usual width, which must divide the window; times are cut to whole ms before (clock_ms)"

ROUNDING_MS = 1e-3

LONGEST_MS, BEFORE_MS, AFTER_MS = 2000, 250, 500
"""The most of a trial that is proposed; before and after an event in it."""

EVENTS = (
    "move_onset",
    "movement_onset",
    "go_cue",
    "go",
    "target_on",
    "stim_on",
    "stimon",
    "stimulus",
    "cue",
    "onset",
    "event",
)
"""Parts of names of columns that hold the time of an event, those that are tried first in front."""

STARTS, STOPS = (
    ("start_time", "start", "begin", "t_start", "intervals_0"),
    ("stop_time", "stop", "end", "t_stop", "intervals_1"),
)
"""Names, or ends of names, of the columns that say when a trial began and ended."""
DURATIONS = ("duration", "dur", "length")
"""The same of how long it lasted."""
CLOCK = r"([ _]*times?)?([ _]*[\[(](s|secs?|seconds?|ms|msecs?)[\])]|[ _]+(s|secs?|seconds?|ms|msecs?))?"
"""What may stand after such a name: that it is a time, and in which unit, "end_ms", "Start time (s)"."""

DURATION = re.compile(r"(trials?[ _]*)?(duration|dur|length)", re.IGNORECASE)
MOST_END = 0.9
"""How a trial's, and no stimulus's, is called; trials at least that end by it before the next one begins."""
UNTIL_NEXT = "until nine of ten next ones begin: no column tells when trials end, such as stop or end"

LONGEST_TEXT = 60
"""Of a text, so much is shown."""

MOSTLY = 0.5
"""Trials in which an event lies at least."""

CONDITION = re.compile(
    r"type|cond|target|direction|(^|[^a-z])dir|Dir|angle|stim|version|label|side|choice|orient|cue|odou?r",
    re.IGNORECASE,
)
OUTCOME = re.compile(r"success|correct|reward|outcome|valid|error|fail|hit|miss(ed)?$|good|abort", re.IGNORECASE)
"""Names of columns of conditions, and of how a trial ended."""
OF_UNITS = re.compile(
    r"depth|channel|(^|[^a-z])chan(_|$|[^a-z])|electrode|unit|cluster|cell|neuron|area|region|quality|layer|coord|position",
    re.IGNORECASE,
)
"""Names of vectors with a value for each unit, where they are as long as there are units."""


@dataclass(frozen=True)
class Proposal:
    """How a recording could be read.

    Attributes:
        source: name of the source; "" where none can read it.
        settings: of the source, without its path.
        why: setting -> why it is so.
        contents: what the file holds, a line each.
        windows: column of trials with a time in them -> the window (ms) around it that trials hold.
        times: of its spikes, where these are times of a recording.
    """

    source: str
    settings: Mapping[str, Plain] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    contents: tuple[str, ...] = ()
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    times: Times | None = None


def described(name: str, array: np.ndarray) -> str:
    """Return a line on an array: its shape, kind and range, or its only value."""
    if array.size == 1 and array.dtype.kind in "iufbUS":
        one = array.item()
        text = one.decode(errors="replace") if isinstance(one, bytes) else str(one)
        return f"{name}: {one:.10g}" if isinstance(one, float) else f"{name}: {text[:LONGEST_TEXT]}"
    shape = " x ".join(map(str, array.shape)) or "one value"
    if array.dtype.kind not in "iufb" or not array.size:
        return f"{name}: {shape}, {'text' if array.dtype.kind in 'US' else array.dtype}"
    known = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    span = f", {known.min():.6g} to {known.max():.6g}" if known.size else ", all NaN"
    whole = "" if array.dtype.kind != "f" else ", whole numbers" if is_whole(array) else ", fractions"
    missing = array.size - known.size
    return f"{name}: {shape}, {array.dtype}{span}{whole}" + (f", {missing} missing" if missing and known.size else "")


def window(
    columns: Mapping[str, np.ndarray], start: np.ndarray | None, stop: np.ndarray | None
) -> tuple[str | None, tuple[int, int], str]:
    """Return the column to align to, the window around it (ms), and why.

    Args:
        columns: of the table of trials, times in s.
        start, stop: (trials,) of each trial, s; None where nothing tells.
    """
    if start is None:
        return None, (0, 1000), "nothing tells where trials begin"
    length = _lengths(start, stop)
    able = windows(columns, start, stop)
    for word in EVENTS:
        for name, (begin, end) in able.items():
            after = columns[name] - start
            within = (after >= 0) & (after <= np.nanmax(length))
            if word in name.lower() and within.mean() >= MOSTLY and end - begin >= 10 * BIN_MS and end > 0:
                return name, (begin, end), f"{name} lies within the trials"
    told = "as long as nine of ten last at least" if stop is not None else UNTIL_NEXT
    return "", _whole(length), f"from each trial's begin, {told}"


def told_around(window_ms: tuple[int, int], *, event: bool) -> str:
    """Return the reason of a window around an event, or from trials' begins: it tells where it may end too early."""
    begin, end = window_ms
    cut_off = [f"{-begin} before"] * (begin <= -BEFORE_MS) + [f"{end} after"] * (end >= AFTER_MS)
    if not event:
        cut_off = [f"{end}"] * (end >= LONGEST_MS)
    return "ms around that time" + (f", cut off at {' and '.join(cut_off)}: trials may hold more" if cut_off else "")


def windows(
    columns: Mapping[str, np.ndarray], start: np.ndarray, stop: np.ndarray | None
) -> dict[str, tuple[int, int]]:
    """Return the window (ms) around the time in each column that nine of ten trials hold; see `window`.

    Columns whose times mostly lie outside their trials have none.
    """
    length, found = _lengths(start, stop), {}
    for name, values in columns.items():
        if values.dtype.kind != "f" or values.shape != start.shape:
            continue
        after = values - start
        within = (after >= 0) & (after <= np.nanmax(length))
        if within.sum() < MOSTLY * max(int(np.isfinite(after).sum()), 1):
            continue
        before = _floor(min(BEFORE_MS, 1000 * float(np.nanpercentile(after, 10))))
        rest = _floor(min(AFTER_MS, 1000 * float(np.nanpercentile(length - after, 10))))
        if np.nanmax(after) <= 0:
            found[name] = _whole(length)
        elif before + rest >= BIN_MS and before >= 0:
            found[name] = (-before, rest)
    return found


def ends(columns: Mapping[str, np.ndarray], start: np.ndarray) -> np.ndarray | None:
    """Return when each trial ends, (trials,) s, by a column of how long it lasts, until the next one; None without one.

    Args:
        columns: of the table of trials, times in s.
        start: (trials,) their begins, s.
    """
    until = _until_next(start)
    for name, lasts in columns.items():
        if DURATION.fullmatch(bare(name)) is None or lasts.dtype.kind != "f" or lasts.shape != start.shape:
            continue
        if ((lasts > 0) & (lasts <= until + ROUNDING_MS / 1000)).mean() >= MOST_END:
            return start + lasts
    return None


def _lengths(start: np.ndarray, stop: np.ndarray | None) -> np.ndarray:
    """Return how long each trial lasts, until the next one at most, (trials,) s."""
    # A window that reaches into the next trial shares its spikes with it, and training with evaluation.
    length = _until_next(start)
    if stop is not None:
        # What ends where it begins is an event, of which nothing tells how long its trial lasted.
        length = np.fmin(np.where(stop > start, stop - start, np.nan), length)
    known = length[np.isfinite(length)]
    return np.where(np.isinf(length), np.median(known) if len(known) else 1.0, length)


def _whole(length: np.ndarray) -> tuple[int, int]:
    """Return the window from trials' begins, ms, as long as nine of ten last."""
    known = length[np.isfinite(length)]
    usual = float(np.percentile(known, 10)) if len(known) else 1.0
    return 0, max(_floor(min(LONGEST_MS, 1000 * usual)), BIN_MS)


def condition(columns: Mapping[str, np.ndarray], trials: int) -> list[str]:
    """Return the columns that look like a trial's condition: few values, each in several trials; at most two."""
    found, most = [], min(40, trials // 4)
    for name, values in columns.items():
        # A bin's number, idx_goCue, is when something was.
        if values.shape != (trials,) or name in ("id", "trial", "trial_id") or name.lower().startswith("idx_"):
            continue
        # MATLAB has its whole numbers as fractions, too.
        if values.dtype.kind not in "iubUS" and not (is_whole(values) and np.isfinite(values).all()):
            continue
        if 2 <= len(np.unique(values)) <= most:
            found.append(name)
    # What an animal was shown or did goes before how that ended, whatever else a file has.
    order = sorted(found, key=lambda name: (OUTCOME.search(name) is not None, CONDITION.search(name) is None))
    two = len(order) > 1 and CONDITION.search(order[0]) is not None and OUTCOME.search(order[1]) is None
    if two:
        # A trial that is alone with what both say has no PSTH.
        first, second = (columns[name].tolist() for name in order[:2])
        two = len(set(zip(first, second, strict=True))) <= most
    return order[: 2 if two else 1]


def named(columns: Sequence[str], *words: str) -> str | None:
    """Return the first name that is one of these words, or ends so, whatever `CLOCK` stands after it."""
    whole = {name: name.strip().lower().rpartition(".")[2] for name in columns}
    both = (whole, {name: bare(name) for name in columns})
    exact = [name for of in both for word in words for name, one in of.items() if one == word]
    ends = [name for of in both for name, one in of.items() if one.endswith(words)]
    return next(iter([*exact, *ends]), None)


def bare(name: str) -> str:
    """Return a column's name in small letters, without the struct it is in and what `CLOCK` says after it."""
    return re.sub(f"{CLOCK}$", "", name.strip().lower().rpartition(".")[2], count=1)


def edges(names: Collection[str]) -> dict[str, str]:
    """Return "start_time" and "stop_time" -> the column that is called so, "stop" or "trial_end", where one is."""
    found: dict[str, str] = {}
    for edge, words in (("start_time", STARTS), ("stop_time", STOPS)):
        usual = re.compile(rf"((t|trials?)?[_. ]?)({'|'.join(words)}){CLOCK}", re.IGNORECASE)
        able = {name: match for name in names if (match := usual.fullmatch(name.strip())) is not None}
        if able:
            found[edge] = min(
                able, key=lambda name: (len(able[name][1]), words.index(able[name][3].lower()), len(name))
            )
    return found


def _until_next(start: np.ndarray) -> np.ndarray:
    """Return the time from each trial's begin to the next one's, s; infinite after the last."""
    ascending = np.sort(start)
    place = np.searchsorted(ascending, start, side="right")
    return np.append(ascending, np.inf)[place] - start


def _floor(ms: float) -> int:
    # 450 ms are 449.99999999999994 as the difference of two times in s.
    return int((ms + ROUNDING_MS) // BIN_MS) * BIN_MS
