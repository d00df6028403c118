"""A small recurrent network: counts of the held-in units in, rates of all units out.

    raysp check models/my_model.py        # what every model must keep, tried on made-up data of odd shapes

A model is one file with `Config` and `Model`. Shapes come from `sizes`, never from a setting.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Count, Share
from raysp.data.splits.batch import Batch
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.models import base
from raysp.models.means import LEAST_MEAN, mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives.loss import Loss
from raysp.objectives.masking import coordinated_dropout
from raysp.objectives.poisson import poisson_loss, rates

VALIDATION = 1_000_003
"""Seed of what is hidden when the model is validated."""


@dataclass(frozen=True)
class Config(base.Config):
    """Change: the model's hyperparameters, each with a default and its range (`raysp.config.ranges`).

    Attributes:
        hidden: units of the network, each direction.
        dropout: share of its states set to zero in training.
        coordinated_dropout: share of counts hidden from the input in training, and then predicted; 0 for none.
    """

    hidden: Count = 32
    dropout: Share = 0.2
    coordinated_dropout: Share = 0.3


class Model(nn.Module):
    """Change: the network. The loss and the form of the prediction may stay as they are."""

    reads = PopulationSplit  # the kind of data: binned spike counts of trials

    def __init__(self, config: Config, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        self.network = nn.GRU(sizes.heldin, config.hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(config.dropout)
        self.to_log_rates = nn.Linear(2 * config.hidden, sizes.units)

    def start(self, trials: TrialArrays) -> None:
        """Begin at each unit's mean count over the training trials; optional."""
        observed, _ = mean_counts(trials, self.sizes)
        with torch.no_grad():
            self.to_log_rates.bias.copy_(torch.as_tensor(observed).clamp(min=LEAST_MEAN).log())

    def loss(self, batch: Batch) -> Loss:
        """Return the Poisson loss of all counts that are known; unknown ones are NaN, and add nothing."""
        targets, heldin = batch.whole(), torch.nan_to_num(batch.heldin)
        if share := self.config.coordinated_dropout:
            # There is a generator while the model trains. When it is validated, always the same counts are hidden: a
            # loss of counts that are shown would select weights that copy them.
            generator = batch.generator or torch.Generator(heldin.device).manual_seed(VALIDATION)
            heldin, targets = coordinated_dropout(heldin, targets, share, generator)
        log_rates = self.log_rates(heldin)
        # Held-out units and bins after the observed ones are not in every batch.
        return poisson_loss(log_rates[:, : targets.shape[1], : targets.shape[2]], targets)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return rates of all units, expected spikes per bin, from the counts of held-in units alone."""
        return Prediction.of(rates(self.log_rates(torch.nan_to_num(batch.heldin))), self.sizes)

    def log_rates(self, heldin: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins + forward, units) of (trials, bins, heldin) counts."""
        ahead = nn.functional.pad(heldin, (0, 0, 0, self.sizes.forward))
        states, _ = self.network(ahead)
        return self.to_log_rates(self.dropout(states))
