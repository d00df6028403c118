import dataclasses

import numpy as np
import pytest
import torch

from raysp.errors import BadInput
from raysp.models.clamp_activation import Config, Model, rate
from tests.data.clamp_splits import made_up


class Once:
    def report(self, note):
        pass

    def once(self, name, make):
        return make()


def fitted(split, **settings):
    model = Model(Config(epochs=30, **settings), split.sizes)
    model.fit(split, Once())
    return model


@pytest.mark.parametrize(
    ("shape", "theta", "expected"),
    [
        ("polynomial", [0.5, 2.0, 0.0, 50.0], 0.2 * np.tanh(0.25 + 4 * 0.25)),
        ("relu", [2.0, 50.0], 0.75),
        ("sigmoid", [2.0, 50.0], 0.2 / (1 + np.exp(-0.75))),
        ("softplus", [2.0, 50.0], np.log1p(np.exp(0.75))),
    ],
)
def test_shapes_are_the_published_ones(shape, theta, expected):
    one = torch.tensor([theta], dtype=torch.float64)
    scale = torch.tensor([[200.0, 0.2]], dtype=torch.float64)
    found = rate(shape, torch.tensor([[100.0, -1000.0]], dtype=torch.float64), one, scale)
    assert found[0, 0].item() == pytest.approx(expected)
    assert found[0, 1].item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("shape", ["polynomial", "relu", "sigmoid", "softplus"])
def test_a_units_numbers_do_not_depend_on_others_and_a_fifth_of_the_points_is_held_out(shape):
    split = made_up(4, seed=7)
    together, alone = fitted(split, shape=shape), fitted(split.select([8]), shape=shape)
    assert torch.equal(together.theta[1:2], alone.theta)
    assert torch.equal(together.losses[1:2], alone.losses)
    _, _, held = together._points(split)
    assert [(part == 0).sum().item() for part in held] == [2] * 4
    assert [(part == 1).sum().item() for part in held] == [1] * 4
    assert np.isfinite(together.rates(split)).all()


def test_it_learns_and_a_unit_without_a_highest_rate_is_a_row_with_its_reason():
    split = made_up(3, seed=7)
    split = dataclasses.replace(split, gamma=np.array([np.nan, *split.gamma[1:]]))
    short, long = (Model(Config(epochs=epochs), split.sizes) for epochs in (1, 300))
    for model in (short, long):
        model.fit(split, Once())
    assert (long.losses[1:, 0] <= short.losses[1:, 0]).all()
    first, *others = long.rows()
    assert first["status"] == "failed"
    assert "highest rate" in first["reason"]
    assert [row["status"] for row in others] == ["fitted"] * 2
    assert [row["protocol"] for row in others] == ["activation polynomial"] * 2
    assert np.isnan(long.rates(split)[: split.current_ptr[1]]).all()


def test_bins_that_do_not_divide_are_refused():
    with pytest.raises(BadInput, match="activation_bin_ms expected a multiple"):
        Model(Config(activation_bin_ms=30), made_up(1).sizes)
