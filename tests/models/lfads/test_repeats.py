"""Training on trials that repeat conditions: what is shown, what is asked for, and what stays as it was."""

import dataclasses

import numpy as np
import pytest
import torch

from raysp.errors import BadInput
from raysp.kinds.population.made_up import made_up_split
from tests.models.lfads.made_up import batch_of, config, made


def split_of(condition):
    split = made_up_split()
    return dataclasses.replace(split, train=dataclasses.replace(split.train, condition=np.asarray(condition)))


REPEATED = split_of([0, 1, 2] * 4)


def learned_from(model, batch):
    """Which log rates get a gradient, (trials, bins + forward, units)."""
    asked = []

    def ask(module, given, found):
        found.retain_grad()
        asked.append(found)

    model.network.readout.register_forward_hook(ask)
    model.train().loss(batch).total.backward()
    return asked[0].grad[0] != 0


def test_all_that_other_repeats_counted_is_learned_from():
    model = made(REPEATED, repeat_targets=True, coordinated_dropout=0.01)
    assert learned_from(model, batch_of(REPEATED)).all()


def test_a_trial_without_repeats_is_learned_from_as_without_the_setting():
    split = split_of([0, 1, 2] * 3 + [3, 4, -1])
    model = made(split, repeat_targets=True, coordinated_dropout=0.01)
    found = learned_from(model, batch_of(split))
    assert found[:9].all()
    assert found[9:, :8, :6].float().mean() < 0.05


def test_mixed_trials_are_shown_and_asked_for():
    model, batch = made(REPEATED, mix_repeats=1.0, coordinated_dropout=0.0, dropout=0.0), batch_of(REPEATED)
    seen, encode = [], model.network.encode

    def look(x, dropping):
        seen.append(x[0])
        return encode(x, dropping)

    model.network.encode = look
    model.train().loss(batch)
    shown, counts = seen[0], batch.heldin
    assert not torch.equal(shown, counts)
    for trial in range(len(counts)):
        repeats = counts[batch.condition == batch.condition[trial]]
        for unit in range(counts.shape[2]):
            assert (repeats[:, :, unit] == shown[trial, :, unit]).all(dim=1).any()


def test_evaluation_knows_nothing_of_repeats():
    plain, repeated = made(REPEATED).eval(), made(REPEATED, mix_repeats=1.0, repeat_targets=True).eval()
    batch = batch_of(REPEATED, None)
    assert torch.equal(plain.loss(batch).total, repeated.loss(batch).total)
    assert torch.equal(plain.predict(batch).rates, repeated.predict(batch).rates)


def test_trials_that_repeat_nothing_are_refused():
    with pytest.raises(BadInput, match="model lfads, mix_repeats and repeat_targets expected training trials"):
        made(split_of(np.arange(12)), mix_repeats=0.5)
    with pytest.raises(BadInput, match="got none that do"):
        made(made_up_split(), repeat_targets=True)


def test_withheld_counts_do_not_go_with_repeats():
    with pytest.raises(BadInput, match="sample_validation without mix_repeats"):
        config(sample_validation=0.1, mix_repeats=1.0)
