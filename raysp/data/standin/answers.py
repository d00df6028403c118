"""The test phase's answers for generated recordings, in the benchmark's own dictionary.

The answers need what no file holds: held-out units, forward bins and behaviour of test trials. They are computed from
the whole session by the code that builds every other tensor.
"""

from __future__ import annotations

import h5py
import numpy as np

from raysp.data.formats import binning
from raysp.data.formats.nwb_series import Series
from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb.answers import INDICES
from raysp.data.nlb.behavior import resample
from raysp.data.nlb.recording import Session
from raysp.data.nlb.sets import BIN_WIDTHS_MS, NLBSet, group_name
from raysp.data.nlb.tensors import Tensors
from raysp.data.standin.nwb import PACKED
from raysp.data.standin.population import US_PER_MS, Population
from raysp.data.standin.session import Content, hidden, seconds
from raysp.errors import present

FIT, SCORED = ("train", "val"), ("test",)


def answers(nlb: NLBSet, content: Content, population: Population, spikes_us: list[np.ndarray]) -> dict[str, Tensors]:
    """Build the answers.

    Args:
        nlb: the recording.
        content: the whole session.
        population: its units.
        spikes_us: spikes of each unit in whole microseconds, held-in units first.

    Returns:
        {group: tensors as `nlb_tensors.eval_target`} of both bin widths.
    """
    observed = np.ones(len(content.latents), dtype=bool)
    heldin, heldout = spikes_us[: population.heldin], spikes_us[population.heldin :]
    session = Session(
        name=f"the whole session of {nlb.name}",
        trials=seconds(content.trials),
        units=population.ids,
        heldin=_gathered(heldin, observed),
        heldout=_gathered(heldout, observed),
        behavior={} if nlb.series is None else {width: _behavior(nlb, content, width) for width in BIN_WIDTHS_MS},
        standin=True,
    )
    return {
        group_name(nlb.name, bin_ms): nlb_tensors.eval_target(session, nlb, bin_ms, FIT, SCORED)
        for bin_ms in BIN_WIDTHS_MS
    }


def write_answers(file: h5py.File, groups: dict[str, Tensors]) -> None:
    """Write groups of answers as the benchmark's tools do: float32, int32, booleans; ragged int32 for trial lists."""
    for group, tensors in groups.items():
        target = file.create_group(group)
        for name, array in tensors.items():
            if name in INDICES:
                column = target.create_dataset(name, (len(array),), dtype=h5py.vlen_dtype(np.int32))
                for row, trials in enumerate(array):
                    column[row] = trials.astype(np.int32)
            else:
                target.create_dataset(name, data=_narrow(array), **PACKED)


def _behavior(nlb: NLBSet, content: Content, bin_ms: int) -> np.ndarray:
    # The decoder is fitted on behaviour as the training file shows it, where the test trials are missing.
    test = content.trials["split"] == "test"
    shown = _resampled(nlb, content, content.sampled & ~hidden(content), bin_ms)
    shown[test] = _resampled(nlb, content, content.sampled, bin_ms)[test]
    return shown


def _resampled(nlb: NLBSet, content: Content, sampled: np.ndarray, bin_ms: int) -> np.ndarray:
    name = present(nlb.series)
    signal = content.signals[name]
    ms = np.flatnonzero(sampled)
    series = Series(name, ms / 1000.0, signal.values[ms], signal.channels)
    align_ns = binning.nanoseconds(seconds(content.trials)[nlb.align])
    begin_ns = align_ns + (nlb.window_ms[0] + nlb.lag_ms) * binning.NS_PER_MS
    return resample(series, begin_ns, nlb.bins(bin_ms), bin_ms, len(sampled))


def _gathered(spikes_us: list[np.ndarray], observed: np.ndarray) -> binning.Spikes:
    ms = [one // US_PER_MS for one in spikes_us]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in ms])]).astype(np.int64)
    return binning.Spikes(np.concatenate(ms).astype(np.int32), offsets, observed)


def _narrow(array: np.ndarray) -> np.ndarray:
    kinds = {"f": np.float32, "i": np.int32}
    return array.astype(kinds[array.dtype.kind]) if array.dtype.kind in kinds else array
