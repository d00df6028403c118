"""The spike-distance network (Doran et al. 2024): from a window to the log of the distance to the nearest spike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from torch import nn

from raysp.config.ranges import Count, Natural, NonNegative
from raysp.data.splits.stimulus import StimulusSizes
from raysp.data.splits.windows import Reach, Tape, Windows
from raysp.errors import BadInput
from raysp.layers.lanes import Block, Linear, alike, doubled
from raysp.models.windowed import CAREFUL, MATCHED, TrunkConfig, TrunkModel
from raysp.objectives import spike_distance
from raysp.objectives.spike_inference import infer_spikes, last_spike

OUTPUT_SCALE = 2.0
LARGEST_LOG = 20.0
"""Of a distance that is made a number again: a network that says more means no spike, and exp would overflow."""
LOSS_SCALE = {"l2": 3.0, "l1": 1.7}

NEAREST, LOG_NEAREST = "nearest", "log-nearest"
"""Decodings: spikes whose distances are nearest to the predicted ones, and those whose log distances are."""


@dataclass(frozen=True)
class Config(TrunkConfig):
    """Settings; bins are of the recording's bin width.

    Attributes:
        past: bins before t = 0 for which distances are given too.
        output_bins: distances in all; twice the coarsest level's bins, or four times, eight times ...
        lookahead: bins after these in which spikes still count; at least the clamp.
        clamp: the largest distance.
        output_channels: of the way up, at most `channels`.
        loss: "l2" or "l1", of log distances.
        step: bins of each window whose spikes are kept in a rollout.
        refractory: bins after a spike in which no other is put; 0 for none.
        jitter: share of the smallest distance by which the order of removal is shuffled; 0 for none.
    """

    past: Natural = 32
    output_bins: Count = 128
    lookahead: Count = 198
    clamp: Count = 198
    output_channels: int = 16
    loss: Literal["l2", "l1"] = "l2"
    step: int = 80
    refractory: Natural = 0
    jitter: NonNegative = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.output_channels <= self.channels:
            raise BadInput(
                f"{self.where}, output_channels expected 1 to {self.channels} (channels), got {self.output_channels}"
            )
        spike_distance.check(self.past, self.output_bins, self.lookahead, self.clamp, self.where)
        if not 1 <= self.step <= self.output_bins - self.past:
            raise BadInput(
                f"{self.where}, step expected 1 to {self.output_bins - self.past} bins (output_bins - past), "
                f"got {self.step}"
            )
        _ = self.doublings

    @property
    def reach(self) -> Reach:
        """The bins that a window needs."""
        return Reach(self.input_bins, self.output_bins - self.past + self.lookahead)

    def log_distances(self, tables: tuple[torch.Tensor, torch.Tensor], windows: Windows) -> torch.Tensor:
        """Return true log distances of windows, (units, windows, output bins), from `spike_distance.neighbours`."""
        return spike_distance.log_distances(
            *tables, windows.starts, past=self.past, length=self.output_bins, clamp=self.clamp
        )

    @property
    def doublings(self) -> int:
        """How often the coarsest level is doubled."""
        times, bins = 0, self.coarsest
        while bins < self.output_bins:
            times, bins = times + 1, 2 * bins
        if bins != self.output_bins or times < 1:
            raise BadInput(
                f"{self.where}, output_bins expected {self.coarsest} (the coarsest level of input_bins "
                f"{self.input_bins}) times 2, 4, 8 ..., got {self.output_bins}"
            )
        return times


class Model(TrunkModel):
    """Twelve layers down, some up, without skip connections; in log distance."""

    decodings = (NEAREST, LOG_NEAREST)
    published = (NEAREST,)
    calibrates = MappingProxyType({MATCHED: NEAREST, CAREFUL: LOG_NEAREST})
    log_output = True
    config: Config
    mean: torch.Tensor

    def __init__(self, config: Config, sizes: StimulusSizes) -> None:
        super().__init__(config, sizes)
        self.reach, self.step = config.reach, config.step
        inside, lanes = config.output_channels, sizes.units
        pairs = [(config.channels, inside), *[(inside, inside)] * (config.doublings - 1)]
        self.up = nn.ModuleList(Block(lanes, pair, 5, 4, 0.0) for pair in pairs)
        self.gain = alike(lanes, torch.randn(2, inside) * 0.25)
        self.head = Linear(lanes, inside, 1)
        with torch.no_grad():
            bound = (6.0 / (inside + 1)) ** 0.5
            self.head.weight.copy_(torch.empty(inside, 1).uniform_(-bound, bound).expand(lanes, -1, -1))
        self.register_buffer("mean", torch.zeros(lanes))
        self._tables: tuple[torch.Tensor, torch.Tensor] | None = None

    def start(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> None:
        """Centre the output on each unit's mean log distance over the training part; spikes on both sides count."""
        self.mean.copy_(self.take_tables(tape, stretches))

    def take_tables(self, tape: Tape, stretches: tuple[tuple[int, int], ...]) -> torch.Tensor:
        """Make the tables that targets are read from; return each unit's mean log distance over the stretches."""
        spikes = tape.spikes.T.to(torch.uint8).cpu().numpy()
        after, before = map(torch.as_tensor, spike_distance.neighbours(spikes))
        self._tables = after.to(tape.device), before.to(tape.device)
        means = spike_distance.mean_log_distance(spikes, stretches, self.config.clamp)
        return torch.as_tensor(means, dtype=torch.float32).to(tape.device)

    def inputs(self, windows: Windows) -> tuple[torch.Tensor, torch.Tensor]:
        """Return stimulus and history as the trunk gets them: lights from -1 to 1, rare spikes as they are."""
        return (windows.stimulus - 0.5) / 0.5, windows.history - 0.5

    def output(self, windows: Windows) -> torch.Tensor:
        """Return natural logs of distances in bins, (units, windows, output bins)."""
        return super().output(windows) + self.mean[:, None, None]

    def readout(self, x: torch.Tensor) -> torch.Tensor:
        """Return log distances less their mean, (units, windows, output bins), of what the trunk gives."""
        for block in self.up:
            x = block(doubled(x))
        past = self.config.past
        early, late = ((1.0 + self.gain[:, part])[:, None, None] for part in (0, 1))
        x = torch.cat([x[:, :, :past] * early, x[:, :, past:] * late], dim=2)
        return self.head(x)[..., 0] * OUTPUT_SCALE

    def errors(self, output: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return each unit's mean error, (units,), of log distances, (units, windows, output bins)."""
        error = output.float() - targets
        error = error.square() if self.config.loss == "l2" else error.abs()
        return error.mean(dim=(1, 2)) * LOSS_SCALE[self.config.loss]

    def targets(self, windows: Windows) -> torch.Tensor:
        """Return true log distances, (units, windows, output bins)."""
        if self._tables is None:
            raise BadInput("the spike-distance model has no targets before start(tape, stretches)")
        return self.config.log_distances(self._tables, windows)

    def spikes(
        self, output: torch.Tensor, history: torch.Tensor, decoding: str, generators: Sequence[torch.Generator]
    ) -> torch.Tensor:
        """Return the spikes that explain the distances, (units, windows, step) uint8."""
        distances = output.clamp(max=LARGEST_LOG).exp()
        return distances_to_spikes(self.config, distances, history, generators, logs=decoding == LOG_NEAREST)

    def boosted(self, output: torch.Tensor, boost: torch.Tensor) -> torch.Tensor:
        """Return log distances that are shorter by each unit's boost."""
        return output - boost.view(-1, *[1] * (output.ndim - 1))


def distances_to_spikes(
    config: Config,
    distances: torch.Tensor,
    history: torch.Tensor,
    generators: Sequence[torch.Generator],
    *,
    logs: bool = False,
) -> torch.Tensor:
    """Return the spikes of the first `config.step` bins from t = 0 on, (units, windows, step) uint8.

    Args:
        config: sizes and options.
        distances: (units, windows, output bins), bins.
        history: (units, windows, bins) counts before t = 0.
        generators: of the jitter, one for each unit.
        logs: compare logs of distances.
    """
    output = distances.float().cpu().numpy()
    known = np.asarray(last_spike(history.cpu().numpy(), config.clamp))
    if config.jitter:
        seeds = [int(torch.randint(2**31, (), generator=generator)) for generator in generators]
        found = np.stack([_inferred(config, *unit, logs) for unit in zip(output, known, seeds, strict=True)])
    else:
        found = _inferred(config, output.reshape(-1, output.shape[-1]), known.reshape(-1), None, logs)
    return torch.as_tensor(found.reshape(*known.shape, -1)[..., : config.step])


def _inferred(config: Config, distances: np.ndarray, known: np.ndarray, seed: int | None, logs: bool) -> np.ndarray:
    return infer_spikes(
        distances,
        known,
        past=config.past,
        clamp=config.clamp,
        refractory=config.refractory,
        jitter=config.jitter,
        seed=seed,
        logs=logs,
    )
