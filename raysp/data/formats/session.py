"""What was recorded in one session, whatever file it came from: spike times, a table of trials, and a signal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from raysp.data.formats.nwb import Units
from raysp.data.formats.nwb_series import Series
from raysp.data.formats.spike_stream import Streamed

NO_STRETCHES = np.zeros((0, 2))


@dataclass(frozen=True)
class Session:
    """A session before it is cut into trials; all times in s, of one clock.

    Attributes:
        units: spike times of each unit, and when it was observed; or what reads these again and again.
        trials: column -> (trials,) values of the table of trials: numbers or text; empty where nothing tells of trials.
        where: the beginning of an error's sentence, the file's name.
        series: a recorded signal, where one was asked for.
        invalid: (stretches, 2) begin and end of what the recording says to leave out, s.
        notes: what was dropped or guessed in reading, one sentence each.
        by_trial: spikes lie trial by trial: when units were observed says where these begin and end.
    """

    units: Units | Streamed
    trials: Mapping[str, np.ndarray]
    where: str
    series: Series | None = None
    invalid: np.ndarray = field(default_factory=lambda: NO_STRETCHES)
    notes: tuple[str, ...] = ()
    by_trial: bool = False
