"""Retina recordings as stimulus splits: filtered units, bins of about 1 ms, and parts mirrored around the middle.

Everything is as in the spike distance of Doran et al. 2024, down to the order in which the stimulus is decimated.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.config.ranges import Count, NonNegative, Positive
from raysp.config.settings import Settings
from raysp.data.formats import retina_files
from raysp.data.formats.decimation import decimated_steps
from raysp.data.formats.retina_files import RetinaRecording, SpikeTable
from raysp.data.splits.header import Provenance, Stretch
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.errors import BadInput
from raysp.io import files

VERSION = "retina-1"
READS = (".tar.gz", ".tgz")

LARGEST_COUNT = np.iinfo(np.uint8).max

PLURAL = {"fires": "fire", "has": "have"}


@dataclass(frozen=True)
class Config(Settings):
    """Which recording is read, and how it becomes a split. The defaults are those of Doran et al. 2024.

    Attributes:
        path: a .tar.gz archive or a folder of that layout; "{root}/..." is below the data root.
        recording: its name in the archive; None when there is only one.
        downsample: sensor samples per bin.
        ratio: shares of training, validation and test in the recording.
        max_rate_hz: units with a higher mean rate are left out: they follow the stimulus' triggers.
        min_train_rate_hz: units are left out that have fewer spikes in training than this rate would give, rounded.
        units: the spike table that is read: "all" units, or those that the publishers "filtered". Either is filtered
            here.
    """

    path: str
    recording: str | None = None
    downsample: Count = 18
    ratio: tuple[Count, Count, Count] = (7, 2, 1)
    max_rate_hz: Positive = 19.0
    min_train_rate_hz: NonNegative = 0.75
    units: SpikeTable = "all"


def inputs(config: Config) -> list[str]:
    """Return the paths of the files that are read: the archive, or those in the folder."""
    return retina_files.paths(config.path, config.units)


def is_standin(config: Config) -> bool:
    """Tell whether the recording was generated to stand in for one. Raises BadInput where it cannot be read."""
    return any(found.startswith(STANDIN) for found in retina_files.recordings(config.path))


def build(config: Config, name: str) -> tuple[StimulusSplit, None]:
    """Make a split of a retina recording.

    Args:
        config: which recording, and how.
        name: of the split; "standin-" in front when the recording was generated.

    Returns:
        The split, and None: what a model must predict is in the split, in the bins after those that it may see.

    Raises:
        BadInput: the recording cannot be used, see `retina_files.read`, or no unit is left.
    """
    recording = retina_files.read(config.path, config.recording, config.units)
    bins = -(-recording.samples // config.downsample)
    parts = mirrored(bins, config.ratio)
    kept, left_out = _filtered(recording, config, parts["train"])
    channels = recording.pattern.shape[1]
    each = (channel_in_bins(recording, channel, config.downsample).astype(np.float32) for channel in range(channels))
    split = StimulusSplit(
        name=name,
        sizes=StimulusSizes(name, 1000.0 * config.downsample / recording.sampling_hz, channels, len(kept)),
        stimulus=np.column_stack([*each]),
        spikes=_counts(recording, kept, config.downsample, bins),
        units=np.array(kept, dtype=np.int64),
        global_ids=np.array([recording.global_ids.get(unit, -1) for unit in kept], dtype=np.int64),
        parts=parts,
        left_out=left_out,
        provenance=_provenance(config, name, recording, left_out),
    )
    return split, None


def mirrored(bins: int, ratio: Sequence[int]) -> dict[str, tuple[Stretch, ...]]:
    """Cut a recording in train, validation, test, validation, train: slow drifts meet every part alike.

    Each part but the test's, which is one stretch in the middle, has half its share before the middle and half after.
    Lengths are whole multiples of bins // (2 * sum of the ratio); the bins that remain go to the first stretch.

    Args:
        bins: of the recording.
        ratio: shares of training, validation and test.

    Raises:
        BadInput: the recording is shorter than one bin per share.
    """
    train, validation, test = ratio
    unit = bins // (2 * sum(ratio))
    if unit == 0:
        raise BadInput(f"expected a recording of at least {2 * sum(ratio)} bins for the ratio {ratio}, got {bins}")
    lengths = unit * np.array([train, validation, 2 * test, validation, train])
    lengths[0] += bins - lengths.sum()
    edges = [0, *np.cumsum(lengths).tolist()]
    first, second, middle, fourth, last = itertools.pairwise(edges)
    return {"train": (first, last), "validation": (second, fourth), "test": (middle,)}


def channel_in_bins(recording: RetinaRecording, channel: int, downsample: int) -> np.ndarray:
    """Return one channel of the stimulus in bins, (bins,) float64; it overshoots a little where a light switches."""
    return decimated_steps(recording.pattern[:, channel], recording.starts, recording.samples, downsample)


def _filtered(
    recording: RetinaRecording, config: Config, train: tuple[Stretch, ...]
) -> tuple[list[int], tuple[tuple[int, str], ...]]:
    duration_s = recording.samples / recording.sampling_hz
    train_s = sum(stop - start for start, stop in train) * config.downsample / recording.sampling_hz
    least = round(config.min_train_rate_hz * train_s)
    kept, fast, slow = [], [], []
    for unit, samples in recording.spikes.items():
        if len(samples) / duration_s > config.max_rate_hz:
            fast.append((unit, f"fires more than {config.max_rate_hz:g} Hz"))
        elif _spikes_inside(samples // config.downsample, train) < least:
            slow.append((unit, f"has fewer than {least} spikes in training"))
        else:
            kept.append(unit)
    if not kept:
        told = f"expected a unit that passes the filters, but of {len(recording.spikes)} {_reasons((*fast, *slow))}"
        raise BadInput(f"recording {recording.name}: {told}; change max_rate_hz or min_train_rate_hz")
    return kept, (*fast, *slow)


def _spikes_inside(bins: np.ndarray, stretches: tuple[Stretch, ...]) -> int:
    return sum(int(((bins >= start) & (bins < stop)).sum()) for start, stop in stretches)


def _counts(recording: RetinaRecording, units: Sequence[int], downsample: int, bins: int) -> np.ndarray:
    counts = np.empty((bins, len(units)), dtype=np.uint8)
    for column, unit in enumerate(units):
        found = np.bincount(recording.spikes[unit] // downsample, minlength=bins)
        if found.max() > LARGEST_COUNT:
            told = f"expected at most {LARGEST_COUNT} spikes in a bin, unit {unit} has {found.max()}"
            raise BadInput(f"recording {recording.name}: {told}; set downsample to less than {downsample}")
        counts[:, column] = found
    return counts


def _provenance(
    config: Config, name: str, recording: RetinaRecording, left_out: Sequence[tuple[int, str]]
) -> Provenance:
    read = tuple((os.path.basename(path), files.sha256(path)) for path in inputs(config))
    standin = name.startswith(STANDIN) or recording.name.startswith(STANDIN)
    return Provenance(read, VERSION, standin, _notes(len(recording.spikes), left_out))


def _notes(units: int, left_out: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return (f"{len(left_out)} of {units} units were left out: {_reasons(left_out)}",) if left_out else ()


def _reasons(left_out: Sequence[tuple[int, str]]) -> str:
    told = []
    for reason, count in Counter(reason for _, reason in left_out).items():
        verb, rest = reason.split(" ", 1)
        told.append(f"{count} {verb if count == 1 else PLURAL[verb]} {rest}")
    return "; ".join(told)
