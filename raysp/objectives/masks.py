"""Which counts are hidden from a model while it trains, drawn anew for each trial from an explicit generator."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from raysp.errors import BadInput

Mode = Literal["timestep", "neuron", "full", "span", "block"]

LARGEST_RATIO = 0.9


def check(mode: str, ratio: float, span: int, where: str) -> None:
    """Check a mask's settings.

    Raises:
        BadInput: the ratio hides nothing or (nearly) everything, or a span is shorter than one bin.
    """
    if mode not in get_args(Mode):
        raise BadInput(f"{where}, mask expected one of {', '.join(get_args(Mode))}, got {mode!r}")
    if not 0 < ratio <= LARGEST_RATIO:
        what = "nothing" if ratio <= 0 else "too much to learn from what is left"
        raise BadInput(f"{where}, mask_ratio expected a share in (0, {LARGEST_RATIO}], got {ratio}: it hides {what}")
    if span < 1:
        raise BadInput(f"{where}, mask_span expected at least 1 bin, got {span}")


def draw(
    shape: tuple[int, int, int], mode: Mode, ratio: float, generator: torch.Generator, span: int = 1
) -> torch.Tensor:
    """Draw what is hidden: True where a model must not see the count.

    Each trial gets a mask of its own. Whatever the draw, each trial keeps at least one entry visible and has at least
    one hidden, where it has two entries (two bins, for modes over time; two units, for mode neuron).

    Args:
        shape: (trials, bins, units).
        mode: "timestep" hides whole bins; "neuron" whole units; "full" single entries; "span" runs of `span` bins of
            all units; "block" runs of `span` bins, for each unit other ones.
        ratio: expected share of hidden entries, in (0, 0.9]; for spans too, overlaps included.
        generator: where the draws come from; the mask lies on its device.
        span: length of runs, bins.

    Returns:
        (trials, bins, units) booleans.

    Raises:
        BadInput: see `check`.
    """
    check(mode, ratio, span, "mask")
    trials, bins, units = shape
    if mode in ("neuron", "timestep", "span"):
        rows = (trials, units if mode == "neuron" else bins)
        drawn = _runs(rows, ratio, span, generator) if mode == "span" else _draws(rows, ratio, generator)
        return _mixed(drawn, generator).unsqueeze(1 if mode == "neuron" else 2).expand(shape)
    if mode == "block":
        hidden = _runs((trials * units, bins), ratio, span, generator)
        hidden = hidden.reshape(trials, units, bins).transpose(1, 2)
    else:
        hidden = _draws(shape, ratio, generator)
    return _mixed(hidden.reshape(trials, -1), generator).reshape(shape)


def _draws(shape: tuple[int, ...], ratio: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator, device=generator.device) < ratio


def _runs(shape: tuple[int, int], ratio: float, span: int, generator: torch.Generator) -> torch.Tensor:
    """Hide runs that start anywhere, also before the first bin, so that every bin is hidden as often as any other."""
    rows, bins = shape
    # A bin stays visible when none of the `span` starts that would cover it was drawn.
    starts = _draws((rows, bins + span - 1), 1.0 - (1.0 - ratio) ** (1.0 / span), generator)
    return torch.nn.functional.max_pool1d(starts[:, None].float(), span, 1)[:, 0] > 0


def _mixed(hidden: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Flip one entry, drawn by the generator, of rows that hide all or nothing."""
    rows, entries = hidden.shape
    if entries < 2:
        return hidden
    place = torch.randint(entries, (rows,), generator=generator, device=hidden.device)
    count = hidden.sum(dim=1)
    uniform = (count == 0) | (count == entries)
    flip = torch.nn.functional.one_hot(place, entries).bool() & uniform[:, None]
    return hidden ^ flip
