"""LFADS: latent factor analysis via dynamical systems (Sussillo et al. 2016; Pandarinath et al. 2018).

A sequential variational autoencoder. Encoders read all observed bins of the held-in units; they give a Gaussian over
the initial condition of a recurrent generator and, by way of a controller, one over a few inferred inputs in every bin.
The generator runs freely from there; from its states come factors, from factors the log rates of every unit.

The loss is that of sums over a trial: nats of all its counts, plus beta times nats of divergence. So `beta` 1 is the
evidence lower bound. It is divided by the number of counts at the end, once, so that learning rates mean as much for
large recordings as for small ones. docs/lfads.md has the weights of other codes on this scale.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from raysp.config.ranges import Chance, Count, Natural, NonNegative, Positive, Share
from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput
from raysp.models import base
from raysp.models.lfads.decoder import Decoded
from raysp.models.lfads.losses import looked, trained
from raysp.models.lfads.network import Encoded, Network
from raysp.models.lfads.samples import averaged, sample_noise
from raysp.models.means import LEAST_MEAN, mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives.augment import Repeats
from raysp.objectives.loss import Loss

MOST_FACTORS = 40
OWN = ("dropout", "coordinated_dropout", "beta_initial", "beta_inputs", "l2_generator", "l2_controller")
"""Settings that members of a population may each have a value of their own of; all others change shapes or the task."""

LEAST_BETA = 1e-4


@dataclass(frozen=True)
class Config(base.Config):
    """Sizes, priors, and what holds the network back.

    Attributes:
        encoder_hidden: units of each direction of the encoder of initial conditions.
        input_encoder_hidden: units of each direction of the encoder of inferred inputs; where both encoders have as
            many, they run in one loop.
        controller: units of the controller.
        inputs: inferred inputs; 0 for a generator that runs freely, without controller and its encoder.
        initial: dimensions of the initial condition.
        generator: units of the generator.
        factors: between the generator and the log rates; 0 takes as many as there are units, 40 at most.
        lag: bins between what the controller sees of the encoder and the bin it infers an input for.
        causal: the controller sees neither later bins nor the factors: inputs of a bin follow from earlier bins alone.
        input_prior: "ar1", autoregressive of order one with learned time constant and variance; "gaussian", with
            learned mean and fixed variance.
        tau: that the time constant of "ar1" starts from, bins.
        input_variance: of the prior's innovations, from which it is learned ("ar1"), or of the inputs ("gaussian").
        initial_variance: of the prior of initial conditions.
        dropout: share of the encoders' inputs, of what is read from them, of the factors on their way to the
            controller, and of the generator's states on their way to the factors that is set to zero in training.
        coordinated_dropout: share of held-in counts hidden from the encoders in training; held-in counts that are
            shown give no gradient (Keshtkaran & Pandarinath 2019). Held-out units and forward bins always do. 0 for
            none.
        sample_validation: share of held-in counts, always the same ones of a trial, that is neither shown nor learned
            from in training and validation; their loss stands in the curve of a validation. 0 for none.
        beta_initial: weight of the divergence of initial conditions, on the scale of losses summed over a trial.
        beta_inputs: likewise of inferred inputs.
        l2_generator: penalty of the generator's recurrent weights: half of it times the sum of their squares over the
            number of recurrent weights that generator and controller have, on that scale.
        l2_controller: likewise of the controller's.
        ramp: share of the training's optimiser steps over which the weights of divergences and penalties rise from 0;
            weights of the network are kept, and patience counts, from then on.
        samples: of the posterior that a prediction is the mean of; every second one mirrors the one before.
        mix_repeats: share of units whose counts a training trial takes from another training trial of its condition,
            each from its own. Only where repeats share their rates, as in generated data: it breaks what units have
            in common from trial to trial.
        repeat_targets: ask for the mean count of the other training trials of a condition, of shown entries too, where
            there are any. Under the same premise. Prediction takes no label.
    """

    encoder_hidden: Count = 64
    input_encoder_hidden: Count = 64
    controller: Count = 64
    inputs: Natural = 1
    initial: Count = 64
    generator: Count = 100
    factors: Natural = 0
    lag: Natural = 1
    causal: bool = False
    input_prior: Literal["ar1", "gaussian"] = "ar1"
    tau: Positive = 10.0
    input_variance: Positive = 0.1
    initial_variance: Positive = 0.1
    dropout: Share = 0.2
    coordinated_dropout: Share = 0.5
    sample_validation: Share = 0.0
    beta_initial: NonNegative = 0.1
    beta_inputs: NonNegative = 0.3
    l2_generator: NonNegative = 0.0
    l2_controller: NonNegative = 0.0
    ramp: Share = 0.1
    samples: Count = 20
    mix_repeats: Chance = 0.0
    repeat_targets: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("beta_initial", "beta_inputs"):
            if 0 < (value := getattr(self, name)) < LEAST_BETA:
                raise BadInput(
                    f"{self.where}, {name} expected 0 or at least {LEAST_BETA:g}, on the scale of losses summed over a "
                    f"trial, got {value:g}, which looks like a weight beside a mean loss: multiply it by bins x units"
                )
        if self.sample_validation and self.uses_repeats:
            raise BadInput(
                f"{self.where} expected sample_validation without mix_repeats and repeat_targets, which show a trial "
                f"what others withhold, got {self.sample_validation:g} beside them"
            )

    @property
    def uses_repeats(self) -> bool:
        """Whether training uses that trials repeat conditions."""
        return bool(self.mix_repeats) or self.repeat_targets


class Model(nn.Module):
    """Encoders, controller, generator, factors, read-out; in float32 always.

    Args:
        config: settings.
        sizes: of the split.
        lanes: members of a population; None for one model. See `side_by_side`.
    """

    reads = PopulationSplit
    own_of_lanes = OWN
    steps: torch.Tensor
    own: torch.Tensor

    def __init__(self, config: Config, sizes: Sizes, lanes: int | None = None) -> None:
        super().__init__()
        _check(config, sizes)
        self.config, self.sizes, self.lanes = config, sizes, lanes
        count = lanes or 1
        shape = dataclasses.replace(config, factors=config.factors or min(sizes.units, MOST_FACTORS))
        self.network = Network(shape, sizes, count)
        self.register_buffer("steps", torch.zeros(count, dtype=torch.int64))
        self.register_buffer("own", torch.zeros(count, len(OWN)), persistent=False)
        self._ramp_steps, self._training = 0, False
        self._repeats: Repeats | None = None
        self.set_lanes([config] * count)

    @classmethod
    def side_by_side(cls, configs: Sequence[Config], sizes: Sizes, seeds: Sequence[int]) -> Model:
        """Return a population: each lane has the weights that a model of its settings starts from at its seed.

        Raises:
            BadInput: settings differ that lanes share.
        """
        found = cls(configs[0], sizes, lanes=len(configs))
        found.set_lanes(configs)
        alone = []
        for config, seed in zip(configs, seeds, strict=True):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                alone.append(cls(config, sizes).state_dict())
        found.load_state_dict({name: torch.cat([one[name] for one in alone]) for name in alone[0]})
        return found

    def set_lanes(self, configs: Sequence[Config]) -> None:
        """Give each lane its own values of the settings `own_of_lanes`. Raises BadInput where others differ."""
        apart = [name for one in configs for name, value in vars(one).items() if value != getattr(self.config, name)]
        if wrong := sorted(set(apart) - set(OWN)):
            raise BadInput(
                f"{self.config.where} expected members of a population that differ in {', '.join(OWN)} alone, got "
                f"others in {', '.join(wrong)}; make a population of each"
            )
        values = torch.tensor([[float(getattr(one, name)) for name in OWN] for one in configs])
        self.own = values.to(self.own.device)

    def begin_training(self, steps: int) -> None:
        """Take note of how many optimiser steps training has at most; predictions are of few samples until its end."""
        self._ramp_steps, self._training = round(self.config.ramp * steps), True

    def end_training(self) -> None:
        """Let predictions be the mean of all samples again."""
        self._training = False

    @property
    def settled(self) -> bool:
        """Whether what is minimised is what it will stay, so that weights may be kept."""
        return bool((self.steps >= self._ramp_steps).all())

    def start(self, trials: TrialArrays) -> None:
        """Set the read-out's bias to the log of each unit's mean count, which hundreds of steps would learn else.

        Raises BadInput where trials are to be mixed with repeats, and no condition has two.
        """
        observed, _ = mean_counts(trials, self.sizes)
        log_rates = torch.as_tensor(observed).clamp(min=LEAST_MEAN).log()
        if self.config.uses_repeats:
            self._repeats = Repeats.of(to_device(trials, self.own.device), self.config.where)
        with torch.no_grad():
            self.network.readout.log_rates.copy_(log_rates.expand_as(self.network.readout.log_rates))

    def loss(self, batch: Batch) -> Loss:
        """Return the training loss; in evaluation, the loss of counts hidden from the encoders alone.

        Those are held-out units, forward bins, and a fifth of held-in counts, always the same ones, whatever share
        training hides: so that losses of epochs, settings and members of a population can be compared.
        """
        with self._exact(batch.heldin):
            if not self.training:
                return looked(self.network, batch, self.config)
            ramped = ramp(self.steps, self._ramp_steps)
            if batch.generator is not None:
                self.steps += 1
            own = dict(zip(OWN, self.own.T, strict=True))
            return trained(self.network, batch, self.config, own, ramped, self._repeats)

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return the means over the posterior, and over lanes, of rates and factors.

        Beside them are posterior means of initial conditions and of inferred inputs and, once training is over, how
        many nats each of their dimensions diverges from its prior in a trial.
        """
        rates, found, encoded = self._averaged(batch)
        whole = Prediction.of(rates.mean(dim=0), self.sizes, _of_trials(found.factors))
        divergences = {} if self._training else self._divergences(encoded)
        return dataclasses.replace(whole, beside=_beside(found, encoded.means) | divergences)

    def _divergences(self, encoded: Encoded) -> dict[str, torch.Tensor]:
        with self._exact(encoded.means):
            initial, found = self.network.decode(encoded, sample_noise(self.network, 0, encoded.means.device))
            of_initial, of_inputs = self.network.divergences_each(encoded, initial, found)
        parts = {"initial_divergence": _flat(of_initial)}
        return parts if of_inputs is None else parts | {"input_divergence": _flat(of_inputs.sum(dim=0))}

    def predict_each(self, batch: Batch) -> list[Prediction[torch.Tensor]]:
        """Return the rates of each lane by itself."""
        return [Prediction.of(rates, self.sizes) for rates in self._averaged(batch)[0]]

    def _averaged(self, batch: Batch) -> tuple[torch.Tensor, Decoded, Encoded]:
        with self._exact(batch.heldin):
            count = 2 if self._training else self.config.samples
            return averaged(self.network, torch.nan_to_num(batch.heldin), count)

    @contextlib.contextmanager
    def _exact(self, values: torch.Tensor) -> Iterator[None]:
        # Mixed precision would round states that a hundred bins are run from.
        with torch.autocast(values.device.type, enabled=False):
            yield


def ramp(steps: torch.Tensor, length: int) -> torch.Tensor:
    """Return the share of their weight that divergences and penalties have after so many steps, (lanes,).

    It rises by as much with every step, so that the first one has 1 / (length + 1) of it, and all is there after
    `length` steps.
    """
    return ((steps + 1) / (length + 1)).clamp(max=1.0)


def _of_trials(values: torch.Tensor) -> torch.Tensor:
    """Return (trials, bins, lanes * channels) of (bins, lanes, trials, channels)."""
    return values.permute(2, 0, 1, 3).flatten(2)


def _flat(values: torch.Tensor) -> torch.Tensor:
    """Return (trials, lanes * channels) of (lanes, trials, channels)."""
    return values.transpose(0, 1).flatten(1)


def _beside(found: Decoded, initial: torch.Tensor) -> dict[str, torch.Tensor]:
    parts = {"initial_conditions": _flat(initial)}
    return parts if found.inputs is None else parts | {"inferred_inputs": _of_trials(found.inputs)}


def _check(config: Config, sizes: Sizes) -> None:
    """Raise BadInput for settings that a recording of such sizes cannot have."""
    for name, most, of in (
        ("factors", sizes.units, "units"), ("inputs", sizes.units, "units"), ("inputs", sizes.bins, "bins"),
        ("lag", sizes.bins, "bins"),
    ):  # fmt: skip
        if (value := getattr(config, name)) > most:
            raise BadInput(
                f"{config.where}, {name} expected at most the {most} {of} of a trial of {sizes.dataset}, got {value}"
            )
