"""Sample-and-measure: a recurrent network of spiking neurons, fitted by what its own samples do (Bellec et al. 2021).

Convolutions over the last frames drive stochastic binary neurons, of which some may be hidden; each also hears all
neurons' spikes of the bins before. The likelihood of recorded spikes, one bin ahead, says nothing of what the network
does when it hears itself: the mean over trials and the noise covariances of its free runs are fitted beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import nn

from raysp.config.ranges import Between, Count, Natural, NonNegative, Positive
from raysp.data.splits.movie import MovieSizes, MovieSplit
from raysp.data.splits.movie_batch import MovieBatch
from raysp.errors import expect
from raysp.layers.movie_trunk import MovieTrunk
from raysp.layers.spike_rule import Sampling
from raysp.layers.spike_sampler import clamped_run, free_run
from raysp.models import base
from raysp.models.movie_model import Run
from raysp.objectives.loss import Loss
from raysp.objectives.noise_covariances import RecordedCovariances
from raysp.objectives.sample_measure import Statistic, clamped_loss, hidden_loss, noise_loss, psth_loss, rate_loss
from raysp.objectives.trial_matching import matching_loss

MOST_LOGIT = 13.0
"""Rates that are given away stay inside (0, 1)."""

LEAST_TRIALS = 4
"""Free runs that the noise loss needs."""

KEPT = 8
"""Movies whose latents, while nothing changes them, and whose covariances are kept."""

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Config(base.Config):
    """The network, and what it is fitted to.

    Attributes:
        objective: "sample_and_measure", or "likelihood" alone.
        hidden: neurons that nobody recorded.
        frames: of the movie up to a bin, that one included.
        lags: bins of spikes before it.
        filters: of each convolution; none for a model that is linear in the pixels of the last frames.
        kernels: sides of the convolutions' kernels, pixels.
        pools: sides of the squares whose maximum is taken.
        strides: pixels from one such square to the next.
        frozen_trunk: convolutions stay as they were drawn; what comes out of them is then computed once.
        standardised: pixels less their mean, over their standard deviation, both of the training movies.
        threshold: input at which a neuron spikes with probability 1/2; a coupling counts in units of it.
        temperature: what (input - threshold) / threshold is multiplied by for the logit of a spike.
        damping: height of the triangle.
        surrogate: a spike's derivative: "sigmoid", that of the expected spike, or "triangle", which is 0 where spikes
            are rare.
        likelihood_weight: of the loss one bin ahead, beside the others; alone it has none.
        psth_weight: of the cross-entropy of means over trials.
        rate_weight: of the error of units' mean rates.
        noise_weight: of the error of noise covariances.
        noise_statistic: "consistent", or "published", see `objectives.sample_measure`.
        noise_scale: "relative" to the recorded covariances, or "absolute", where a weight's meaning depends on rates,
            bins and the number of units.
        matching_weight: of the difference of the population's activity in trials that are paired, see
            `objectives.trial_matching`; 0 leaves it out.
        matching_width: bins that are averaged for that.
        hidden_weight: of the distance of hidden neurons' rates to `hidden_rate`.
        hidden_rate: spikes a bin.
        simulated_trials: free runs a step; 0 for as many as there are recorded repeats in it, four at least.
        validation_trials: free runs that validate, at least.
        start: free runs that are trained on begin with "silence", or with the spikes "recorded" before them.
        paths: of hidden neurons, over which rates one bin ahead are averaged.
        inhibitory: places of the neurons whose spikes only take away from others, the recorded ones first; all others'
            only add then. None for no such constraint.
        ridge: penalty on the sum of squares of the weights of what the trunk gives, in training alone.
        l1: penalty on the mean absolute coupling of different neurons, likewise.
        initial_scale: of drawn weights' standard deviation; 1 as published.
    """

    objective: Literal["sample_and_measure", "likelihood"] = "sample_and_measure"
    hidden: Natural = 0
    frames: Count = 10
    lags: Count = 9
    filters: tuple[Count, ...] = (16, 32)
    kernels: tuple[Count, ...] = (7, 7)
    pools: tuple[Count, ...] = (3, 3)
    strides: tuple[Count, ...] = (2, 2)
    frozen_trunk: bool = False
    standardised: bool = True
    threshold: Positive = 0.4
    temperature: Positive = 1.0
    damping: Positive = 0.3
    surrogate: Literal["sigmoid", "triangle"] = "sigmoid"
    likelihood_weight: NonNegative = 0.4
    psth_weight: NonNegative = 0.2
    rate_weight: NonNegative = 0.1
    noise_weight: NonNegative = 0.1
    noise_statistic: Statistic = "consistent"
    noise_scale: Literal["relative", "absolute"] = "relative"
    matching_weight: NonNegative = 0.0
    matching_width: Count = 5
    hidden_weight: NonNegative = 0.001
    hidden_rate: Between = 0.17
    simulated_trials: Natural = 0
    validation_trials: Count = 100
    start: Literal["silence", "recorded"] = "silence"
    paths: Count = 10
    inhibitory: tuple[Natural, ...] | None = None
    ridge: NonNegative = 0.0
    l1: NonNegative = 0.0
    initial_scale: Positive = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        layers = {len(one) for one in (self.filters, self.kernels, self.pools, self.strides)}
        expect(
            len(layers) == 1,
            f"{self.where}, filters, kernels, pools and strides expected a number for each layer, got {self.filters}, "
            f"{self.kernels}, {self.pools} and {self.strides}",
        )
        expect(
            not 0 < self.simulated_trials < LEAST_TRIALS,
            f"{self.where}, simulated_trials expected {LEAST_TRIALS} or more, two for each half that noise is taken "
            f"from, or 0, got {self.simulated_trials}",
        )


class Model(nn.Module):
    """Neurons with P(spike) = sigmoid(temperature (input - threshold) / threshold), the recorded ones first.

    Attributes:
        trunk: convolutions.
        inputs: (latent, neurons) weights of what they give.
        recurrent: (post, pre, lags) what a spike adds to the input, lag 1 first, before signs are made to hold.
        bias: (neurons,).
        scale: (2,) pixels' mean and standard deviation; (0, 1) leaves them as they are.
        binary: a bin has a spike or none.
    """

    reads = MovieSplit
    binary = True
    scale: torch.Tensor
    sign: torch.Tensor

    def __init__(self, config: Config, sizes: MovieSizes) -> None:
        super().__init__()
        _check(config, sizes)
        self.config, self.sizes, self.units = config, sizes, sizes.units
        neurons = sizes.units + config.hidden
        layers = config.filters, config.kernels, config.pools, config.strides
        self.trunk = MovieTrunk(config.frames, sizes.height, sizes.width, *layers)
        self.trunk.requires_grad_(not config.frozen_trunk)
        self.inputs = _drawn((self.trunk.latent, neurons), self.trunk.latent, config)
        self.recurrent = _drawn((neurons, neurons, config.lags), neurons * config.lags, config)
        self.bias = nn.Parameter(torch.zeros(neurons))
        self.rule = Sampling(config.threshold, config.temperature, config.damping, config.surrogate)
        self.register_buffer("scale", torch.tensor([0.0, 1.0]))
        sign = torch.ones(neurons)
        sign[list(config.inhibitory or ())] = -1
        self.register_buffer("sign", sign, persistent=False)
        self._latents: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}
        self._covariances: dict[int, tuple[torch.Tensor, RecordedCovariances]] = {}

    def start(self, split: MovieSplit) -> None:
        """Take the scale of pixels from the training movies."""
        if self.config.standardised:
            pixels = torch.cat([torch.as_tensor(split.movies[one.movie]).flatten() for one in split.train])
            self.scale.copy_(torch.stack([pixels.mean(), pixels.std().clamp(min=1e-6)]))

    def loss(self, batch: MovieBatch) -> Loss:
        """Return the weighted sum of `parts`."""
        config, parts = self.config, self.parts(batch)
        alone = config.objective == "likelihood"
        weights = {
            "likelihood": 1.0 if alone else config.likelihood_weight,
            "psth": config.psth_weight,
            "rate": config.rate_weight,
            "noise": config.noise_weight,
            "matching": config.matching_weight,
            "hidden": config.hidden_weight,
            "l1": config.l1,
            "ridge": config.ridge,
        }
        total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
        return Loss(total, total[None], parts=parts)

    def parts(self, batch: MovieBatch) -> dict[str, torch.Tensor]:
        """Return the parts of a batch's loss by name, of the bins that are scored."""
        first, repeats, neurons = self.sizes.first, len(batch), len(self.bias)
        simulated = self.config.simulated_trials or max(repeats, LEAST_TRIALS)
        if not self.training:
            simulated = max(simulated, self.config.validation_trials)
        bins = len(batch.frames) - first

        def uniforms(trials: int, count: int) -> torch.Tensor:
            return torch.rand(trials, bins, count, generator=batch.generator, device=batch.frames.device)

        free = uniforms(simulated, neurons) if self.config.objective == "sample_and_measure" else None
        return self.measured(batch, free, uniforms(repeats, self.config.hidden))

    def measured(self, batch: MovieBatch, free: torch.Tensor | None, clamped: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the parts of a loss, given all that is drawn.

        Args:
            batch: recorded repeats.
            free: (trials, scored bins, neurons) uniform numbers of free runs; None for the likelihood alone.
            clamped: (repeats, scored bins, hidden) of hidden neurons beside recorded ones.
        """
        config, first, units = self.config, self.sizes.first, self.units
        drive, couplings = self._drive(batch.frames, first), self._signed()
        spikes, before = batch.spikes[:, first:].float(), self._before(batch.spikes)
        hidden, voltages = clamped_run(drive, couplings, spikes, clamped, before, self.rule)
        parts = {"likelihood": clamped_loss(config.temperature * voltages[..., :units], spikes)}
        if free is not None:
            begin = before if config.start == "recorded" else torch.zeros_like(before)
            order = torch.arange(len(free), device=before.device) % len(before)
            samples, voltages = free_run(drive, couplings, free, begin[order], self.rule)
            rates = (config.temperature * voltages[..., :units]).sigmoid()
            parts["psth"] = psth_loss(rates, spikes)
            if config.rate_weight:
                parts["rate"] = rate_loss(rates, spikes)
            relative = config.noise_scale == "relative"
            mine, known = samples[..., :units], self._recorded(batch)
            parts["noise"] = noise_loss(rates, mine, known, len(batch), config.noise_statistic, relative=relative)
            if config.matching_weight:
                parts["matching"] = matching_loss(mine, spikes, config.matching_width)
            hidden = samples[..., units:]
        if config.hidden:
            parts["hidden"] = hidden_loss(hidden, config.hidden_rate)
        if config.ridge and self.training:
            parts["ridge"] = self.inputs.square().sum()
        if config.l1 and self.training:
            parts["l1"] = couplings[~torch.eye(len(couplings), dtype=torch.bool)].abs().mean()
        return parts

    def clamped(self, frames: torch.Tensor, spikes: torch.Tensor, movie: int) -> torch.Tensor:
        """Return rates given the recorded spikes before each bin: of hidden neurons, the mean over several paths."""
        paths = self.config.paths if self.config.hidden else 1
        repeats, (bins, _, _) = len(spikes), frames.shape
        uniforms = torch.rand(paths, repeats, bins, self.config.hidden, device=frames.device)
        silence = self._silence(repeats, frames.device)
        given = self._drive(frames, 0), self._signed(), spikes.float()
        rates = [self._rates(clamped_run(*given, one, silence, self.rule)[1]) for one in uniforms]
        return torch.stack(rates).mean(dim=0)

    def free(self, frames: torch.Tensor, trials: int, movie: int, pushes: torch.Tensor | None = None) -> Run:
        """Run from silence before the movie's first frame.

        Args:
            frames: (frames, y, x) float32.
            trials: how many.
            movie: any.
            pushes: (frames, units) that are added to the logits of recorded units' spikes; None for none.
        """
        drive = self._drive(frames, 0)
        if pushes is not None:
            own = pushes * (self.rule.threshold / self.rule.temperature)
            drive = drive + torch.nn.functional.pad(own, (0, self.config.hidden))
        uniforms = torch.rand(trials, *drive.shape, device=frames.device)
        silence = self._silence(trials, frames.device)
        spikes, voltages = free_run(drive, self._signed(), uniforms, silence, self.rule)
        return spikes[..., : self.units], self._rates(voltages)

    @property
    def couplings(self) -> torch.Tensor:
        """(post, pre, lags) what a spike adds to the logit, the recorded neurons first, then the hidden ones."""
        return self._signed().detach() * (self.rule.temperature / self.rule.threshold)

    def _signed(self) -> torch.Tensor:
        if self.config.inhibitory is None:
            return self.recurrent
        own = torch.eye(len(self.bias), dtype=torch.bool, device=self.bias.device)[..., None]
        return torch.where(own, self.recurrent, self.sign[:, None] * self.recurrent.abs())

    def _rates(self, voltages: torch.Tensor) -> torch.Tensor:
        logits = self.rule.temperature * voltages[..., : self.units]
        return logits.clamp(-MOST_LOGIT, MOST_LOGIT).sigmoid()

    def _silence(self, trials: int, device: torch.device) -> torch.Tensor:
        return torch.zeros(trials, self.config.lags, len(self.bias), device=device)

    def _before(self, spikes: torch.Tensor) -> torch.Tensor:
        """Return (repeats, lags, neurons) what was recorded before the first scored bin; hidden neurons are silent."""
        first, lags = self.sizes.first, self.config.lags
        own = spikes[:, max(first - lags, 0) : first].float()
        return torch.nn.functional.pad(own, (0, self.config.hidden, lags - own.shape[1], 0))

    def _drive(self, frames: torch.Tensor, first: int) -> torch.Tensor:
        """Return (frames from `first` on, neurons): what the movie adds to each neuron's input."""
        back = self.config.frames - 1
        return self._latent(frames[max(first - back, 0) :], max(back - first, 0)) @ self.inputs + self.bias

    def _recorded(self, batch: MovieBatch) -> torch.Tensor:
        """Return noise covariances of recorded repeats, from products of all that they were taken from; see `_keep`."""
        every = batch.spikes if batch.among is None else batch.among
        if id(every) not in self._covariances:
            found = RecordedCovariances(every[:, self.sizes.first :], self.config.lags + 1)
            _keep(self._covariances, id(every), (every, found))
        rows = torch.arange(len(every), device=every.device) if batch.repeats is None else batch.repeats
        return self._covariances[id(every)][1].of(rows)

    def _latent(self, frames: torch.Tensor, missing: int) -> torch.Tensor:
        """Return (windows, latent), one that is kept while neither frames nor convolutions change.

        Args:
            frames: (frames, y, x).
            missing: how many more the first window has, of mean pixels.
        """
        weights = list(self.trunk.parameters())
        if torch.is_grad_enabled() and any(one.requires_grad for one in weights):
            return self._seen(frames, missing)
        state = [number for one in (frames, self.scale, *weights) for number in (one.data_ptr(), one._version)]
        key = (*frames.shape, missing, *state)
        if key not in self._latents:
            # The frames are kept too: their place in memory, which they are known by, is then nobody else's.
            _keep(self._latents, key, (frames, self._seen(frames, missing).detach()))
        return self._latents[key][1]

    def _seen(self, frames: torch.Tensor, missing: int) -> torch.Tensor:
        mean, spread = self.scale
        return self.trunk(torch.nn.functional.pad((frames - mean) / spread, (0, 0, 0, 0, missing, 0)))


def _keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keep what is computed of a movie, the latest few."""
    while len(kept) >= KEPT:
        del kept[next(iter(kept))]
    kept[key] = value


def _drawn(shape: tuple[int, ...], inputs: int, config: Config) -> nn.Parameter:
    """Return weights from a normal distribution, cut at two standard deviations, of variance 1 / inputs before that."""
    deviation = config.initial_scale / math.sqrt(inputs)
    return nn.Parameter(nn.init.trunc_normal_(torch.empty(shape), 0.0, deviation, -2 * deviation, 2 * deviation))


def _check(config: Config, sizes: MovieSizes) -> None:
    """Refuse sizes that settings do not go with. Raises BadInput."""
    where, shortest = config.where, min(sizes.lengths)
    expect(
        sizes.binary,
        f"{where} expected a spike or none in each bin, got counts; prepare the recording with counts: false",
    )
    expect(
        max(config.frames - 1, config.lags) < shortest,
        f"{where}, frames and lags expected fewer than the shortest movie's {shortest} frames, got {config.frames} "
        f"and {config.lags}",
    )
    expect(
        config.lags < shortest - sizes.first,
        f"{where}, lags expected fewer than the {shortest - sizes.first} frames of the shortest movie that are scored, "
        f"got {config.lags}",
    )
    expect(
        config.matching_width <= shortest - sizes.first,
        f"{where}, matching_width expected at most the {shortest - sizes.first} frames of the shortest movie that are "
        f"scored, got {config.matching_width}",
    )
    neurons = sizes.units + config.hidden
    wrong = [place for place in config.inhibitory or () if place >= neurons]
    expect(not wrong, f"{where}, inhibitory expected places of {neurons} neurons, from 0, got {wrong}")
