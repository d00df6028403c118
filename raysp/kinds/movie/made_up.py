"""A small movie with repeats: units that follow its pixels, and that share what each repeat has of its own."""

from __future__ import annotations

import numpy as np

from raysp.data.sources import movie_cut
from raysp.data.sources.movie_cut import Built, Cut, Recorded
from raysp.data.splits.header import Provenance


def made_up(
    *, units: int = 4, frames: int = 60, repeats: int = 16, height: int = 2, width: int = 3, new: int = 0,
    counts: bool = False, first: int = 4, seed: int = 0, name: str = "made_up",
) -> Built:  # fmt: skip
    """Return a split and its answers.

    Args:
        units: recorded ones.
        frames: of the movie.
        repeats: of it.
        height: of a frame.
        width: of a frame.
        new: other movies, shown once.
        counts: bins may have more than one spike.
        first: the first bin that is scored.
        seed: of all that is drawn.
        name: of the split.
    """
    rng = np.random.default_rng(seed)
    fields = rng.normal(0, 0.6, (height * width, units))
    shared = rng.uniform(0.3, 1.2, units)

    def recorded(times: int) -> Recorded:
        movie = rng.normal(size=(frames, height, width)).astype(np.float32)
        own = rng.normal(size=(times, frames, 1)) * shared
        rates = 1 / (1 + np.exp(1.5 - movie.reshape(frames, -1) @ fields - own))
        return Recorded(movie, rng.poisson(rates) if counts else rng.random(rates.shape) < rates)

    config = Cut(counts=counts, first=first)
    others = [recorded(1) for _ in range(new)]
    return movie_cut.assemble(recorded(repeats), others, 20.0, config, name, Provenance(standin=True))
