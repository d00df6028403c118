"""What a masked model was trained on and what it makes of it: counts, a mask, predictions, truth, on one scale."""

from __future__ import annotations

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.population.case import Case
from raysp.kinds.population.inside_file import read_inside
from raysp.kinds.population.page.rasters import image, ordinary_trials
from raysp.report.style import Look, Picture, canvas, colorbar, mark_time, panels, picture

TOP_PERCENTILE = 99.5


def masked(case: Case) -> Picture:
    """Draw one ordinary evaluation trial: counts, what training hides of such a trial, predicted rates, truth, error.

    All but the mask in expected spikes per bin on one fixed scale; the error on the same scale, both ways.

    Raises:
        NotReady: the model is not trained on hidden counts, or its trial left no mask.
    """
    mask = example_mask(case)
    (trial,) = ordinary_trials(case.known.heldin, 1)
    rates, settings = case.rates()[trial], case.trial.hyperparameters
    true = None if case.known.rates is None else case.known.rates[trial]
    top = float(np.nanpercentile(rates if true is None else np.stack([rates, true]), TOP_PERCENTILE)) or 1.0
    scale = {"cmap": "viridis", "vmin": 0.0, "vmax": top}
    shown: dict[str, tuple[np.ndarray, Look]] = {
        "counts": (case.counts()[trial], scale),
        "a mask of training": (mask, {"cmap": "Greys", "vmin": 0.0, "vmax": 1.0}),
        "predicted": (rates, scale),
    }
    if true is not None:
        shown |= {"true": (true, scale), "predicted - true": (rates - true, scale | {"cmap": "RdBu_r", "vmin": -top})}
    with canvas(9.6, 3.2) as figure:
        grid = panels(figure, len(shown), len(shown), sharex=True, sharey=True)
        for axes, (name, (array, look)) in zip(grid, shown.items(), strict=True):
            place: Look = {"location": "bottom", "shrink": 0.9, "aspect": 20, "pad": 0.02}
            colorbar(figure, image(axes, case, array, **look), axes, **place).locator.set_params(nbins=3)
            axes.set_title(name)
            mark_time(axes, case.window_ms, case.observed_ms)
        grid[0].set_ylabel(f"{case.trial_name(trial)}\nunit, by position")
        return picture(figure, __name__, "masked", settings=settings, truth=true is not None)


def example_mask(case: Case) -> np.ndarray:
    """Return (bins + forward, units), 1 where a mask of training hides; NaN for what is no input.

    Raises:
        NotReady: see `masked`.
    """
    sizes, mask = case.split.sizes, read_inside(case.folder, case.trial)["mask"]
    found = np.full((sizes.bins + sizes.forward, sizes.units), np.nan)
    found[: sizes.bins, : sizes.heldin] = mask
    return found


def inside(case: Case) -> Picture:
    """Draw what a trained network holds: its embedding, its first convolution, and latents of one ordinary trial.

    Raises:
        NotReady: the model has neither, or its trial left none.
    """
    weights, latents = read_inside(case.folder, case.trial), case.latents()
    shown: dict[str, tuple[np.ndarray, str, str]] = {}
    if "embedding" in weights:
        shown["embedding"] = (weights["embedding"], "input unit", "channel")
    if (kernels := weights.get("first convolution")) is not None:
        # Of a channel with several channels in, the kernels stand side by side.
        across = "bin of the kernel" if kernels.ndim == 2 else "channel in, bin of the kernel"
        shown["first convolution"] = (kernels.reshape(len(kernels), -1), across, "channel")
    if not shown:
        raise NotReady(f"no weights to draw: model {case.trial.model} has no embedding and no convolution")
    if latents is not None:
        (trial,) = ordinary_trials(case.known.heldin, 1)
        shown[f"latents, {case.trial_name(trial)}"] = (latents[trial].T, "bin", "latent")
    with canvas(9.6, 3.0) as figure:
        for axes, (name, (array, across, up)) in zip(
            panels(figure, len(shown), len(shown)), shown.items(), strict=True
        ):
            top = float(np.abs(array).max()) or 1.0
            drawn = axes.imshow(array, aspect="auto", origin="lower", cmap="RdBu_r", vmin=-top, vmax=top)
            colorbar(figure, drawn, axes, shrink=0.8)
            axes.set_title(name)
            axes.set_xlabel(across)
            axes.set_ylabel(up)
        return picture(figure, __name__, "inside")
