"""How like simulated trials are to recorded ones, each as a whole, whichever is like which (Sourmpis et al. 2023).

A mean over trials and covariances do not tell of trials that come in several sorts; pairs of trials do.
"""

from __future__ import annotations

import torch

LEAST_SPREAD = 1e-3
"""Spikes a bin, of recorded activity, in which differences are counted."""


def matching_loss(simulated: torch.Tensor, recorded: torch.Tensor, width: int = 5) -> torch.Tensor:
    """Return the mean squared difference of the population's activity in pairs of trials, paired so that it is least.

    Activity is the mean over units and over bins that lie together, less the mean of all recorded activity, in its
    standard deviations. No gradient goes through the pairing. Of more trials on one side, the first are taken.

    Args:
        simulated: (trials, bins, units) spikes or rates, with gradients.
        recorded: (repeats, bins, units) spikes.
        width: bins that are averaged.

    >>> spikes = torch.tensor([[[0.0], [1.0]], [[1.0], [1.0]]])
    >>> matching_loss(spikes.flip(0), spikes, 1).item()
    0.0
    """
    from scipy.optimize import linear_sum_assignment

    count = min(len(simulated), len(recorded))
    mine, theirs = (_activity(one[:count], width) for one in (simulated, recorded))
    mean, spread = theirs.mean(), theirs.std(correction=0).clamp(min=LEAST_SPREAD)
    mine, theirs = (mine - mean) / spread, (theirs - mean) / spread
    with torch.no_grad():
        cost = torch.cdist(mine.double(), theirs.double()).square()
        rows, columns = linear_sum_assignment(cost.cpu().numpy())
    return (mine[torch.as_tensor(rows)] - theirs[torch.as_tensor(columns)]).square().mean()


def _activity(spikes: torch.Tensor, width: int) -> torch.Tensor:
    """Return (trials, bins - width + 1) means over units and bins."""
    return torch.nn.functional.avg_pool1d(spikes.mean(dim=2)[:, None], width, stride=1)[:, 0]
