"""What a model is: the contract as types. A model is a `torch.nn.Module`; which of these it has says how it is used.

A file of this folder has `Config`, a frozen dataclass of settings with units and defaults, which refuses what cannot
be, and `Model(config, sizes)`, whose class attribute `reads` is the kind of split it is for. `applies(header)`, an
optional function of the file, returns why the model cannot run on a split, or None. `candidate = False` in Model says
that a search for the best model of a recording leaves it alone: it knows the answers, or is made of other models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from raysp.config import settings
from raysp.config.note import Note
from raysp.config.settings import Plain
from raysp.models.cell_fit import CellFit
from raysp.models.prediction import Prediction
from raysp.objectives.loss import Loss

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn

    from raysp.data.splits.current_clamp import CurrentClampSplit
    from raysp.data.splits.currents import Currents

T = TypeVar("T")


class Config(settings.Settings):
    """What a model's Config derives from, so that its values are looked at however it is made.

    >>> from raysp.models.sae import Config as OfSae  # class Config(base.Config): dropout: Share = 0.1 ...
    >>> OfSae(dropout=1.5)
    Traceback (most recent call last):
    raysp.errors.BadInput: model sae, dropout expected a share in [0, 1), got 1.5
    """

    @property
    def where(self) -> str:
        """The beginning of an error's sentence: the model's name is its file's, or its folder's."""
        return f"model {type(self).__module__.removesuffix('.model').rpartition('.')[2]}"


class Stages(Protocol):
    """What a model that fits itself is given: whom it tells, and where it leaves what it would not do again."""

    def report(self, note: Note) -> None:
        """Tell a "phase" or a "warning"."""

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what a stage gives, tensors or plain values: what it gave before the fit was stopped, or `make()`.

        Raises:
            Interrupted: the fit is to stop here; what is done is kept.
        """


class Learning(Protocol):
    """A model that gradient descent fits.

    Attributes:
        lanes: independent copies of the weights, in front of every weight and buffer, whose losses are apart; absent
            or None for one without such an axis. Each lane keeps its own best weights.
    """

    lanes: int | None

    def loss(self, batch: Any) -> Loss:
        """Return the loss of a batch; draws come from `batch.generator`, which is None in evaluation."""


class Starting(Protocol):
    """A model whose initial values come from the training data."""

    def start(self, *data: Any) -> None:
        """Take them: from training trials, or currents; of a continuous recording, from tape and training stretches; of
        a network of neurons, from a table of them, and the trial's seed.
        """


class TrainedItsWay(Protocol):
    """A model that is trained otherwise than its kind of data as a rule, where an experiment does not say how."""

    @staticmethod
    def usual(config: Any) -> Mapping[str, Plain]:
        """Return fields of Training, by the model's settings."""


class CountingEpochs(Protocol):
    """A model that changes with the epochs."""

    def begin_epoch(self, epoch: int) -> None:
        """Take note of the epoch, from 1, that training begins."""


class CountingSteps(Protocol):
    """A model that changes with the optimiser's steps.

    Attributes:
        settled: whether it minimises what it will minimise to the end: weights of before are not kept as the best, and
            patience counts from then on.
    """

    settled: bool

    def begin_training(self, steps: int) -> None:
        """Take note of how many steps training has at most."""

    def end_training(self) -> None:
        """Take note that the weights are the final ones."""


class SideBySide(Protocol):
    """A model whose lanes may be members of a population, each with settings of its own.

    Attributes:
        own_of_lanes: settings that members may have values of their own of.
    """

    own_of_lanes: tuple[str, ...]

    @classmethod
    def side_by_side(cls, configs: Sequence[Any], sizes: Any, seeds: Sequence[int]) -> Model:
        """Return members as lanes of one model, each as a model of its settings starts at its seed.

        A lane's part of the state dict, one lane long, is that of the model alone.
        """

    def set_lanes(self, configs: Sequence[Any]) -> None:
        """Give each lane its own values of those settings. Raises BadInput where others differ."""

    def predict_each(self, batch: Any) -> list[Prediction[Any]]:
        """Return what each lane predicts by itself, see `PredictingRates`; `predict` has the mean over lanes."""


class FittingItself(Protocol):
    """A model that fits itself, into buffers."""

    def fit(self, data: Any, stages: Stages) -> None:
        """Fit to training trials, or to a continuous recording's split."""


class PredictingRates(Protocol):
    """A model of trials. Those of continuous recordings derive from `windowed.WindowModel` instead.

    What gradient descent fitted is calibrated afterwards, outside the model: see `calibration`.
    """

    def predict(self, batch: Any) -> Prediction[Any]:
        """Return rates from held-in counts alone, in eval mode and without gradients.

        What it draws, if anything, comes from torch's own stream, which is seeded for that and is nobody else's.
        """


class RunningFreely(Protocol):
    """A model of neurons under current clamp that gradient descent fits."""

    def predict(self, batch: Currents) -> torch.Tensor:
        """Return (currents, bins) spikes/ms from currents alone; of each, whatever else is in the batch, or pads it."""


class PredictingCurrents(Protocol):
    """A model of neurons under current clamp that fits itself."""

    def rates(self, split: CurrentClampSplit) -> np.ndarray:
        """Return (bins of all currents,) float64 spikes/ms, NaN of a unit that could not be fitted."""


class FittingCells(Protocol):
    """A model of neurons under current clamp whose parameters are a neuron's."""

    def rows(self) -> list[CellFit]:
        """Return what parameters.parquet says of each unit."""


class Classifying(Protocol):
    """A model of labelled sequences; its settings say at how many steps with zero input, `readouts`, it is read out."""

    config: Any

    def logits(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (samples, readouts, classes) of (samples, steps, features), read out at the steps after the last."""


class Active(Protocol):
    """A model of labelled sequences whose units are looked at."""

    def activity(self, sequences: torch.Tensor, readouts: int) -> torch.Tensor:
        """Return (steps + readouts, samples, units): what each unit gives."""


if TYPE_CHECKING:

    class Model(
        nn.Module,
        Learning,
        Starting,
        TrainedItsWay,
        CountingEpochs,
        CountingSteps,
        SideBySide,
        FittingItself,
        PredictingRates,
        PredictingCurrents,
        FittingCells,
        Classifying,
        Active,
    ):
        """A model as generic code takes it: which of these methods it has is asked before they are called."""
