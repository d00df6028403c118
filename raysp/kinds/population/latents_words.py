"""What latents are worth, in a table of text and as means: of models, over their seeds and draws."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from raysp.io.terminal import Terminal, table, terminal
from raysp.io.words import number
from raysp.kinds.population.latents_table import CROSS, FEW_SHOT

if TYPE_CHECKING:
    import polars

FLOOR = "mean of the same trials"
"""What stands for a model where none is: mean counts of the trials of a draw."""

Places = dict[tuple[str, str | None], "polars.DataFrame"]


def summary(found: polars.DataFrame, shown: Terminal | None = None) -> Iterator[str]:
    """Yield a table for each split: models by the fewest and the most shots, and how they are read from others."""
    shown = shown or terminal()
    for (split, units), own in found.group_by("split", "units", maintain_order=True):
        few, read = few_shot(own), decoded(own)
        shots = sorted({k for each in few.values() for k in each})
        ends = list(dict.fromkeys([*shots[:1], *shots[-1:]]))
        models = [*([FLOOR] if FLOOR in few else []), *(name for name in read or few if name != FLOOR)]
        heads = [f"few-shot co-bps, {k} trials" for k in ends]
        heads += ["R² from other models", "R² from other seeds"] if read else []
        rows = [
            (
                model,
                [
                    ("-" if one is None else number(one), False)
                    for one in (
                        *(few.get(model, {}).get(k) for k in ends),
                        *(read.get(model, (None,) * 2) if read else ()),
                    )
                ],
            )
            for model in models
        ]
        yield ""
        yield f"{split}{f'[{units}]' if units else ''}"
        yield from table(heads, rows, shown)


def few_shot(found: polars.DataFrame) -> dict[str, dict[int, float]]:
    """Return model -> shots -> few-shot co-bps, mean over draws and seeds; the floor under its own name, first."""
    from polars import col

    rows = found.filter(measure=FEW_SHOT).with_columns(col("model").fill_null(FLOOR))
    each: dict[str, dict[int, float]] = {}
    for model, shots, value in (
        rows.group_by("model", "shots", maintain_order=True).agg(col("value").mean()).iter_rows()
    ):
        each.setdefault(model, {})[shots] = value
    return each


def decoded(found: polars.DataFrame) -> dict[str, tuple[float | None, float | None]]:
    """Return model -> mean R2 of its latents read from other models', and from its own at other seeds."""
    from polars import col

    rows = found.filter(col("value").is_not_nan(), measure=CROSS)
    own = col("model") == col("source_model")
    means = rows.group_by("model", maintain_order=True).agg(
        col("value").filter(~own).mean().alias("others"), col("value").filter(own).mean().alias("seeds")
    )
    return {model: (others, seeds) for model, others, seeds in means.iter_rows()}


def matrix(found: polars.DataFrame) -> dict[tuple[str, str], float]:
    """Return (model that is read, model that it is read from) -> mean R2 over pairs of seeds."""
    from polars import col

    rows = found.filter(col("value").is_not_nan(), measure=CROSS)
    means = rows.group_by("model", "source_model", maintain_order=True).agg(col("value").mean())
    return {(model, source): value for model, source, value in means.iter_rows()}
