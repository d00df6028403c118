"""A CSV of values, a row per bin and a column per unit; the last share of the rows is the evaluation part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from raysp.data.splits.header import Provenance
from raysp.io import files

from .split import Sizes, Split

VERSION = "1"


@dataclass(frozen=True)
class Config:
    """Where the CSV lies."""

    path: str
    share: float = 0.25


def inputs(config):
    return [config.path]


def is_standin(config):
    return False


def build(config, name):
    values = np.loadtxt(config.path, delimiter=",", dtype=np.float32, ndmin=2)
    cut = round(len(values) * (1 - config.share))
    recordings = ((config.path.rpartition("/")[2], files.sha256(config.path)),)
    provenance = Provenance(recordings, builder="signal-1")
    return Split(name, Sizes(values.shape[1]), values[:cut], values[cut:], provenance), None
