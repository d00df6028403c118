"""The benchmark's answers in its own dictionary: read for the test phase, written for the judge."""

from __future__ import annotations

import h5py
import numpy as np

from raysp.data.formats import hdf5
from raysp.data.formats.guarded import Dataset, Group, kind_of
from raysp.data.nlb.sets import ANSWERS_FILE, NLBSet, group_name
from raysp.data.nlb.tensors import Tensors, ragged
from raysp.data.splits.population import COUNTS, Answers, TrialArrays
from raysp.errors import BadInput, present
from raysp.io import files

INDICES = ("train_cond_idx", "eval_cond_idx")


def answers_path(root: str) -> str:
    """Return where the published answers of the test phase lie below the data root."""
    return files.join(root, ANSWERS_FILE)


def read_answers(
    nlb: NLBSet, root: str, bin_ms: int, *, standin: bool, expected: dict[str, tuple[int, ...]]
) -> Tensors | None:
    """Read one group of the test phase's answers.

    Args:
        nlb: the recording.
        root: the data root.
        bin_ms: width of a bin, ms.
        standin: whether the recording was generated; the answers must be of the same kind.
        expected: shape of arrays whose shape the recording tells.

    Returns:
        Tensors as in `nlb_tensors.eval_target`, float32 and int32; None when there is no such file.

    Raises:
        BadInput: the file is damaged, lacks the group, or belongs to another recording.
    """
    path = answers_path(root)
    if not files.exists(path):
        return None
    group = group_name(nlb.name, bin_ms)
    with hdf5.opened(path) as file:
        if bool(np.any(file.attrs.get("standin", False))) != standin:
            kinds = ("generated", "real") if standin else ("real", "generated")
            raise BadInput(f"{path}: the recording is {kinds[0]}, these answers are {kinds[1]}; fetch or generate both")
        if group not in file:
            raise BadInput(f"{path}: expected a group {group!r}, found {', '.join(file) or 'none'}; fetch it again")
        found = {name: _read(file.group(group), name) for name in file.group(group)}
    for name, shape in expected.items():
        if name not in found or found[name].shape != shape:
            got = found[name].shape if name in found else "none"
            raise BadInput(f"{path}: {group}/{name} expected shape {shape}, got {got}; it is of another recording")
    return found


def answers_dict(answers: Answers, train: TrialArrays) -> dict[str, Tensors]:
    """Return the answers as nlb_tools' evaluate takes them: what `nlb_tensors.eval_target` built.

    Args:
        answers: the split's answers.
        train: its training trials.

    Returns:
        {group: tensors}, the group being the data set's name with "_20" behind for 20 ms; counts float16, or float64
        where NaN marks bins that are not scored.
    """
    trials = answers.trials
    tensors = {f"eval_spikes_{name}": _narrow(getattr(trials, name)) for name in COUNTS[1:]} | {"psth": answers.psth}
    for part, arrays in (("train", train), ("eval", trials)):
        tensors |= {f"{part}_{name}": getattr(arrays, name) for name in ("behavior", "decode_mask", "jitter")}
        if answers.psth is not None:
            tensors[f"{part}_cond_idx"] = _by_condition(present(arrays.condition), len(answers.psth))
    group = group_name(answers.sizes.dataset, answers.sizes.bin_ms)
    return {group: {name: array for name, array in tensors.items() if array is not None}}


def condition_of(trials_of: np.ndarray, count: int) -> np.ndarray:
    """Return each trial's condition, (count,) int64, -1 for none, from the trials of each condition.

    Raises:
        BadInput: a condition has a trial that is not there.
    """
    condition = np.full(count, -1, dtype=np.int64)
    named = np.concatenate([np.zeros(0, dtype=np.int64), *trials_of])
    if (wrong := named[(named < 0) | (named >= count)]).size:
        raise BadInput(
            f"conditions expected trials 0 to {count - 1}, got {wrong[0]}; the answers are of another recording"
        )
    for index, trials in enumerate(trials_of):
        condition[np.asarray(trials, dtype=np.int64)] = index
    return condition


def _by_condition(condition: np.ndarray, conditions: int) -> np.ndarray:
    return ragged([np.flatnonzero(condition == one) for one in range(conditions)])


def _read(group: Group, name: str) -> np.ndarray:
    array = group.array(name)
    return _indices(array) if name in INDICES else array.numbers(*[None] * len(array.shape))


def _indices(array: Dataset) -> np.ndarray:
    # Conditions of equally many trials may have been written as one table.
    shape, kind = len(array.shape), np.dtype(h5py.check_vlen_dtype(array.dtype) or array.dtype).kind
    if kind not in "iu" or (shape, array.dtype.kind == "O") not in ((1, True), (2, False)):
        raise array.refuse(f"expected a list of trials for each condition, got {kind_of(array.dtype)} {array.shape}")
    return ragged([np.asarray(one, dtype=np.int64) for one in array[()]])


def _narrow(counts: np.ndarray | None) -> np.ndarray | None:
    if counts is None:
        return None
    return counts.astype(np.float64 if np.isnan(counts).any() else np.float16)
