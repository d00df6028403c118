"""What a masked model was trained on and what it makes of it: counts, a mask, predictions, truth, on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.errors import NotReady
from raysp.kinds.population.case import Case
from raysp.kinds.population.page.rasters import ordinary_trials
from raysp.report.style import Picture, canvas, mark_time, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP_PERCENTILE = 99.5


def masked(case: Case) -> Picture:
    """Draw one ordinary evaluation trial: counts, what training hides of such a trial, predicted rates, truth, error.

    All but the mask in expected spikes per bin on one fixed scale; the error on the same scale, both ways.

    Raises:
        NotReady: the model is not trained on hidden counts.
    """
    settings = case.trial.settings
    if "mask_ratio" not in settings:
        raise NotReady(f"no masks: model {case.trial.model} is not trained on hidden counts")
    (trial,) = ordinary_trials(case.known.heldin, 1)
    rates = case.rates()[trial]
    true = None if case.known.rates is None else case.known.rates[trial]
    top = float(np.nanpercentile(rates if true is None else np.stack([rates, true]), TOP_PERCENTILE)) or 1.0
    scale = {"cmap": "viridis", "vmin": 0.0, "vmax": top}
    panels: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("counts", case.counts()[trial], scale),
        ("a mask of training", example_mask(case), {"cmap": "Greys", "vmin": 0.0, "vmax": 1.0}),
        ("predicted", rates, scale),
    ]
    if true is not None:
        error = {"cmap": "RdBu_r", "vmin": -top, "vmax": top}
        panels += [("true", true, scale), ("predicted - true", rates - true, error)]
    with canvas(9.6, 3.2) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        for axis, (name, array, style) in zip(axes, panels, strict=True):
            image = _panel(axis, case, array, style)
            axis.set_title(name)
            mark_time(axis, case.window_ms, case.observed_ms)
            bar = figure.colorbar(image, ax=axis, location="bottom", shrink=0.9, aspect=20, pad=0.02)
            bar.outline.set_visible(False)
            bar.locator.set_params(nbins=3)
        axes[0].set_ylabel(f"{case.trial_name(trial)}\nneuron, by position")
        return Picture("masked", "Hidden counts", _caption(settings, true is not None), png(figure))


def example_mask(case: Case) -> np.ndarray:
    """Return (bins + forward, neurons), 1 where a mask of the model's settings hides; NaN for what is no input."""
    import torch

    from raysp.objectives.masks import draw

    sizes, settings = case.split.sizes, case.trial.settings
    shape = (1, sizes.bins, sizes.heldin)
    generator = torch.Generator().manual_seed(case.trial.seed)
    drawn = draw(shape, settings["mask"], settings["mask_ratio"], generator, settings["mask_span"])
    found = np.full((sizes.bins + sizes.forward, sizes.neurons), np.nan)
    found[: sizes.bins, : sizes.heldin] = drawn[0].numpy()
    return found


def inside(case: Case) -> Picture:
    """Draw what a trained network holds: its embedding, its first convolution, and latents of one ordinary trial.

    Raises:
        NotReady: the model has neither, or its checkpoint is not there.
    """
    weights = _weights(case)
    latents = case.latents()
    panels: list[tuple[str, np.ndarray, str, str]] = []
    if "embedding.weight" in weights:
        panels.append(("embedding", weights["embedding.weight"], "input neuron", "channel"))
    first = next((name for name in weights if name.endswith(("convolution.weight", "row.weight"))), None)
    if first is not None:
        panels.append(_kernels(weights[first]))
    if latents is not None and panels:
        (trial,) = ordinary_trials(case.known.heldin, 1)
        panels.append((f"latents, {case.trial_name(trial)}", latents[trial].T, "bin", "latent"))
    if not panels:
        raise NotReady(f"no weights to draw: model {case.trial.model} has no embedding and no convolution")
    with canvas(9.6, 3.0) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (name, array, across, up) in zip(axes, panels, strict=True):
            top = float(np.abs(array).max()) or 1.0
            image = axis.imshow(array, aspect="auto", origin="lower", cmap="RdBu_r", vmin=-top, vmax=top)
            axis.set_title(name)
            axis.set_xlabel(across)
            axis.set_ylabel(up)
            figure.colorbar(image, ax=axis, shrink=0.8).outline.set_visible(False)
        caption = "Weights of the best checkpoint, and the channels the output is read from. Red is positive."
        return Picture("inside", "Inside the network", caption, png(figure))


def _kernels(weight: np.ndarray) -> tuple[str, np.ndarray, str, str]:
    if weight.ndim == 2:
        return "first convolution", weight.T, "bin of the kernel", "channel"
    # (channels out, channels in, 1, bins): the kernels of a channel side by side.
    return "first convolution", weight.reshape(len(weight), -1), "channel in, bin of the kernel", "channel"


def _weights(case: Case) -> dict[str, np.ndarray]:
    from raysp.training import checkpoint

    state = checkpoint.load(case.folder.checkpoint, case.trial.id)
    if not isinstance(state, dict):
        raise NotReady(f"no weights to draw: {case.trial.id} has no checkpoint")
    return {name: value.float().numpy() for name, value in state["progress"]["best"].items()}


def _panel(axes: Axes, case: Case, array: np.ndarray, style: dict[str, Any]) -> Any:
    axes.set_facecolor("#dddddd")
    axes.yaxis.get_major_locator().set_params(integer=True)
    extent = (0.0, case.window_ms, 0.0, case.split.sizes.neurons)
    return axes.imshow(np.ma.masked_invalid(array.T), origin="lower", aspect="auto", extent=extent, **style)


def _caption(settings: dict[str, Any], truth: bool) -> str:
    hidden = f"Training hides {settings['mask_ratio']:.0%} of the input counts (mask {settings['mask']}, dark)"
    scale = "counts, predictions and truth share one scale" if truth else "counts and predictions share one scale"
    return f"{hidden}; the prediction saw all of them. Expected spikes per bin; {scale}."
