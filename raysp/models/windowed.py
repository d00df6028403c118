"""What models of a stimulus recording share: windows in, spikes out, one network per unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge
from torch import nn

from raysp.config.ranges import Count, Natural, Positive, Share
from raysp.data.splits.stimulus import StimulusSizes, StimulusSplit
from raysp.data.splits.windows import Reach, Tape, Windows
from raysp.errors import BadInput
from raysp.layers.window_trunk import Trunk, bins_after
from raysp.models.base import Config
from raysp.objectives.loss import Loss

MATCHED, CAREFUL = "matched", "careful"
CALIBRATED = (MATCHED, CAREFUL)
"""Decodings that are calibrated: as many spikes as were recorded, and as near to the recorded ones as can be."""

Role = Literal["floor", "network", "poisson", "ceiling"]


@dataclass(frozen=True)
class TrunkConfig(Config):
    """The window that a network sees, and the twelve layers that see it (Doran et al. 2024).

    Attributes:
        input_bins: stimulus and own spikes before t = 0.
        channels: of every layer, even.
        halvings: layers that halve the bins.
        middle: layers at the coarsest level.
        dropout: share of entries dropped in each of them.
        train_stride: bins from one training window to the next; each is shifted by less than that, anew every epoch.
        validation_stride: bins from one validation window to the next, without shift.
        careful_ms: width of the van Rossum distance that the decoding "careful" makes small in the validation part, ms.
    """

    input_bins: Count = 992
    channels: Annotated[int, Ge(2)] = 64
    halvings: Count = 6
    middle: Natural = 5
    dropout: Share = 0.2
    train_stride: Count = 13
    validation_stride: Count = 13
    careful_ms: Positive = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels % 2:
            raise BadInput(f"{self.where}, channels expected an even number, got {self.channels}")

    @property
    def coarsest(self) -> int:
        """Bins at the coarsest level."""
        return bins_after(self.input_bins, self.halvings + 1)

    def trunk(self, sizes: StimulusSizes) -> Trunk:
        """Return a new trunk for every unit."""
        shape = (self.channels, self.dropout, self.halvings, self.middle)
        return Trunk(sizes.units, sizes.channels, self.input_bins, *shape)


class WindowModel(nn.Module):
    """A model of a stimulus recording, found by its file like any other.

    A subclass has

    - `reach`: the bins a window needs; `step`: how many bins of spikes it gives for each window of a rollout;
    - `decodings`: the ways in which its output becomes spikes;
    - `output(windows) -> (units, windows, ...)`, from what lies before t = 0 alone;
    - `spikes(output, history, decoding, generators) -> (units, windows, step)` counts, uint8;
    - `loss(windows) -> Loss` where gradient descent fits it;
    - `start(tape, stretches)`, optional: initial values that come from the training part.

    A model whose output says how sure it is of spikes names in `calibrates` which of its decodings serves each of
    `CALIBRATED`, and has `boosted(output, boost)`, which makes the output of each unit readier for spikes by a boost in
    natural logs, chosen on the validation part; its settings have `careful_ms`. `published` are those of its decodings
    that its paper has: all of them, unless it says otherwise.

    `log_output` says that the output is the natural log of what a reader wants to see. `lanes` is how many units have a
    network of their own, every weight having them in front, so that each keeps its own best weights; None where one
    network serves all. `sees_truth` is for ceilings, which read the very spikes that they give. `role` is the part that
    it plays in a comparison.
    """

    reads = StimulusSplit
    config: Any
    loss: Callable[[Windows], Loss]
    log_output = False
    lanes: int | None = None
    sees_truth = False
    role: Role = "network"
    reach: Reach
    step: int
    decodings: tuple[str, ...]
    published: tuple[str, ...] | None = None
    calibrates: Mapping[str, str] = MappingProxyType({})

    def start(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> None:
        """Take initial values from the training part of a recording."""

    def output(self, windows: Windows) -> torch.Tensor:
        """Return what the network says of each window, (units, windows, ...)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method output(windows)")

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return counts of the `step` bins from t = 0 on, (units, windows, step) uint8.

        Args:
            output: of the windows.
            history: (units, windows, bins) counts before t = 0, as the windows had them.
            decoding: one of `decodings`.
            generators: one for each unit, on the CPU, for decodings that draw: what a unit draws must not depend on
                which others there are.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method spikes(...)")

    def kernels(self) -> torch.Tensor | None:
        """Return the first layer's (units or 1, kernels, inputs, taps), own spikes last; None of a model without."""
        return None

    def boosted(self, output: torch.Tensor, boost: torch.Tensor) -> torch.Tensor:
        """Return the output, made readier to give spikes.

        Args:
            output: of the windows, (units, windows, ...).
            boost: (units,) natural logs; below 0 fewer spikes, above 0 more.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method boosted(output, boost)")


class TrunkModel(WindowModel):
    """A network of its own for each unit: a trunk, and what a subclass reads from it.

    A subclass has `readout(x)`, of what the trunk gives, `targets(windows)`, and `errors(output, targets)`, which
    returns each unit's mean error, (units,).
    """

    readout: Callable[[torch.Tensor], torch.Tensor]
    targets: Callable[[Windows], torch.Tensor]
    errors: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

    def __init__(self, config: TrunkConfig, sizes: StimulusSizes) -> None:
        super().__init__()
        self.config, self.lanes = config, sizes.units
        self.trunk = config.trunk(sizes)

    def kernels(self) -> torch.Tensor:
        """Return the first layer's kernels of each unit, (units, kernels, inputs, taps)."""
        return self.trunk.stem.kernels()

    def inputs(self, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
        """Return stimulus and history as the trunk gets them."""
        return windows.stimulus, windows.history

    def output(self, windows: Windows) -> torch.Tensor:
        """Return what the network says of each window, (units, windows, ...)."""
        return self.readout(self.trunk(*self.inputs(windows)))

    def loss(self, windows: Windows) -> Loss:
        """Return the mean error of each unit."""
        each = self.errors(self.output(windows), self.targets(windows))
        return Loss(each.sum(), each)
