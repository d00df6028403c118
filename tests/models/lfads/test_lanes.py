"""A population as one model: its members are what they are alone, whatever the others' settings."""

import dataclasses

import pytest
import torch

from raysp.errors import BadInput
from raysp.kinds.population.made_up import made_up_split
from raysp.models.lfads.model import Model
from raysp.training.unseen import unseen_loss, unseen_of_members
from tests.models.lfads.made_up import batch_of, config, made, trained

OTHER = (
    {},
    {"dropout": 0.3, "coordinated_dropout": 0.0},
    {"beta_initial": 2.0, "beta_inputs": 0.0, "l2_generator": 50.0, "l2_controller": 10.0, "coordinated_dropout": 0.6},
)
SEEDS = (5, 6, 7)


def population(split):
    model = Model.side_by_side([config(**one) for one in OTHER], split.sizes, SEEDS)
    model.start(split.train)
    return model


def test_members_train_as_they_do_alone():
    split = made_up_split()
    together = trained(population(split), batch_of(split), 3).state_dict()
    for lane, settings in enumerate(OTHER):
        alone = trained(made(split, seed=SEEDS[lane], **settings), batch_of(split), 3).state_dict()
        for name, value in alone.items():
            torch.testing.assert_close(together[name][lane : lane + 1], value, rtol=2e-3, atol=2e-5)


def test_losses_are_each_members_own():
    split = made_up_split()
    model, alone = population(split), [made(split, seed=s, **one) for s, one in zip(SEEDS, OTHER, strict=True)]
    for prepared, seed in ((torch.nn.Module.train, 0), (torch.nn.Module.eval, None)):
        each = prepared(model).loss(batch_of(split, seed))
        expected = torch.cat([prepared(one).loss(batch_of(split, seed)).each for one in alone])
        torch.testing.assert_close(each.each, expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(each.total, expected.sum(), rtol=1e-5, atol=1e-6)


def test_a_population_predicts_the_mean_of_its_members():
    split = made_up_split()
    model, batch = population(split).eval(), batch_of(split, None)
    alone = [made(split, seed=s, **one).eval().predict(batch) for s, one in zip(SEEDS, OTHER, strict=True)]
    expected = torch.stack([one.rates for one in alone]).mean(dim=0)
    torch.testing.assert_close(model.predict(batch).rates, expected, rtol=1e-5, atol=1e-6)


def test_a_member_copied_over_another_goes_on_as_that_one():
    split = made_up_split()
    model = population(split)
    taken = torch.tensor([2, 1, 2])
    model.load_state_dict({name: value.index_select(0, taken) for name, value in model.state_dict().items()})
    model.set_lanes([config(**OTHER[lane]) for lane in taken])
    each = model.train().loss(batch_of(split)).each
    assert each[0] == each[2] != each[1]


def test_members_of_other_shapes_are_refused():
    split = made_up_split()
    with pytest.raises(BadInput, match=r"differ in dropout.* alone, got others in generator, lag"):
        Model.side_by_side([config(), config(generator=12, lag=2)], split.sizes, (0, 1))


def test_each_member_predicts_and_is_judged_as_alone():
    split = made_up_split()
    model, batch = population(split).eval(), batch_of(split, None)
    alone = [made(split, seed=s, **one).eval() for s, one in zip(SEEDS, OTHER, strict=True)]
    for found, one in zip(model.predict_each(batch), alone, strict=True):
        torch.testing.assert_close(found.rates, one.predict(batch).rates, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found.rates_forward, one.predict(batch).rates_forward, rtol=1e-5, atol=1e-6)
    place = torch.device("cpu")
    expected = [unseen_loss(one, batch, place) for one in alone]
    assert unseen_of_members(model, batch, place).tolist() == pytest.approx(expected, rel=1e-6)
    assert (
        unseen_of_members(
            model, dataclasses.replace(batch, heldout=None, heldin_forward=None, heldout_forward=None), place
        )
        is None
    )
