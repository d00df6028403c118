"""Whether a submission file, raysp's or anyone's, fits the prepared splits: every mismatch at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import cast

import numpy as np

from raysp.config.experiment import STANDIN
from raysp.data.formats.guarded import Dataset, Group, decoded
from raysp.data.formats.hdf5 import DIGEST, opened
from raysp.data.nlb import sets as nlb_sets
from raysp.data.splits import store
from raysp.data.splits.population import PopulationSplit
from raysp.errors import BadInput, NotReady, present
from raysp.io import files
from raysp.kinds.population.submission import HALVES, shapes

TRIALS_AT_ONCE = 256
TINY = 1e-12
LARGEST_RATIO = 4.0
"""Of the mean predicted rate to the mean count, or the other way round. Hz for bins of 20 ms is a factor of 50."""


def check_submission(path: str, root: str, phase: str | None = None) -> list[str]:
    """Check a submission against the prepared splits of its phase.

    Args:
        path: an HDF5 file with a group per data set and bin width ("mc_maze", "mc_maze_20", ...).
        root: the data root.
        phase: "val" or "test"; by default as the file says in its attributes, or in its name.

    Returns:
        A line per group: what it holds.

    Raises:
        NotReady: there is no such file.
        BadInput: no HDF5 file, no phase to be found, or anything that does not fit, all of it listed.
    """
    if not files.exists(path):
        raise NotReady(f"no submission at {path}; run: raysp collect RUN")
    with opened(path, again="run: raysp collect RUN") as file:
        known, standin = _phase(path, file, phase), _standin(path, file)
        lines, wrong = [], [] if len(file) else ["it has no group such as mc_maze or mc_maze_20"]
        for name in file:
            found = list(_mismatches(file, name, known, standin, root))
            wrong += [f"{name}: {text}" for text in found]
            lines += [] if found else [_line(cast(Group, file[name]), name)]
    if wrong:
        raise BadInput(f"{path} does not fit the {known} splits below {root}:\n  " + "\n  ".join(wrong))
    return lines


def _phase(path: str, file: Group, phase: str | None) -> nlb_sets.Phase:
    stem = os.path.basename(path).removesuffix(".h5")
    given = file.attrs.get("phase")
    named = phase or (given if given is None else decoded(given))
    named = named or next((one for one in nlb_sets.PHASES if stem.endswith(f"-{one}")), None)
    if named not in nlb_sets.PHASES:
        raise BadInput(f"{path}: phase expected val or test, got {named!r}; say which: --phase val")
    return named


def _standin(path: str, file: Group) -> bool:
    return bool(np.any(file.attrs.get("standin", os.path.basename(path).startswith(STANDIN))))


def _mismatches(file: Group, name: str, phase: nlb_sets.Phase, standin: bool, root: str) -> Iterator[str]:
    groups = {
        nlb_sets.group_name(dataset, bin_ms): (dataset, bin_ms) for dataset in nlb_sets.SETS for bin_ms in (5, 20)
    }
    if name not in groups:
        yield f"expected one of {', '.join(groups)}"
        return
    if not isinstance(group := file[name], Group):
        yield "expected a group, got a dataset"
        return
    dataset, bin_ms = groups[name]
    split = (STANDIN if standin else "") + nlb_sets.split_name(dataset, bin_ms, phase)
    try:
        prepared = store.header(root, split)
    except NotReady as error:
        yield f"cannot be checked: {error}"
        return
    made_on = decoded(group.attrs.get("data", prepared.fingerprint))
    if made_on != prepared.fingerprint:
        yield f"was made on other data ({made_on[:12]}; those that are prepared are {prepared.fingerprint[:12]})"
    expected = shapes(prepared.sizes, prepared.trials, forward=True)
    for array in group:
        if array not in expected:
            yield f"unexpected {array}"
    for array, shape in expected.items():
        if array in group:
            yield from _wrong_values(group[array], array, shape)
        elif _needed(array, dataset, group):
            yield f"{array} is missing, expected shape {shape}"
    yield from _another_unit(group, root, split)


def _needed(array: str, dataset: str, group: Group) -> bool:
    if array.endswith("_forward"):
        return any(f"eval_rates_{half}_forward" in group for half in HALVES)
    # Behaviour of this set is one row per trial, which is compared with rates, not decoded from training trials.
    return not (array.startswith("train") and not nlb_sets.SETS[dataset].series)


def _another_unit(group: Group, root: str, split: str) -> Iterator[str]:
    """Compare the mean rate of the input units with their mean count, which every model comes near to."""
    counts = present(cast(PopulationSplit, store.load(root, split)).eval).heldin
    if "eval_rates_heldin" not in group:
        return
    rates = group["eval_rates_heldin"]
    if not isinstance(rates, Dataset) or rates.shape != counts.shape:
        return
    predicted, counted = float(np.mean(rates[()])), float(np.nanmean(counts))
    if counted > 0 and max(predicted / counted, counted / max(predicted, TINY)) > LARGEST_RATIO:
        yield (
            f"eval_rates_heldin expected expected-spikes per bin, near the {counted:.3g} spikes that were counted in a "
            f"bin, got {predicted:.3g} in the mean; are these rates in Hz?"
        )


def _wrong_values(found: Dataset | Group, array: str, shape: tuple[int, ...]) -> Iterator[str]:
    if isinstance(found, Group):
        yield f"{array} expected an array, got a group"
        return
    if found.shape != shape:
        yield f"{array} expected shape {shape}, got {found.shape}"
        return
    if found.dtype.kind != "f":
        yield f"{array} expected floating-point rates, got {found.dtype}"
        return
    total, written = hashlib.sha256(), found.attrs.get(DIGEST)
    for first in range(0, shape[0], TRIALS_AT_ONCE):
        values = found[first : first + TRIALS_AT_ONCE]
        total.update(np.ascontiguousarray(values).data)
        if not np.isfinite(values).all() or (values < 0).any():
            yield f"{array} expected finite expected-spikes per bin >= 0, got NaN, infinite or < 0"
            return
    if written is not None and decoded(written) != total.hexdigest():
        yield f"{array} is damaged, or was changed: its values are not those that its checksum was made of"


def _line(group: Group, name: str) -> str:
    train = f"{len(group['train_rates_heldout'])} training, " if "train_rates_heldout" in group else ""
    forward = ", with forward bins" if "eval_rates_heldout_forward" in group else ""
    return f"{name}: {train}{len(group['eval_rates_heldout'])} evaluation trials{forward}"
