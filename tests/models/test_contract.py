"""What every model of a population must keep, whatever it is inside; a new file is tested here without a change."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.data.splits.batch import Batch, to_device
from raysp.data.splits.current_clamp import CurrentClampSplit
from raysp.data.splits.population import PopulationSplit
from raysp.data.splits.stimulus import StimulusSplit
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.models.prediction import check_prediction
from tests.models.made_up import made_up_split, unbroken

SHAPES = {
    "whole": {},
    "no held-out units": {"heldout": 0},
    "no forward bins": {"forward": 0},
    "one unit, one bin": {"heldin": 1, "bins": 1},
    "unobserved bins": {"nan": True},
}


def fitted(name: str, split: PopulationSplit) -> torch.nn.Module:
    torch.manual_seed(0)
    model = catalog.build(name, {}, split.sizes)
    if catalog.fits_itself(name):
        model.fit(split.train, unbroken())
    elif hasattr(model, "start"):
        model.start(split.train)
    return model.eval()


def predicted(model: torch.nn.Module, batch: Batch):
    with torch.no_grad():
        return model.predict(batch)


NAMES = [name for name in catalog.names() if catalog.module(name).Model.reads is PopulationSplit]


def gradient_models() -> list[str]:
    return [name for name in NAMES if not catalog.fits_itself(name)]


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


@pytest.mark.parametrize("shape", SHAPES)
def test_rates_are_expected_spikes_per_bin_of_all_units(name, shape):
    split = made_up_split(**SHAPES[shape])
    model = fitted(name, split)
    found = predicted(model, to_device(split.eval, "cpu").inputs())
    assert found.rates.dtype == torch.float32
    check_prediction(found.numpy(), split.sizes, len(split.eval), name)
    assert (found.rates_forward is None) == (split.sizes.forward == 0)
    if found.latents is not None:
        assert found.latents.shape[0] == len(split.eval)
        assert found.latents.shape[1] in (split.sizes.bins, split.sizes.bins + split.sizes.forward)
        assert torch.isfinite(found.latents).all()


def test_predicting_twice_gives_the_same(name):
    split = made_up_split()
    model = fitted(name, split)
    batch = to_device(split.eval, "cpu").inputs()
    assert torch.equal(predicted(model, batch).rates, predicted(model, batch).rates)


def test_predictions_do_not_know_what_is_to_be_predicted(name):
    split = made_up_split()
    model = fitted(name, split)
    shown = to_device(split.train, "cpu")
    hidden = {"heldout": 9.0, "heldin_forward": 9.0, "heldout_forward": 9.0}
    other = dataclasses.replace(shown, **{key: torch.full_like(getattr(shown, key), v) for key, v in hidden.items()})
    for one, two in zip(_tensors(predicted(model, shown)), _tensors(predicted(model, other)), strict=True):
        assert torch.equal(one, two)


def test_a_trials_prediction_does_not_depend_on_the_others(name):
    split = made_up_split()
    model = fitted(name, split)
    batch = to_device(split.eval, "cpu").inputs()
    order = torch.randperm(len(batch), generator=torch.Generator().manual_seed(1))
    found, permuted = predicted(model, batch), predicted(model, batch.take(order))
    alone = predicted(model, batch.take(slice(3, 4)))
    for whole, mixed, single in zip(_tensors(found), _tensors(permuted), _tensors(alone), strict=True):
        torch.testing.assert_close(whole[order], mixed, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(whole[3:4], single, rtol=1e-5, atol=1e-6)


def test_the_state_dict_carries_all_that_was_fitted(name):
    split = made_up_split()
    model = fitted(name, split)
    copy = catalog.build(name, {}, split.sizes)
    copy.load_state_dict(model.state_dict())
    batch = to_device(split.eval, "cpu").inputs()
    assert torch.equal(predicted(model, batch).rates, predicted(copy.eval(), batch).rates)


@pytest.mark.parametrize("name", catalog.names())
def test_every_model_says_which_kind_of_split_it_reads(name):
    assert catalog.module(name).Model.reads in (PopulationSplit, StimulusSplit, CurrentClampSplit)


def test_config_refuses_unknown_settings(name):
    with pytest.raises(BadInput, match="unknown setting"):
        catalog.config(name, {"no_such_setting": 1})


def test_config_refuses_negative_numbers(name):
    for field in dataclasses.fields(catalog.module(name).Config):
        with pytest.raises(BadInput, match=field.name):
            catalog.config(name, {field.name: -1})


def test_it_does_not_change_what_it_is_given(name):
    split = made_up_split(nan=True)
    before = {key: array.copy() for key, array in split.train.arrays().items()}
    model = fitted(name, split)
    batch = to_device(split.train, "cpu")
    predicted(model, batch.inputs())
    if name in gradient_models():
        model.loss(batch)
    for key, array in split.train.arrays().items():
        np.testing.assert_array_equal(array, before[key])


@pytest.mark.parametrize("name", gradient_models())
@pytest.mark.parametrize("shape", SHAPES)
def test_the_loss_is_finite_and_its_gradient_reaches_every_parameter(name, shape):
    split = made_up_split(**SHAPES[shape])
    model = fitted(name, split).train()
    found = model.loss(dataclasses.replace(to_device(split.train, "cpu"), rates=None))
    assert found.total.dtype == torch.float32
    assert found.total.shape == ()
    found.total.backward()
    for label, weights in model.named_parameters():
        assert weights.grad is not None, label
        assert torch.isfinite(weights.grad).all(), label
    if shape == "whole":
        silent = [label for label, weights in model.named_parameters() if not weights.grad.any()]
        assert not [label for label in silent if label not in UNMOVED.get(name, ())]


UNMOVED = {"sae": ("generator.weight_ih_l0",)}
"""Weights that no gradient moves by design: the generator's input is always zero."""


@pytest.mark.parametrize("name", gradient_models())
def test_the_loss_falls_when_the_model_is_trained(name):
    split = made_up_split()
    model = fitted(name, split).train()
    batch = dataclasses.replace(to_device(split.train, "cpu"), rates=None, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = model.loss(batch).total
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def _tensors(prediction):
    return [x for x in (prediction.rates, prediction.rates_forward, prediction.latents) if x is not None]


@pytest.mark.parametrize(
    ("name", "earlier", "now"),
    [("unet", "lost_neurons", "lost_units"), ("distance_shared", "cells_at_once", "units_at_once")],
)
def test_an_earlier_word_for_a_setting_is_told_todays(name, earlier, now):
    with pytest.raises(BadInput, match=f"unknown setting of model {name} '{earlier}': it is called '{now}' now"):
        catalog.config(name, {earlier: 1})
