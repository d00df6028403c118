"""Which sweeps of a cell train, validate and test, and the split that follows, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raysp.config.ranges import Positive
from raysp.config.settings import Settings
from raysp.data.formats.sweeps import Cell, Sweep, robust_rate, robust_rate_of_counts
from raysp.data.sources import each_once
from raysp.data.splits.current_clamp import METADATA, CurrentClampSizes, CurrentClampSplit, pointers
from raysp.data.splits.header import Provenance
from raysp.errors import BadInput

WIDTHS_MS = (10, 20, 50, 100)
NOTED = 12
"""Odd sweeps that are named one by one."""

Row = tuple[Sweep, int, int]
"""A sweep, and the bins at which its training and its validation part end."""


@dataclass(frozen=True, kw_only=True)
class Cut(Settings):
    """How sweeps become a split; the defaults are those of the published fits, with validation data apart.

    Attributes:
        bin_ms: width of a bin: 10, 20, 50 or 100 ms.
        train: stimuli to train on.
        validation: the stimulus, one of those, of which a share validates.
        test: stimuli to test on.
        share: of the sweeps of the validation stimulus the last so many validate; of a single one, the last of its
            time.
        cut_s: of every sweep of the validation stimulus, what comes before the first of these times trains, and what
            comes after the second tests; in place of `share`. Empty for none.
    """

    bin_ms: int = 20
    train: tuple[str, ...] = ("Long Square", "Ramp", "Noise 1")
    validation: str = "Noise 1"
    test: tuple[str, ...] = ("Noise 2",)
    share: Positive = 0.2
    cut_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        each_once.check(self)
        where = self.where
        if self.bin_ms not in WIDTHS_MS:
            raise BadInput(f"{where}, bin_ms expected one of {', '.join(map(str, WIDTHS_MS))}, got {self.bin_ms}")
        if self.share >= 1:
            raise BadInput(f"{where}, share expected a number below 1, got {self.share:g}")
        if self.validation not in self.train or set(self.train) & set(self.test):
            raise BadInput(
                f"{where}: expected a validation stimulus among those to train on, and none of them to test on, got "
                f"{self.validation!r}, {self.train} and {self.test}"
            )
        if len(self.cut_s) not in (0, 2) or (self.cut_s and not 0 < self.cut_s[0] < self.cut_s[1] < np.inf):
            raise BadInput(f"{where}, cut_s expected two ascending times in s, or none, got {self.cut_s}")

    @property
    def stimuli(self) -> tuple[str, ...]:
        """All stimuli that are used."""
        return tuple(dict.fromkeys((*self.train, *self.test)))


def assemble(
    cells: Iterable[Cell], left_out: Iterable[tuple[int, str]], cut: Cut, name: str, provenance: Provenance
) -> CurrentClampSplit:
    """Make a split of cells; those that cannot be used are listed with the reason.

    Args:
        cells: what was recorded, each number once.
        left_out: (number, reason) of cells that could not be read; a reason goes on after "it".
        cut: which sweeps do what.
        name: of the split.
        provenance: where the numbers come from; notes on sweeps and cells that were left out join it.

    Raises:
        BadInput: a cell comes twice, or none is left.
    """
    cells, gone, used = sorted(cells, key=lambda one: one.unit), list(left_out), []
    numbers = [one.unit for one in cells] + [unit for unit, _ in gone]
    if twice := [unit for unit, count in Counter(numbers).items() if count > 1]:
        raise BadInput(f"{name}: expected each cell once, got cell {twice[0]} {numbers.count(twice[0])} times")
    notes = [f"cell {cell.unit}, {note}" for cell in cells for note in cell.notes]
    for cell in cells:
        rows = list(_rows(cell, cut))
        if (reason := _lacks(cell, rows, cut)) is None:
            used.append((cell, rows))
        else:
            gone.append((cell.unit, reason))
    if not used:
        raise BadInput(f"{name}: expected a cell that can be used, but each of {len(gone)} {_counted(gone)}")
    notes = [
        *_few(notes),
        *([f"{len(gone)} of {len(numbers)} cells were left out, since each {_counted(gone)}"] if gone else []),
    ]
    return _split(used, tuple(sorted(gone)), cut, name, _with(provenance, notes))


def _with(provenance: Provenance, notes: Sequence[str]) -> Provenance:
    return Provenance(
        provenance.recordings, provenance.builder, provenance.standin, (*provenance.notes, *notes), provenance.start_ms
    )


def _few(notes: Sequence[str]) -> list[str]:
    more = len(notes) - NOTED
    return [*notes[:NOTED], *([f"{more} more sweeps were left out, or are odd"] if more > 0 else [])]


def _counted(gone: Iterable[tuple[int, str]]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in Counter(reason for _, reason in gone).items())


def _rows(cell: Cell, cut: Cut) -> Iterator[Row]:
    """Give the sweeps that are used, with the bins at which their training and validation parts end."""
    validating = [one for one in cell.sweeps if one.stimulus == cut.validation and cut.bin_ms in one.bins]
    last = min(max(1, round(cut.share * len(validating))), len(validating) - 1)
    held = {id(one) for one in validating[len(validating) - last :]} if last > 0 and not cut.cut_s else set()
    for sweep in cell.sweeps:
        if sweep.stimulus not in cut.stimuli or cut.bin_ms not in sweep.bins:
            continue
        bins = len(sweep.bins[cut.bin_ms][0])
        if sweep.stimulus in cut.test:
            yield sweep, 0, 0
        elif sweep.stimulus != cut.validation:
            yield sweep, bins, bins
        elif cut.cut_s:
            trained, shown = (min(bins, round(1000 * at / cut.bin_ms)) for at in cut.cut_s)
            yield sweep, trained, shown
        elif len(validating) > 1:
            yield sweep, 0 if id(sweep) in held else bins, bins
        else:
            yield sweep, bins - max(1, round(cut.share * bins)), bins


def _lacks(cell: Cell, rows: Sequence[Row], cut: Cut) -> str | None:
    """Return why a cell cannot be used, None where it can."""
    if not any(sweep.stimulus == cut.validation for sweep, _, _ in rows):
        return f"has no sweep of {cut.validation}{_unusable(cell, (cut.validation,), cut)}"
    if not any(shown < len(sweep.bins[cut.bin_ms][0]) for sweep, _, shown in rows):
        return f"has nothing to test on: no sweep of {' or '.join(cut.test)}{_unusable(cell, cut.test, cut)}"
    if not any(trained for _, trained, _ in rows):
        return "has nothing to train on"
    if not any(trained < shown for _, trained, shown in rows):
        return "has nothing to validate on"
    if not any(sweep.bins[cut.bin_ms][1].any() for sweep, _, _ in rows):
        return "has no spike"
    shown = [sweep.bins[cut.bin_ms][0][:trained] for sweep, trained, _ in rows if trained]
    if min(one.min() for one in shown) == max(one.max() for one in shown):
        return "has nothing to learn from: the current that it trains on never changes"
    return None


def _unusable(cell: Cell, stimuli: Sequence[str], cut: Cut) -> str:
    """Return what became of sweeps of these stimuli that cannot be used; nothing where there is none."""
    gone = [reason for stimulus, reason in cell.dropped if stimulus in stimuli]
    short = sum(sweep.stimulus in stimuli and cut.bin_ms not in sweep.bins for sweep in cell.sweeps)
    found = [f"of {len(gone)} left out, the first {reason}" for reason in gone[:1]]
    found += [f"{short} shorter than a bin" for _ in range(min(short, 1))]
    return f" that can be used ({', '.join(found)})" if found else ""


def _split(
    used: Sequence[tuple[Cell, list[Row]]],
    left_out: tuple[tuple[int, str], ...],
    cut: Cut,
    name: str,
    known: Provenance,
) -> CurrentClampSplit:
    currents: list[np.ndarray] = []
    counts, table = [], []
    for unit, (_, rows) in enumerate(used):
        indices, distinct = _distinct(rows, cut.bin_ms)
        for (sweep, trained, shown), index in zip(rows, indices, strict=True):
            counts.append(sweep.bins[cut.bin_ms][1])
            table.append((unit, len(currents) + index, cut.stimuli.index(sweep.stimulus), trained, shown))
        currents += distinct
    known_of = np.array(table, dtype=np.int32)
    cells = [cell for cell, _ in used]
    return CurrentClampSplit(
        name=name,
        sizes=CurrentClampSizes(name, cut.bin_ms, len(cells)),
        unit_ids=np.array([cell.unit for cell in cells], dtype=np.int64),
        gamma=np.array([cell.gamma for cell in cells], dtype=np.float64),
        gamma_robust=np.array([_robust(cell, rows, cut.bin_ms) for cell, rows in used], dtype=np.float64),
        metadata={key: tuple(cell.metadata.get(key, "") for cell in cells) for key in METADATA},
        stimuli=cut.stimuli,
        current=np.concatenate(currents),
        current_ptr=pointers(np.array([len(one) for one in currents])),
        counts=np.concatenate(counts),
        sweep_ptr=pointers(np.array([len(one) for one in counts])),
        sweep_unit=known_of[:, 0].copy(),
        sweep_current=known_of[:, 1].copy(),
        sweep_stimulus=known_of[:, 2].astype(np.int8),
        sweep_parts=known_of[:, 3:].copy(),
        left_out=left_out,
        provenance=known,
    )


def _distinct(rows: Sequence[Row], bin_ms: int) -> tuple[list[int], list[np.ndarray]]:
    """Return the index of each sweep's current among the distinct ones of a cell, and those.

    Sweeps with the same current by protocol have the mean of what was recorded.
    """
    groups: dict[tuple[object, ...], list[np.ndarray]] = {}
    places = []
    for sweep, _, _ in rows:
        current = sweep.bins[bin_ms][0]
        key = (sweep.stimulus, len(current), sweep.repeat_of or current.tobytes())
        groups.setdefault(key, []).append(current)
        places.append(list(groups).index(key))
    means = [
        np.mean(one, axis=0, dtype=np.float64) if isinstance(key[2], str) else one[0] for key, one in groups.items()
    ]
    return places, [np.asarray(one, dtype=np.float32) for one in means]


def _robust(cell: Cell, rows: Sequence[Row], bin_ms: int) -> float:
    """Return the cell's highest rate as its training part shows it, spikes/ms."""
    timed = [(times, trained * bin_ms) for sweep, trained, _ in rows if (times := sweep.spikes_ms) is not None]
    if len(timed) == len(rows):
        return robust_rate(times[times < until_ms] for times, until_ms in timed)
    finest = min(width for sweep, _, _ in rows for width in sweep.bins)
    shown = [sweep.bins[finest][1][: trained * bin_ms // finest] for sweep, trained, _ in rows if finest in sweep.bins]
    return robust_rate_of_counts(shown, finest, cell.gamma)
