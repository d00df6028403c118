"""What a cut asks of a recording's spikes, whether they are held or read anew for each question."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from raysp.data.formats import aligned, binning
from raysp.data.formats.nwb import Units
from raysp.data.formats.recorded import stretches
from raysp.data.formats.spike_stream import Streamed


class Spikes(Protocol):
    """The spikes of a recording's units; each of these is described in `raysp.data.formats.spike_stream`."""

    @property
    def ids(self) -> np.ndarray: ...  # noqa: D102
    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def totals(self) -> np.ndarray: ...  # noqa: D102
    @property
    def total(self) -> int: ...  # noqa: D102
    @property
    def span(self) -> tuple[float, float] | None: ...  # noqa: D102
    @property
    def duplicates(self) -> int: ...  # noqa: D102
    def __len__(self) -> int: ...
    def running(self, trials: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]: ...  # noqa: D102
    def counts(  # noqa: D102
        self, units: np.ndarray, begin: np.ndarray, bins: int, step: int, clock_ms: float
    ) -> np.ndarray: ...


def of(units: Units | Streamed) -> Spikes:
    """Return what answers questions about spikes."""
    return AtHand(units) if isinstance(units, Units) else units


class AtHand:
    """Spikes that are held, unit by unit."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self.ids, self.notes, self.names = units.ids, units.notes, units.names
        self.totals, self.total = np.diff(units.offsets), len(units.times)

    def __len__(self) -> int:
        return len(self._units)

    @property
    def span(self) -> tuple[float, float] | None:
        """The first and the last spike, s."""
        times = self._units.times
        return (float(times.min()), float(times.max())) if len(times) else None

    @property
    def duplicates(self) -> int:
        """Spikes that have the time of another one of their unit."""
        each = map(self._units.spikes, range(len(self._units)))
        return sum(int((own[1:] == own[:-1]).sum()) for own in each)

    def running(self, trials: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return when the recording was running; see `recorded.stretches`."""
        return stretches(self._units.times, trials)

    def counts(self, units: np.ndarray, begin: np.ndarray, bins: int, step: int, clock_ms: float) -> np.ndarray:
        """Count some units' spikes in windows, (windows, bins, units) float32; see `Streamed.counts`."""
        counts = np.empty((len(begin), bins, len(units)), dtype=np.float32)
        for column, unit in enumerate(units):
            ticks = aligned.to_ticks(self._units.spikes(unit), clock_ms)
            counts[:, :, column] = binning.count(ticks, begin, bins, step)
        return counts
