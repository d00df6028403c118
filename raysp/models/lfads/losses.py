"""What training minimises, and what validation compares by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from raysp.data.splits.batch import Batch
from raysp.errors import present
from raysp.layers import lane_masks
from raysp.models.lfads.decoder import Dropping
from raysp.models.lfads.network import Network
from raysp.models.lfads.samples import sample_means, sample_noise
from raysp.objectives.augment import Repeats
from raysp.objectives.loss import Loss
from raysp.objectives.poisson import negative_log_likelihood
from raysp.objectives.withheld import withheld

if TYPE_CHECKING:
    from raysp.models.lfads.model import Config

LOOK, HIDDEN, LOOKS = 1_000_003, 0.2, 2
"""Seed and share of what is hidden in evaluation, and samples that it is predicted by."""

WITHHELD = 1
"""Seed of sample validation."""

LEAST_RATE = 1e-9


def trained(
    network: Network,
    batch: Batch,
    config: Config,
    own: Mapping[str, torch.Tensor],
    ramped: torch.Tensor,
    repeats: Repeats | None = None,
) -> Loss:
    """Return the loss that is minimised: of one sample of the posterior of each trial.

    Sums over a trial, (counts' nats + ramped * (beta * divergence + penalties)), are divided by the number of known
    counts: the only place where scales change.

    Args:
        network: in training.
        batch: with the generator of all draws.
        config: the model's.
        own: (lanes,) of each setting that lanes have of their own.
        ramped: (lanes,) share of their weight that divergences and penalties have.
        repeats: the training trials by condition, where training uses that they repeat conditions.
    """
    generator = batch.generator or torch.Generator(batch.heldin.device).manual_seed(LOOK)
    x, targets, _ = without_withheld(batch, config.sample_validation)
    others = None
    if repeats is not None:
        x, targets, others = _repeated(repeats, batch, config, generator)
    hiding, dropping = own["coordinated_dropout"], Dropping(generator, own["dropout"])
    draws = lane_masks.drawn(tuple(x.shape), generator)
    encoded = network.encode(x * lane_masks.kept_scale(draws, hiding) * dropping.scale(*x.shape), dropping)
    initial, found = network.decode(encoded, network.noise(len(x), generator), dropping)
    log_rates = network.readout(found.factors)[:, :, : targets.shape[1], : targets.shape[2]]
    # Without hiding nothing is hidden, and all is learned from.
    shown = lane_masks.kept(draws, hiding) & (hiding > 0)[:, None, None, None]
    if others is not None:
        # What other repeats counted is independent of what is shown: nothing is gained by copying.
        shown = functional.pad(shown, _beyond(shown, targets)) & others.isnan()
        targets = torch.where(others.isnan(), targets, others)
    log_rates = stopped(log_rates, shown)
    known = ~torch.isnan(targets)
    nats = (_losses(log_rates, targets) * known).sum(dim=(1, 2, 3))
    of_initial, of_inputs = network.divergences(encoded, initial, found)
    of_generator, of_controller = network.penalties()
    held = own["beta_initial"] * of_initial + own["beta_inputs"] * of_inputs
    held = held + len(x) * (own["l2_generator"] * of_generator + own["l2_controller"] * of_controller)
    each = (nats + ramped * held) / known.sum().clamp(min=1)
    return Loss(each.sum(), each, known.sum())


def _repeated(
    repeats: Repeats, batch: Batch, config: Config, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return counts to show and counts to ask for, mixed from repeats, and what other repeats counted, if asked for."""
    whole = repeats.mixed(batch, config.mix_repeats, generator) if config.mix_repeats else batch.whole()
    others = repeats.others(whole, present(batch.condition)) if config.repeat_targets else None
    bins, units = batch.heldin.shape[1:]
    return torch.nan_to_num(whole[:, :bins, :units]), whole, others


def looked(network: Network, batch: Batch, config: Config) -> Loss:
    """Return the mean loss of what is hidden from the encoders, of each lane, from the mean of a few samples.

    Its parts are nats of a trial, and of withheld counts where there are any, each (lanes,).
    """
    x, targets, aside = without_withheld(batch, config.sample_validation)
    generator = torch.Generator(x.device).manual_seed(LOOK)
    share = torch.full((1,), HIDDEN, device=x.device)
    draws = lane_masks.drawn(tuple(x.shape), generator)
    count = network.readout.bias.shape[0]
    encoded = network.encode((x * lane_masks.kept_scale(draws, share)).expand(count, *x.shape))
    rates, _ = sample_means(network, encoded, LOOKS)
    log_rates = rates[:, :, : targets.shape[1], : targets.shape[2]].clamp(min=LEAST_RATE).log()
    shown = lane_masks.kept(draws, share)[0]
    hidden = ~functional.pad(shown, _beyond(shown, targets)) & ~torch.isnan(targets)
    nats = _losses(log_rates, targets if aside is None else batch.whole())
    known = hidden.sum()
    each = (nats * hidden).sum(dim=(1, 2, 3)) / known.clamp(min=1)
    initial, found = network.decode(encoded, sample_noise(network, 0, x.device))
    divergences = network.divergences(encoded, initial, found)
    parts = {name: one / len(x) for name, one in zip(("initial-condition KL", "input KL"), divergences, strict=True)}
    if aside is not None:
        bins, units = aside.shape[1:]
        parts["withheld"] = (nats[:, :, :bins, :units] * aside).sum(dim=(1, 2, 3)) / aside.sum().clamp(min=1)
    return Loss(each.sum(), each, known, parts)


def without_withheld(batch: Batch, share: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Return counts to show and counts to ask for, those of sample validation in neither, and which these are.

    Returns:
        (trials, bins, heldin) without NaN, the rest scaled up for what is withheld; (trials, bins [+ forward], units)
        with NaN; (trials, bins, heldin) booleans of known counts that are withheld, None without any.
    """
    x, targets = torch.nan_to_num(batch.heldin), batch.whole()
    if not share:
        return x, targets, None
    numbers = batch.number if batch.number is not None else torch.arange(len(x), device=x.device)
    aside = withheld(numbers, (x.shape[1], x.shape[2]), share, WITHHELD)
    kept = targets.clone()
    kept[:, : x.shape[1], : x.shape[2]].masked_fill_(aside, torch.nan)
    return x.masked_fill(aside, 0.0) / (1.0 - share), kept, aside & ~torch.isnan(batch.heldin)


def stopped(log_rates: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """Return the same values, without a gradient where the count was shown.

    Args:
        log_rates: (lanes, trials, bins [+ forward], units), observed bins and held-in units first.
        shown: (lanes, trials, bins, heldin).
    """
    return torch.where(functional.pad(shown, _beyond(shown, log_rates)), log_rates.detach(), log_rates)


def _beyond(shown: torch.Tensor, whole: torch.Tensor) -> tuple[int, int, int, int]:
    """Return by how much units and bins of the whole go beyond those that may be shown, as `pad` takes it."""
    return (0, whole.shape[-1] - shown.shape[-1], 0, whole.shape[-2] - shown.shape[-2])


def _losses(log_rates: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    return negative_log_likelihood(log_rates, torch.nan_to_num(counts).expand_as(log_rates))
