"""The published network and its losses, to the numbers of its own code, at a small size and at its own."""

from __future__ import annotations

import pytest
import torch

from raysp.data.splits.movie import MovieSizes
from raysp.data.splits.movie_batch import MovieBatch
from raysp.models.sample_measure import Config, Model
from tests.published_sampler import DEFAULT, SMALL, Published

SETTINGS = {
    "standardised": False, "surrogate": "triangle", "noise_statistic": "published", "noise_scale": "absolute",
    "psth_weight": 0.1, "noise_weight": 50.0, "rate_weight": 0.0,
}  # fmt: skip
GOLDEN = {
    (SMALL, "sample_and_measure"): (
        {
            "total": 0.50050485, "likelihood": 0.81444341, "psth": 0.91867149, "noise": 1.6550110e-3,
            "hidden": 0.10981369,
        },
        (0.34209184, 0.27172220, 0.14367273, 0.20248841, 0.08069308, 0.22950089, 0.08636382),
        (1.6106452, 1.4321537, 0.15847225, 0.78426341, 0.04893548, 0.84457547, 0.06194375),
    ),
    (SMALL, "likelihood"): (
        {"total": 0.81451035, "likelihood": 0.81444341, "hidden": 0.06691498},
        (0.59110928, 0.43484955, 0.24870765, 0.32269487, 0.12921189, 0.39711819, 0.14869768),
        (2.4960591, 2.1042361, 0.24657786, 1.6729746, 0.10240750, 1.5776321, 0.11859456),
    ),
    (DEFAULT, "sample_and_measure"): (
        {"total": 0.41109139, "likelihood": 0.82790041, "psth": 0.77914947, "noise": 4.0325973e-5},
        (0.505292, 0.258142, 0.0331240, 0.417444, 0.0401848, 0.614808, 0.0444320),
        (),
    ),
    (DEFAULT, "likelihood"): (
        {"total": 0.82790041, "likelihood": 0.82790041},
        (0.987472, 0.469946, 0.0647326, 0.833141, 0.0803075, 1.213264, 0.0876409),
        (),
    ),
}  # fmt: skip
"""Losses, then norms and sums of gradients: of inputs, couplings, bias, and of each convolution."""


@pytest.mark.parametrize(("sizes", "objective"), GOLDEN, ids=lambda one: one if isinstance(one, str) else f"{one.side}")
def test_losses_and_gradients_are_the_published_ones(sizes, objective, monkeypatch):
    known = Published(sizes)
    config = Config(
        objective=objective, hidden=sizes.hidden, frames=sizes.back, lags=sizes.lags, filters=sizes.filters,
        kernels=(sizes.kernel,) * 2, **SETTINGS,
    )  # fmt: skip
    movies = MovieSizes("made_up", 40.0, sizes.side, sizes.side, sizes.units, (sizes.frames,), sizes.first)
    model = Model(config, movies)
    model.trunk.load_state_dict(known.trunk.state_dict())
    model.inputs.data, model.recurrent.data, model.bias.data = (known.inward, known.couplings, known.bias)
    free = known.free if objective == "sample_and_measure" else None
    batch = MovieBatch(0, known.movie, known.spikes.to(torch.uint8))
    parts = model.measured(batch, free, known.clamped[..., sizes.units :])
    monkeypatch.setattr(model, "parts", lambda batch: parts)
    total = model.loss(batch).total
    total.backward()
    losses, norms, sums = GOLDEN[sizes, objective]
    found = {name: part.item() for name, part in {"total": total, **parts}.items()}
    # At the larger size one of a million samples may differ where its uniform number is all but its probability.
    within = 1e-5 if sizes is SMALL or objective == "likelihood" else 1e-3
    assert found == pytest.approx(losses, rel=within)
    weights = model.inputs, model.recurrent, model.bias, *model.trunk.parameters()
    assert [one.grad.norm().item() for one in weights] == pytest.approx(norms, rel=within)
    if sums:
        assert [one.grad.double().sum().item() for one in weights] == pytest.approx(sums, rel=within)
