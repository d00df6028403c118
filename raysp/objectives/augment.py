"""Changes to training trials that keep what there is to learn: time reversed, shifted windows, neurons lost."""

from __future__ import annotations

import torch


def flipped(trials: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Reverse time in a share of the trials; (trials, bins, neurons) in and out."""
    chosen = torch.rand(len(trials), 1, 1, generator=generator, device=trials.device) < share
    return torch.where(chosen, trials.flip(1), trials)


def jittered(trials: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Shift each trial by up to `most` bins either way; bins that come from outside are NaN, unknown.

    Args:
        trials: (trials, bins, neurons).
        most: bins.
        generator: of the shifts.
    """
    count, bins, _ = trials.shape
    shift = torch.randint(-most, most + 1, (count, 1), generator=generator, device=trials.device)
    source = torch.arange(bins, device=trials.device)[None] + shift
    outside = (source < 0) | (source >= bins)
    found = trials.gather(1, source.clamp(0, bins - 1)[..., None].expand(-1, -1, trials.shape[2]))
    return found.masked_fill(outside[..., None], torch.nan)


def lost(trials: int, neurons: int, share: float, generator: torch.Generator) -> torch.Tensor:
    """Draw neurons that a trial does without: (trials, 1, neurons) booleans, True where lost; never all of them."""
    draws = torch.rand(trials, 1, neurons, generator=generator, device=generator.device)
    return (draws < share) & (draws > draws.min(dim=2, keepdim=True).values)
