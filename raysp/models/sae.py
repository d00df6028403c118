"""A sequential autoencoder: a trial is read into one state, from which a recurrent generator unrolls all rates.

The layout of nlb-lightning's example (a bidirectional GRU encoder, a GRU generator that runs without input, log rates
read out linearly), after Sussillo et al. 2016 (LFADS) without the variational part and the controller.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count, Natural, Share
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.layers.memory import remember
from raysp.models import base
from raysp.models.means import LEAST_MEAN, mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives.loss import Loss
from raysp.objectives.masking import coordinated_dropout
from raysp.objectives.poisson import poisson_loss, rates

LOOK = 1_000_003
"""Seed of what is hidden in evaluation, so that losses of epochs can be compared."""


@dataclass(frozen=True)
class Config(base.Config):
    """Sizes of the layers and what is dropped in training.

    The defaults suit hundreds of trials and more. Fewer want fewer units, more dropout of both kinds and a stronger
    weight_decay: see experiments/mc_maze_small_real_units.py.

    Attributes:
        encoder_hidden: units of the encoder, each direction.
        layers: layers of the encoder.
        hidden: units of the generator.
        latents: dimensions between the generator and the log rates; 0 reads the log rates from the generator itself.
        dropout: share of the encoder's last state, and of the generator's first one, set to zero in training.
        coordinated_dropout: share of held-in counts hidden from the encoder in training; the loss of the held-in
            units is then of the hidden counts alone, so that copying gains nothing (Keshtkaran & Pandarinath
            2019). 0 for none.
    """

    encoder_hidden: Count = 100
    layers: Count = 1
    hidden: Count = 100
    latents: Natural = 0
    dropout: Share = 0.1
    coordinated_dropout: Share = 0.3


class Model(nn.Module):
    """Encoder, first state, generator, read-out; the GRUs in float32 always."""

    reads = PopulationSplit

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        self.encoder = nn.GRU(sizes.heldin, config.encoder_hidden, config.layers, batch_first=True, bidirectional=True)
        self.first_state = nn.Linear(2 * config.encoder_hidden, config.hidden)
        # The generator gets no input: a one-wide input of zeros only adds its bias.
        self.generator = nn.GRU(1, config.hidden, batch_first=True)
        self.to_latents = nn.Linear(config.hidden, config.latents) if config.latents else nn.Identity()
        self.to_log_rates = nn.Linear(config.latents or config.hidden, sizes.units)
        self.dropout = nn.Dropout(config.dropout)
        for recurrent in (self.encoder, self.generator):
            remember(recurrent, sizes.bins + sizes.forward)

    def start(self, trials: TrialArrays) -> None:
        """Set the read-out's bias to the log of each unit's mean count, which the first epochs would learn else."""
        observed, _ = mean_counts(trials, self.sizes)
        with torch.no_grad():
            self.to_log_rates.bias.copy_(torch.as_tensor(observed).clamp(min=LEAST_MEAN).log())

    def loss(self, batch: Batch) -> Loss:
        """Return the Poisson loss over held-in, held-out and forward counts, of held-in ones over what is hidden.

        In evaluation always the same counts are hidden: a loss of what is shown would select weights that copy it.
        """
        targets, share = batch.whole(), self.config.coordinated_dropout
        heldin = torch.nan_to_num(batch.heldin)
        if share:
            generator = batch.generator or torch.Generator(heldin.device).manual_seed(LOOK)
            heldin, targets = coordinated_dropout(heldin, targets, share, generator)
        log_rates, _ = self._unroll(heldin)
        return poisson_loss(log_rates[:, : targets.shape[1], : targets.shape[2]], targets)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return rates of all units over observed and forward bins, and (trials, bins + forward, latents)."""
        log_rates, latents = self._unroll(torch.nan_to_num(batch.heldin))
        return Prediction.of(rates(log_rates), self.sizes, latents)

    def _unroll(self, heldin: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # Mixed precision would run cuDNN's GRU in float16, whose small gradients vanish without loss scaling.
        with torch.autocast(heldin.device.type, enabled=False):
            _, last = self.encoder(heldin.float())
            ends = self.dropout(torch.cat([last[-2], last[-1]], dim=1))
            first = self.dropout(self.first_state(ends))
            steps = heldin.new_zeros(len(heldin), self.sizes.bins + self.sizes.forward, 1)
            states, _ = self.generator(steps, first[None].contiguous())
        latents = self.to_latents(states)
        return self.to_log_rates(latents), latents
