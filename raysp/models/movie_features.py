"""What a linear model of movies reads: the last frames, and the spikes before a bin."""

from __future__ import annotations

import torch


def last_frames(frames: torch.Tensor, count: int) -> torch.Tensor:
    """Return (frames, count * y * x): each frame with those before it, the oldest first, zeros before the movie.

    >>> last_frames(torch.tensor([[[1.0]], [[2.0]]]), 2).tolist()
    [[0.0, 1.0], [1.0, 2.0]]
    """
    flat = frames.flatten(1)
    padded = torch.cat([flat.new_zeros(count - 1, flat.shape[1]), flat])
    return padded.unfold(0, count, 1).swapaxes(1, 2).flatten(1)


def past_spikes(spikes: torch.Tensor, lags: int) -> torch.Tensor:
    """Return (repeats, frames, lags * units) spikes one bin before, two, and so on; zeros before the movie.

    >>> past_spikes(torch.tensor([[[1.0], [0.0], [0.0]]]), 2).tolist()
    [[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]]
    """
    repeats, frames, units = spikes.shape
    padded = torch.cat([spikes.new_zeros(repeats, lags, units), spikes], dim=1)
    return torch.cat([padded[:, lags - lag : lags - lag + frames] for lag in range(1, lags + 1)], dim=2)
