"""Repeats of movies in batches: each once an epoch, of one movie at a time, and none of another part."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds.movie import learner
from raysp.kinds.movie.batches import RepeatBatches
from raysp.kinds.movie.made_up import made_up
from raysp.training.job import Job

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def split():
    """Two movies, of 11 and of 3 training repeats, whose spikes say which repeat they are."""
    one, other = made_up(repeats=18)[0], made_up(repeats=10, frames=45, seed=1)[0]
    few = dataclasses.replace(other.train[0], movie=1, numbers=other.train[0].numbers[:3])
    few = dataclasses.replace(few, spikes=other.train[0].spikes[:3])
    sizes = dataclasses.replace(one.sizes, lengths=(60, 45))
    aside = dataclasses.replace(other.validation[0], movie=1)
    return dataclasses.replace(
        one, sizes=sizes, movies=(*one.movies, *other.movies), train=(*one.train, few),
        validation=(*one.validation, aside),
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 3, 5, 14])
def test_every_training_repeat_comes_once_an_epoch_beside_another_of_its_movie(split, steps):
    batches, generator = RepeatBatches(split, CPU, 0), torch.Generator().manual_seed(0)
    assert batches.size == sum(map(len, split.train))
    seen = {0: [], 1: []}
    for chosen in batches.draw(generator, steps):
        batch = batches.batch(chosen, generator)
        assert len(batch) == len(chosen) > 1
        assert batch.frames.shape == (split.sizes.lengths[batch.movie], 2, 3)
        assert batch.generator is generator
        seen[batch.movie] += [one.numpy().tobytes() for one in batch.spikes]
    for movie, found in seen.items():
        assert sorted(found) == sorted(one.tobytes() for one in split.train[movie].spikes)


def test_the_order_follows_from_the_generator_and_not_from_looks_at_what_validates(split):
    def epochs(looks):
        batches, generator = RepeatBatches(split, CPU, 0), torch.Generator().manual_seed(3)
        drawn = []
        for _ in range(3):
            drawn.append(torch.cat(batches.draw(generator, 3)))
            assert [len(one) for one in batches.validation()] == [len(one) for one in split.validation] or not looks
        return torch.stack(drawn)

    assert torch.equal(epochs(True), epochs(False))
    assert not torch.equal(*epochs(False)[:2])


def test_a_fit_to_all_training_repeats_has_those_that_validate_among_them_and_never_the_test_part(split):
    whole = RepeatBatches(split, CPU, 0, whole=True)
    assert (whole.selected_on, list(whole.validation())) == ("nothing", [])
    for movie, batch in enumerate(whole.whole()):
        known = np.concatenate([split.train[movie].spikes, split.validation[movie].spikes])
        np.testing.assert_array_equal(batch.spikes.numpy(), known)


@pytest.mark.parametrize(
    ("training", "message"),
    [({"validate_on": "eval"}, "expected training.validate_on 'train'"), ({"batch_size": 1}, "two or more repeats")],
)
def test_settings_that_mean_nothing_for_movies_are_refused_at_planning(training, message):
    with pytest.raises(BadInput, match=message):
        learner.check(None, Training(**training), None)


def test_too_few_validation_repeats_are_refused_before_training(split):
    few = split.validation[0]
    few = dataclasses.replace(few, numbers=few.numbers[:1], spikes=few.spikes[:1])
    job = Job(Trial("sample_measure", {}, Training(), "made_up", "0" * 64), device="cpu")
    with pytest.raises(BadInput, match="two or more validation repeats of a movie, got 1 of 0"):
        learner.learner(job, dataclasses.replace(split, validation=(few, split.validation[1])))
