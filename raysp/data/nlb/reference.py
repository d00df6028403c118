"""The benchmark's own tools as the reference for our tensors: the only file that builds tensors with nlb_tools.

nlb_tools 0.0.4 was written for pandas 1.3. Two repairs, made in memory when its classes are first used, let it run on
pandas 2 and 3: loaded tables get a sorted 1-ms index again (newer pandas no longer sorts the union of several, after
which trials would be lost without a word), and arrays that newer pandas hands out read-only are copied before they
are changed in place.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import types
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from raysp.data.nlb.sets import NLBSet, Phase
from raysp.errors import BadInput, NotReady
from raysp.io import files

if TYPE_CHECKING:
    from nlb_tools.nwb_interface import NWBDataset

P = ParamSpec("P")

VERSION = "nlb_tools-0.0.4"
INSTALL = "pip install --no-deps nlb_tools==0.0.4"
"""The step that installs it. Nothing can depend on it: its pin excludes every pandas for Python 3.11 and newer."""


def reference_tensors(
    nlb: NLBSet, root: str, bin_ms: int, phase: Phase, *, targets: bool = True
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray] | None]:
    """Build one split's tensors with nlb_tools: slow, and the recording is read again for every split.

    Args:
        nlb: the recording.
        root: the data root, a local folder.
        bin_ms: width of a bin, ms.
        phase: val or test.
        targets: build the answers too, in the val phase.

    Returns:
        Training, evaluation and answer tensors; shapes as in `nlb_tensors`; None for answers not asked for or unknown.

    Raises:
        NotReady: nlb_tools is not installed.
        BadInput: nlb_tools lost trials.
    """
    tools = repaired_tools()
    train, chosen = (["train", "val"], "test") if phase == "test" else ("train", "val")
    with quiet():
        dataset = load(nlb, root, bin_ms)
        inputs = tools.make_train_input_tensors(
            dataset, nlb.name, train, save_file=False, include_behavior=True, include_forward_pred=True
        )
        given = tools.make_eval_input_tensors(dataset, nlb.name, chosen, save_file=False)
        answers = None
        if targets and phase == "val":
            (answers,) = tools.make_eval_target_tensors(
                dataset, nlb.name, train, chosen, save_file=False, include_psth=bool(nlb.conditions)
            ).values()
    _check_trials(dataset, inputs["train_spikes_heldin"], train)
    _check_trials(dataset, given["eval_spikes_heldin"], chosen)
    return inputs, given, answers


def load(nlb: NLBSet, root: str, bin_ms: int) -> NWBDataset:
    """Return the recording as nlb_tools' NWBDataset, binned."""
    repaired_tools()
    if not files.is_local(root):
        raise BadInput(f"nlb_tools reads from a disk alone: expected a folder as --root, got {root}")
    from nlb_tools.nwb_interface import NWBDataset

    dataset = NWBDataset(nlb.folder(root), nlb.train_file.split("desc-")[0])
    dataset.resample(bin_ms)
    return dataset


@functools.cache
def repaired_tools() -> types.ModuleType:
    """Return nlb_tools.make_tensors, able to run on the installed pandas.

    Raises:
        NotReady: nlb_tools is not installed.
    """
    try:
        with quiet():
            from nlb_tools import make_tensors, nwb_interface
    except ModuleNotFoundError as error:
        raise NotReady(f"nlb_tools is not installed; type: {INSTALL}") from error
    nwb_interface.np = _WritableNumpy("numpy")
    dataset = nwb_interface.NWBDataset
    dataset.load = _ordered(dataset.load)
    return make_tensors


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep nlb_tools' and its libraries' warnings away: they are not about the person's data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger = logging.getLogger("nlb_tools")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


class _WritableNumpy(types.ModuleType):
    """numpy, except that nan_to_num copies an array it could not change in place."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def nan_to_num(array: np.ndarray, copy: bool = True, **options: Any) -> np.ndarray:
        """Call numpy's, with a copy where the array is read-only."""
        return np.nan_to_num(array, copy=copy or not array.flags.writeable, **options)


def _ordered(load: Callable[P, tuple[Any, ...]]) -> Callable[P, tuple[Any, ...]]:
    @functools.wraps(load)
    def ordered(*args: P.args, **options: P.kwargs) -> tuple[Any, ...]:
        data, *rest = load(*args, **options)
        if not data.index.is_monotonic_increasing:
            data = data.sort_index()
        data.index = data.index.as_unit("ns")
        data.index.name = "clock_time"
        return data, *rest

    return ordered


def _check_trials(dataset: NWBDataset, tensor: np.ndarray, labels: list[str] | str) -> None:
    expected = int(dataset.trial_info.split.isin([labels] if isinstance(labels, str) else labels).sum())
    if len(tensor) != expected:
        raise BadInput(f"nlb_tools expected {expected} trials of {labels}, made {len(tensor)}; use the fast builder")
