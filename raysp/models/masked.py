"""What masked models share: what is hidden, what stands in its place, and what is asked for. The network is theirs."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import nn

from raysp.config.ranges import Chance, Natural, Share
from raysp.data.splits.batch import Batch, complete, to_device
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput, present
from raysp.layers.convolution import Depthwise, Full
from raysp.models.base import Config
from raysp.models.means import LEAST_MEAN, mean_counts
from raysp.models.prediction import Prediction
from raysp.objectives import augment, masks
from raysp.objectives.deviance import LossName, chosen_loss, hidden_loss
from raysp.objectives.fills import Fill, fill
from raysp.objectives.links import Link, LinkName
from raysp.objectives.loss import Loss
from raysp.objectives.masks import Mode

LOOKS = 4
"""Masks that validation trials are seen under; always the same ones, so that losses of epochs can be compared."""

RUNS: dict[str, Mode] = {"timestep": "span", "full": "block"}
"""Which runs stand for which single hidings."""


@dataclass(frozen=True)
class MaskedConfig(Config):
    """Masking, likelihood and augmentation.

    Attributes:
        mask: what is hidden in training: "full" (single entries), "timestep" (whole bins), "neuron" (whole units),
            "span" (runs of bins), "block" (runs of bins, other ones for each unit).
        mask_ratio: share of held-in counts that is hidden, at most 0.9.
        mask_span: length of runs, bins; for "span" and "block", and for other modes over time while a ramp is on.
        ramp_start, ramp_end: epochs between which runs come in: from the first on, batches of modes "timestep" and
            "full" hide runs of 1 to `mask_span` bins instead, more and more of them, all from the second on (Ye &
            Pandarinath 2021). 0 and 0 for no ramp.
        fill: what stands in the place of hidden counts: "zero", "mean", "nearest", "linear", "random", "token".
        rescale: divide the visible counts by their share, so that sums over inputs are as large in training as when
            all is visible; else every masked model predicts too many spikes. Of fill "zero" alone: others keep sums.
        mask_input: show the network which entries are hidden, at its first and last layer.
        loss: "poisson" (deviance) or "mse".
        link: from the network's output to rates: "exp", "softplus", "scaled_softplus", or "identity" (for mse alone).
        predict_masks: predict under so many masks and take the mean; 0 predicts once, with everything visible.
        time_flip: share of training trials whose time is reversed.
        time_jitter: training trials are shifted by up to so many bins.
        lost_units: share of held-in units that a training trial does without; nothing more is asked for than
            without it.
        mix_repeats: share of units whose counts a training trial takes from another training trial of its condition,
            each from its own. Only where repeats share their rates, as in generated data: it breaks what units have
            in common from trial to trial.
        repeat_targets: ask for the mean count of the other training trials of a condition, visible entries or hidden,
            where there are any; elsewhere for the trial's own hidden counts. Under the same premise.
    """

    mask: Mode = "full"
    mask_ratio: float = 0.25
    mask_span: int = 1
    ramp_start: Natural = 0
    ramp_end: Natural = 0
    fill: Fill = "zero"
    rescale: bool = True
    mask_input: bool = False
    loss: LossName = "poisson"
    link: LinkName = "exp"
    predict_masks: Natural = 0
    time_flip: Chance = 0.0
    time_jitter: Natural = 0
    lost_units: Share = 0.0
    mix_repeats: Chance = 0.0
    repeat_targets: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        masks.check(self.mask, self.mask_ratio, self.mask_span, self.where)
        if (self.link == "identity") != (self.loss == "mse") and self.link == "identity":
            raise BadInput(f"{self.where}, link identity may give negative rates: expected loss mse, got {self.loss}")
        if self.ramp_end < self.ramp_start:
            raise BadInput(
                f"{self.where}, ramp_end expected at least ramp_start {self.ramp_start}, got {self.ramp_end}"
            )


class MaskedModel(nn.Module):
    """A model that learns to tell hidden counts from visible ones.

    A subclass has `network(inputs, hidden)`, and `output`, the linear layer that it ends with. Where masks are shown
    to it, both layers at its ends take `marks` more inputs, which `marked` appends.

    Held-out units and forward bins are hidden always, and asked for in training. Held-in entries are asked for only
    where they are hidden, so that copying the input gains nothing. Predictions see every held-in count.
    """

    reads = PopulationSplit
    means: torch.Tensor
    output: nn.Linear

    def __init__(self, config: MaskedConfig, sizes: Sizes) -> None:
        super().__init__()
        self.config, self.sizes = config, sizes
        self.link, self.marks = Link(config.link, sizes.units), sizes.heldin if config.mask_input else 0
        self._epoch = 1
        self._repeats: augment.Repeats | None = None
        self.register_buffer("means", torch.zeros(sizes.heldin))
        if config.fill == "token":
            self.token = nn.Parameter(torch.zeros(sizes.heldin))

    def network(self, inputs: torch.Tensor, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the output before the link, (trials, bins + forward, units), and latents or None.

        Args:
            inputs: (trials, bins + forward, heldin) counts, hidden ones filled.
            hidden: the same shape, True where they are.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method network(inputs, hidden)")

    def inside(self, seed: int) -> dict[str, torch.Tensor]:
        """Return what a figure may show of it: a mask as training draws one, and its first layers' weights.

        Args:
            seed: of the mask.

        Returns:
            "mask": (bins, heldin), 1 where counts are hidden; "embedding": (channels, inputs); "first convolution":
            (channels, taps) of each channel by itself, else (channels, channels in, taps).
        """
        shape, config = (1, self.sizes.bins, self.sizes.heldin), self.config
        generator = torch.Generator().manual_seed(seed)
        found = {"mask": masks.draw(shape, config.mask, config.mask_ratio, generator, config.mask_span)[0].float()}
        if (embedding := getattr(self, "embedding", None)) is not None:
            found["embedding"] = embedding.weight
        first = next((one for one in self.modules() if isinstance(one, Depthwise | Full)), None)
        if first is not None:
            found["first convolution"] = first.row.weight[:, :, 0] if isinstance(first, Full) else first.weight.T
        return {name: one.detach().float().cpu() for name, one in found.items()}

    def marked(self, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Return (trials, bins, channels [+ marks]): with which entries are hidden, where that is shown."""
        # Alone too it is laid out anew: sums over other strides may differ in their last bits.
        return torch.cat([x, hidden.to(self.means.dtype)] if self.marks else [x], dim=2)

    def begin_epoch(self, epoch: int) -> None:
        """Take note of the epoch, from 1, that training begins; masks may depend on it."""
        self._epoch = epoch

    def start(self, trials: TrialArrays) -> None:
        """Take the mean counts of the training trials: what rates start from, and what some fills need."""
        observed, _ = mean_counts(trials, self.sizes)
        means = torch.as_tensor(observed, dtype=torch.float32).to(self.means.device)
        if self.config.mix_repeats or self.config.repeat_targets:
            self._repeats = augment.Repeats.of(to_device(trials, self.means.device), "masked model")
        with torch.no_grad():
            self.means.copy_(means[: self.sizes.heldin])
            if self.config.fill == "token":
                self.token.copy_(self.means)
            self.output.bias.copy_(self.link.output_for(means.clamp(min=LEAST_MEAN)))

    def loss(self, batch: Batch) -> Loss:
        """Return the loss over what is hidden: drawn anew in training, under fixed masks in evaluation."""
        if batch.generator is not None:
            shown, asked = self._augmented(batch, batch.generator)
            return self._hidden_loss(shown, batch.generator, training=True, asked=asked)
        targets = batch.whole()
        found = [self._hidden_loss(targets, self._look(look), training=False) for look in range(LOOKS)]
        known = [present(one.known) for one in found]
        total = functools.reduce(torch.add, [one.total * count for one, count in zip(found, known, strict=True)])
        return Loss.mean(total, functools.reduce(torch.add, known))

    def predict(self, batch: Batch) -> Prediction[torch.Tensor]:
        """Return rates of all units over observed and forward bins, and the network's latents."""
        counts = self._with_forward(batch.heldin)
        if not self.config.predict_masks:
            output, latents = self._seen(counts, torch.isnan(counts), None)
            return Prediction.of(self.link.rates(output), self.sizes, latents)
        total, latents = torch.zeros((), device=counts.device), None
        for look in range(self.config.predict_masks):
            # One pattern for all trials: what a trial is predicted as must not depend on its place in the batch.
            one = (1, *counts.shape[1:])
            hidden = self._drawn(one, self._look(look), self.config.mask, self.config.mask_span).expand(counts.shape)
            output, latents = self._seen(counts, hidden | torch.isnan(counts), None)
            total = total + self.link.rates(output)
        return Prediction.of(total / self.config.predict_masks, self.sizes, latents)

    def _hidden_loss(
        self, targets: torch.Tensor, generator: torch.Generator, *, training: bool, asked: torch.Tensor | None = None
    ) -> Loss:
        """Return the loss under one mask.

        Args:
            targets: (trials, bins [+ forward], heldin [+ heldout]) counts that are shown where visible and asked for
                where hidden; NaN where unknown.
            generator: of the mask.
            training: augment, and ramp.
            asked: the same shape, what is asked for instead, visible or hidden; NaN where `targets` still are.
        """
        counts = self._with_forward(targets[:, : self.sizes.bins, : self.sizes.heldin])
        mode, span = self._ramped(generator) if training else (self.config.mask, self.config.mask_span)
        chosen = self._drawn(counts.shape, generator, mode, span)
        hidden = chosen if (whole := complete(counts)) else chosen | torch.isnan(counts)
        if training and self.config.lost_units:
            hidden = hidden | augment.lost(len(counts), self.sizes.heldin, self.config.lost_units, generator)
        output, _ = self._seen(counts, hidden, generator if training else None)
        bins, units = targets.shape[1:]
        output, how = output[:, :bins, :units], (self._link_of(units), self.config.loss)
        if whole and asked is None and targets.shape == counts.shape:
            return chosen_loss(output, counts, chosen, *how)
        kept = targets.clone()
        kept[:, : self.sizes.bins, : self.sizes.heldin].masked_fill_(~chosen[:, : self.sizes.bins], torch.nan)
        if asked is not None:
            kept = torch.where(asked.isnan(), kept, asked)
        return hidden_loss(output, kept, *how)

    def _link_of(self, units: int) -> Link:
        if units == self.sizes.units or self.config.link != "scaled_softplus":
            return self.link
        part = Link("softplus", units)
        part.name, part.log_scale = "scaled_softplus", self.link.log_scale[:units]
        return part

    def _seen(
        self, counts: torch.Tensor, hidden: torch.Tensor, generator: torch.Generator | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        token = self.token if self.config.fill == "token" else None
        inputs = fill(counts, hidden, self.config.fill, self.means, generator, token)
        if self.config.rescale and self.config.fill == "zero":
            shown = (~hidden[:, : self.sizes.bins]).float().mean(dim=(1, 2), keepdim=True)
            inputs = torch.where(hidden, inputs, inputs / shown.clamp(min=1.0 - masks.LARGEST_RATIO))
        return self.network(inputs, hidden)

    def _ramped(self, generator: torch.Generator) -> tuple[Mode, int]:
        """Return the mask's mode and run length for one training batch."""
        config = self.config
        if not config.ramp_end or config.mask not in RUNS:
            return config.mask, config.mask_span
        done = (self._epoch - config.ramp_start) / max(config.ramp_end - config.ramp_start, 1)
        draws = torch.rand(2, generator=generator, device=generator.device).tolist()
        return RUNS[config.mask], 1 + int(draws[1] * config.mask_span) if draws[0] < done else 1

    def _drawn(self, shape: tuple[int, ...], generator: torch.Generator, mode: Mode, span: int) -> torch.Tensor:
        """Draw a mask of the observed bins; forward bins are hidden always."""
        trials, bins, units = shape
        drawn = masks.draw((trials, self.sizes.bins, units), mode, self.config.mask_ratio, generator, span)
        if bins == self.sizes.bins:
            return drawn
        return nn.functional.pad(drawn, (0, 0, 0, bins - self.sizes.bins), value=True)

    def _with_forward(self, heldin: torch.Tensor) -> torch.Tensor:
        """Append forward bins, unknown, to (trials, bins, heldin)."""
        if not self.sizes.forward:
            return heldin
        return nn.functional.pad(heldin, (0, 0, 0, self.sizes.forward), value=torch.nan)

    def _augmented(self, batch: Batch, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return counts to show, and what to ask for instead of those that are hidden, or None."""
        repeats, config = self._repeats, self.config
        shown = batch.whole()
        if repeats is not None and config.mix_repeats:
            shown = repeats.mixed(batch, config.mix_repeats, generator)
        both = [shown]
        if repeats is not None and config.repeat_targets:
            both.append(repeats.others(shown, present(batch.condition)))
        # One draw for both: what is asked for has to be shifted with what is shown.
        together = torch.cat(both, dim=2)
        if config.time_flip:
            together = augment.flipped(together, config.time_flip, generator)
        if config.time_jitter:
            together = augment.jittered(together, config.time_jitter, generator)
        shown, *asked = together.split(shown.shape[2], dim=2)
        return shown, asked[0] if asked else None

    def _look(self, look: int) -> torch.Generator:
        return torch.Generator(self.means.device).manual_seed(1_000_003 + look)
