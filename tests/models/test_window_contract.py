"""What every model of a continuous recording must keep; a new file is tested here without a change."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest
import torch

from raysp.data.splits.stimulus import StimulusSplit
from raysp.data.splits.windows import Tape
from raysp.errors import BadInput
from raysp.kinds.stimulus.rollout import roll_out
from raysp.models import catalog
from raysp.models.shared_windows import SharedModel
from raysp.models.windowed import Role
from tests.models.made_up_stimulus import made_up_recording, model_for, small

NAMES = [name for name in catalog.names() if catalog.module(name).Model.reads is StimulusSplit]
GRADIENT = [name for name in NAMES if not catalog.fits_itself(name)]
BLIND = [name for name in NAMES if not catalog.module(name).Model.sees_truth]
STARTS = torch.arange(150, 1100, 37)


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def fitted(name: str, split: StimulusSplit, **changes) -> tuple[torch.nn.Module, Tape]:
    """Return a model as training begins with it, but with weights that matter."""
    return model_for(name, split, **changes).eval(), Tape.of(split, "cpu")


def said(model, tape, starts=STARTS) -> torch.Tensor:
    with torch.no_grad():
        return model.output(tape.windows(starts, model.reach.before))


def decoded(model, tape, decoding, seeds, starts=STARTS) -> torch.Tensor:
    windows = tape.windows(starts, model.reach.before)
    with torch.no_grad():
        output = model.output(windows)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        return model.spikes(output, windows.history, decoding, generators)


@pytest.mark.parametrize("units", [1, 3])
def test_outputs_are_finite_numbers_of_each_unit_and_window(name, units):
    model, tape = fitted(name, made_up_recording(units=units))
    found = said(model, tape)
    assert found.shape[:2] == (units, len(STARTS))
    assert found.ndim in (2, 3)
    assert torch.isfinite(found).all()


@pytest.mark.parametrize("name", GRADIENT)
def test_networks_offer_their_first_layer(name):
    model, _ = fitted(name, made_up_recording(units=3))
    found = model.kernels()
    assert found.shape[0] in (1, 3)
    assert found.shape[2:] == (made_up_recording().sizes.channels + 1, 15)


def test_it_says_which_part_it_plays_in_a_comparison(name):
    model = catalog.module(name).Model
    assert model.role in get_args(Role)
    assert (model.role == "ceiling") == model.sees_truth


@pytest.mark.parametrize("units", [1, 3])
def test_each_decoding_gives_counts_of_the_bins_that_a_step_adds(name, units):
    model, tape = fitted(name, made_up_recording(units=units))
    assert model.decodings
    assert len(set(model.decodings)) == len(model.decodings)
    assert set(model.published or ()) <= set(model.decodings)
    # What the network said is kept with the first, which is what reports look at closely.
    assert model.published is None or model.decodings[0] in model.published
    for decoding in model.decodings:
        found = decoded(model, tape, decoding, range(units))
        assert found.dtype == torch.uint8
        assert found.shape == (units, len(STARTS), model.step)
        assert torch.equal(found, decoded(model, tape, decoding, range(units)))


@pytest.mark.parametrize("name", [name for name in NAMES if catalog.module(name).Model.calibrates])
def test_what_can_be_calibrated_says_which_decoding_and_at_which_width(name):
    model, tape = fitted(name, made_up_recording(units=3))
    assert set(model.calibrates.values()) <= set(model.decodings)
    assert model.config.careful_ms > 0
    output = said(model, tape)
    torch.testing.assert_close(model.boosted(output, torch.zeros(3)), output)
    assert not torch.equal(model.boosted(output, torch.ones(3)), output)


def test_it_predicts_a_stretch_step_by_step_all_decodings_at_once(name):
    split = made_up_recording(units=3)
    model, tape = fitted(name, split)
    (stretch,) = split.parts["test"]
    found = roll_out(model, tape, stretch)
    assert set(found.spikes) == set(found.output) == set(model.decodings)
    for decoding in model.decodings:
        assert found.spikes[decoding].shape == (3, stretch[1] - stretch[0] - model.reach.before)
        assert np.isfinite(found.output[decoding]).all()


@pytest.mark.parametrize("name", BLIND)
def test_outputs_do_not_know_what_comes_at_or_after_the_windows_start(name):
    split = made_up_recording()
    model, tape = fitted(name, split)
    before = said(model, tape, STARTS[:1])
    start = int(STARTS[0])
    split.spikes[start:] = 1 - split.spikes[start:]
    split.stimulus[start:] = 7.0
    assert torch.equal(said(model, Tape.of(split, "cpu"), STARTS[:1]), before)


def test_a_windows_output_does_not_depend_on_the_others(name):
    model, tape = fitted(name, made_up_recording())
    order = torch.randperm(len(STARTS), generator=torch.Generator().manual_seed(1))
    whole = said(model, tape)
    torch.testing.assert_close(whole[:, order], said(model, tape, STARTS[order]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(whole[:, 3:4], said(model, tape, STARTS[3:4]), rtol=1e-4, atol=1e-5)


def test_a_units_output_and_spikes_do_not_depend_on_the_others(name):
    split = made_up_recording(units=3)
    whole, tape = fitted(name, split)
    single, own = fitted(name, split.select([13]))
    wanted = single.state_dict()
    taken = {k: v if v.shape == wanted[k].shape else v[1:2] for k, v in whole.state_dict().items()}
    single.load_state_dict(taken)
    torch.testing.assert_close(said(whole, tape)[1:2], said(single, own), rtol=1e-4, atol=1e-5)
    for decoding in whole.decodings:
        found = decoded(whole, tape, decoding, (5, 6, 7))
        assert torch.equal(found[1:2], decoded(single, own, decoding, (6,)))


def test_the_state_dict_carries_all_that_was_fitted(name):
    split = made_up_recording()
    model, tape = fitted(name, split)
    torch.manual_seed(9)
    copy = catalog.build(name, small(name), split.sizes)
    copy.load_state_dict(model.state_dict())
    assert torch.equal(said(model, tape), said(copy.eval(), tape))


@pytest.mark.parametrize("name", [name for name in NAMES if not issubclass(catalog.module(name).Model, SharedModel)])
def test_every_weight_and_buffer_has_the_units_in_front_and_starts_alike_in_all(name):
    split = made_up_recording(units=3)
    model = catalog.build(name, small(name), split.sizes)
    for label, value in model.state_dict().items():
        assert value.shape[0] == 3, label
        assert torch.equal(value, value[:1].expand_as(value)), label


def test_config_refuses_unknown_settings_and_negative_numbers(name):
    with pytest.raises(BadInput, match="unknown setting"):
        catalog.config(name, {"no_such_setting": 1})
    for field in dataclasses.fields(catalog.module(name).Config):
        with pytest.raises(BadInput, match=f"{name}.*{field.name}"):
            catalog.config(name, {field.name: -1})


def test_it_does_not_change_what_it_is_given(name):
    split = made_up_recording()
    before = split.stimulus.copy(), split.spikes.copy()
    model, tape = fitted(name, split)
    said(model, tape)
    for decoding in model.decodings:
        decoded(model, tape, decoding, range(3))
    if name in GRADIENT:
        model.train().loss(tape.windows(STARTS, model.reach.before))
    for array, earlier in zip((split.stimulus, split.spikes), before, strict=True):
        np.testing.assert_array_equal(array, earlier)
    np.testing.assert_array_equal(tape.spikes.numpy(), split.spikes.T)


@pytest.mark.parametrize("name", GRADIENT)
@pytest.mark.parametrize("units", [1, 3])
def test_the_loss_is_finite_and_its_gradient_reaches_every_weight(name, units):
    model, tape = fitted(name, made_up_recording(units=units))
    found = model.train().loss(tape.windows(STARTS, model.reach.before))
    assert found.total.dtype == torch.float32
    assert found.total.shape == ()
    # A network of all units is one lane that serves them.
    assert found.each.shape == ((units,) if model.lanes else (1, units))
    found.total.backward()
    for label, weights in model.named_parameters():
        assert weights.grad is not None, label
        assert torch.isfinite(weights.grad).all(), label
        assert weights.grad.any(), label


@pytest.mark.parametrize("name", [name for name in GRADIENT if not issubclass(catalog.module(name).Model, SharedModel)])
def test_the_loss_is_the_sum_of_the_units_and_a_units_weights_get_no_gradient_from_anothers(name):
    model, tape = fitted(name, made_up_recording(units=3))
    found = model.train().loss(tape.windows(STARTS, model.reach.before))
    torch.testing.assert_close(found.total, found.each.sum())
    found.each[1].backward()
    for label, weights in model.named_parameters():
        assert weights.grad[1].any(), label
        assert not weights.grad[[0, 2]].any(), label


@pytest.mark.parametrize("name", GRADIENT)
def test_outside_training_the_loss_of_each_unit_does_not_depend_on_the_other_windows(name):
    model, tape = fitted(name, made_up_recording(units=3))
    with torch.no_grad():
        whole = model.loss(tape.windows(STARTS, model.reach.before)).each
        pieces = [model.loss(tape.windows(STARTS[k : k + 1], model.reach.before)).each for k in range(len(STARTS))]
    torch.testing.assert_close(torch.stack(pieces).mean(dim=0), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", GRADIENT)
def test_the_loss_falls_when_the_model_is_trained(name):
    model, tape = fitted(name, made_up_recording())
    windows = tape.windows(STARTS, model.reach.before)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        found = model.loss(windows)
        found.total.backward()
        optimizer.step()
        losses.append(found.each.detach())
    assert (torch.stack(losses[-5:]).mean(dim=0) < torch.stack(losses[:5]).mean(dim=0)).all()
