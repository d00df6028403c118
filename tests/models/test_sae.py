from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.data.splits.batch import to_device
from raysp.errors import BadInput
from raysp.models import catalog
from tests.models.made_up import made_up_split


def test_training_starts_from_the_mean_rates():
    split = made_up_split()
    model = catalog.build("sae", {}, split.sizes)
    model.start(split.train)
    means = np.concatenate([split.train.heldin, split.train.heldout], axis=2).mean(axis=(0, 1))
    np.testing.assert_allclose(model.to_log_rates.bias.detach().exp(), np.maximum(means, 1e-4), rtol=1e-5)


def test_a_new_generator_keeps_a_state_as_long_as_a_trial_lasts():
    """Tallec & Ollivier 2018: a unit whose update gate keeps it with bias log(u) forgets in u steps."""
    split = made_up_split(bins=100, forward=0)
    generator = catalog.build("sae", {"hidden": 400}, split.sizes).generator
    kept = (generator.bias_ih_l0 + generator.bias_hh_l0)[400:800].exp()
    assert 1 <= kept.min() < 3
    assert 97 < kept.max() <= 99
    assert 45 < kept.mean() < 55
    state = torch.full((1, 1, 400), 0.5)
    with torch.no_grad():
        generator.weight_hh_l0.zero_()
        generator.bias_ih_l0[800:] = generator.bias_hh_l0[800:] = 0.0
        left = generator(torch.zeros(1, 1, 1), state)[0][0, 0] / 0.5
    torch.testing.assert_close(left, (kept / (1 + kept)).detach())


def test_latents_have_the_dimensions_asked_for():
    split = made_up_split()
    batch = to_device(split.eval, "cpu").inputs()
    assert catalog.build("sae", {"latents": 3}, split.sizes).predict(batch).latents.shape == (12, 10, 3)
    assert catalog.build("sae", {"latents": 0, "hidden": 7}, split.sizes).predict(batch).latents.shape == (12, 10, 7)


def test_coordinated_dropout_draws_from_the_batchs_generator_and_never_in_evaluation():
    split = made_up_split()
    model = catalog.build("sae", {"coordinated_dropout": 0.5, "dropout": 0.0}, split.sizes)
    batch = to_device(split.train, "cpu")

    def loss(seed):
        drawn = None if seed is None else torch.Generator().manual_seed(seed)
        return model.loss(dataclasses.replace(batch, generator=drawn)).total.item()

    assert loss(1) == loss(1)
    assert loss(1) != loss(2)
    assert loss(None) == loss(None)


def test_what_is_shown_is_no_part_of_the_loss_in_evaluation():
    split = made_up_split()
    model = catalog.build("sae", {"coordinated_dropout": 0.5}, split.sizes).eval()
    found = model.loss(to_device(split.train, "cpu"))
    hidden = found.known - 12 * (8 * 3 + 2 * 9)
    assert 0.4 < hidden / (12 * 8 * 6) < 0.6


def test_forward_bins_of_heldin_units_alone_are_learned_from():
    split = made_up_split()
    model = catalog.build("sae", {"coordinated_dropout": 0.0}, split.sizes)
    trials = dataclasses.replace(split.train, heldout_forward=None)
    found = model.loss(to_device(trials, "cpu"))
    assert found.known == 12 * (8 * 9 + 2 * 6)
    assert torch.isfinite(found.total)


@pytest.mark.parametrize("setting", [{"hidden": 0}, {"dropout": 1.0}, {"layers": 0}, {"coordinated_dropout": 1.5}])
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(BadInput, match=next(iter(setting))):
        catalog.config("sae", setting)
