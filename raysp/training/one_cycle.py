"""The one-cycle schedule (Smith & Topin 2018) in three phases, step by step: learning rate and momentum."""

from __future__ import annotations

import math

START, END = 25.0, 1e4
"""The peak is so many times the first rate; the first rate so many times the last."""

RISE = 0.3
LOW, HIGH = 0.85, 0.95


def one_cycle(step: int, steps: int, peak: float) -> tuple[float, float]:
    """Return the learning rate and the momentum (Adam's first beta) of an optimiser step.

    The rate rises from peak / 25 to the peak over 30 % of the steps, falls back over as many, then falls to a
    250,000th of the peak; momentum goes from 0.95 to 0.85 and back, and stays. All along half cosines.

    Args:
        step: from 0.
        steps: of the whole training.
        peak: largest learning rate.
    """
    first = peak / START
    top, down, end = RISE * steps - 1, 2 * RISE * steps - 2, steps - 1
    if step <= top and top > 0:
        share = step / top
        return _between(first, peak, share), _between(HIGH, LOW, share)
    if step <= down and down > top:
        share = (step - top) / (down - top)
        return _between(peak, first, share), _between(LOW, HIGH, share)
    share = min((step - down) / (end - down), 1.0) if end > down else 1.0
    return _between(first, first / END, share), HIGH


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share))
