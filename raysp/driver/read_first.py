"""A small recording read before anything is started: what is wrong with its settings is said within seconds."""

from __future__ import annotations

from raysp.config.experiment import STANDIN, Experiment
from raysp.data.sources import catalog, sampled
from raysp.data.sources.prepare import read, up_to_date
from raysp.errors import Absent
from raysp.io import files

SMALL_BYTES, COUNTS = 1 << 27, 2_000_000
"""Bytes of recordings that are read twice, and counts that are looked at, at most."""


def read_first(experiment: Experiment, split: str, root: str) -> None:
    """Read an experiment's own recording where that is small and no split was prepared from it.

    Args:
        experiment: whose recordings are asked.
        split: name of the split.
        root: the data root.

    Raises:
        BadInput, NotReady: it cannot be read so; the sentence says why.
    """
    known = {one.name: one for one in experiment.recordings}
    recording = known.get(split.removeprefix(STANDIN))
    if recording is None:
        return
    config = catalog.config(recording, root)
    try:
        paths = catalog.source(recording.source).inputs(config)
    except Absent:
        return
    there = all(files.is_local(path) and files.exists(path) for path in paths)
    if there and sum(files.stamp(path)["size"] for path in paths) <= SMALL_BYTES and not up_to_date(recording, root):
        with sampled.at_most(COUNTS):
            read(recording, root)
