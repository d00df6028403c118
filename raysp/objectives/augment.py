"""Changes to training trials that keep what there is to learn: time reversed, shifted, units lost, repeats mixed."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from raysp.data.splits.batch import Batch
from raysp.errors import BadInput, present


def flipped(trials: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Reverse time in a share of the trials; (trials, bins, units) in and out."""
    chosen = torch.rand(len(trials), 1, 1, generator=generator, device=trials.device) < share
    return torch.where(chosen, trials.flip(1), trials)


def jittered(trials: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Shift each trial by up to `most` bins either way; bins that come from outside are NaN, unknown.

    Args:
        trials: (trials, bins, units).
        most: bins.
        generator: of the shifts.
    """
    count, bins, _ = trials.shape
    shift = torch.randint(-most, most + 1, (count, 1), generator=generator, device=trials.device)
    source = torch.arange(bins, device=trials.device)[None] + shift
    outside = (source < 0) | (source >= bins)
    found = trials.gather(1, source.clamp(0, bins - 1)[..., None].expand(-1, -1, trials.shape[2]))
    return found.masked_fill(outside[..., None], torch.nan)


def lost(trials: int, units: int, share: float, generator: torch.Generator) -> torch.Tensor:
    """Draw units that a trial does without: (trials, 1, units) booleans, True where lost; never all of them."""
    draws = torch.rand(trials, 1, units, generator=generator, device=generator.device)
    return (draws < share) & (draws > draws.min(dim=2, keepdim=True).values)


@dataclass(frozen=True)
class Repeats:
    """The training trials by condition, to mix repeats of, or to ask for what other repeats have in common.

    Attributes:
        counts: (trials, bins [+ forward], units) counts, NaN where unknown.
        members: (conditions, most repeats) indices of trials; rows of fewer repeats go on with any.
        sizes: (conditions,) how many repeats there are.
        totals: (conditions, bins [+ forward], units) the repeats' counts, summed; unknown ones left out.
        known: the same shape, how many repeats are known.
    """

    counts: torch.Tensor
    members: torch.Tensor
    sizes: torch.Tensor
    totals: torch.Tensor
    known: torch.Tensor

    @staticmethod
    def of(trials: Batch, where: str) -> Repeats:
        """Sort training trials by condition. Raises BadInput unless some condition has two trials."""
        condition = trials.condition
        known = torch.zeros(0, dtype=torch.int64) if condition is None else condition[condition >= 0]
        if condition is None or not len(known) or (sizes := torch.bincount(known)).max() < 2:
            raise BadInput(
                f"{where}, mix_repeats and repeat_targets expected training trials that repeat conditions, got none "
                "that do"
            )
        counts = trials.whole()
        members = torch.zeros(len(sizes), int(sizes.max()), dtype=torch.int64, device=condition.device)
        totals = torch.zeros(len(sizes), *counts.shape[1:], device=condition.device)
        seen = torch.zeros_like(totals)
        for index in known.unique().tolist():
            rows = torch.nonzero(condition == index)[:, 0]
            members[index, : len(rows)] = rows
            totals[index], seen[index] = counts[rows].nansum(dim=0), (~counts[rows].isnan()).sum(dim=0)
        return Repeats(counts, members, sizes, totals, seen)

    def mixed(self, batch: Batch, share: float, generator: torch.Generator) -> torch.Tensor:
        """Return (trials, bins [+ forward], units) counts with a share of each trial's units from other repeats.

        Where repeats of a condition share their true rates, and units are independent given these, a mixture is as
        good a trial as any, with other noise.
        """
        whole, condition = batch.whole(), present(batch.condition)
        shape, device = (len(whole), whole.shape[2]), whole.device
        draws = torch.rand(2, *shape, generator=generator, device=device)
        of = condition.clamp(min=0)[:, None]
        column = (draws[0] * self.sizes[of]).long().clamp(max=self.members.shape[1] - 1)
        source = self.members[of, column]
        units = torch.arange(shape[1], device=device)
        # (trials, units, bins): each unit's bins come from a trial of their own.
        other = self.counts[source, :, units].transpose(1, 2)
        swapped = (draws[1] < share) & (condition >= 0)[:, None]
        return torch.where(swapped[:, None, :], other, whole)

    def others(self, shown: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Return the mean count of a condition's other repeats, entry by entry; NaN where there is no other.

        Its noise is independent of what is shown, so that a network that sees everything can still not gain by copying
        (as images are denoised from pairs of noisy ones: Lehtinen et al. 2018).

        Args:
            shown: (trials, bins [+ forward], units) counts, each from some repeat of the trial's condition.
            condition: (trials,) conditions; below 0 where there is none.
        """
        of = condition.clamp(min=0)
        left = self.known[of] - (~shown.isnan()).float()
        mean = (self.totals[of] - torch.nan_to_num(shown)) / left
        return mean.masked_fill((left < 1) | (condition < 0)[:, None, None], torch.nan)
