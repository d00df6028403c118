"""What is hidden from a model while it trains, so that copying its input gains nothing."""

from __future__ import annotations

import torch


def coordinated_dropout(
    heldin: torch.Tensor, targets: torch.Tensor, share: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide a share of the input counts, and take the shown ones out of the targets.

    Keshtkaran & Pandarinath 2019: input x m / (1 - share), loss at 1 - m, with m drawn anew for each entry.

    Args:
        heldin: (trials, bins, heldin) counts, no NaN.
        targets: (trials, bins [+ forward], heldin [+ heldout]) counts, held-in units and observed bins first.
        share: of entries to hide, in (0, 1).
        generator: where the draws come from, on the counts' device.

    Returns:
        The input with zeros in place of hidden counts, and the targets with NaN in place of shown ones.
    """
    shown = torch.rand(heldin.shape, generator=generator, device=heldin.device) >= share
    targets = targets.clone()
    bins, units = heldin.shape[1:]
    targets[:, :bins, :units].masked_fill_(shown, torch.nan)
    return heldin * shown / (1.0 - share), targets
