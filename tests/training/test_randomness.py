from __future__ import annotations

import torch

from raysp.training.randomness import Streams, looking, seeded

CPU = torch.device("cpu")


def test_the_callers_state_comes_back():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with seeded(1, CPU):
        one = torch.rand(3)
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()
    with seeded(1, CPU):
        assert torch.equal(torch.rand(3), one)


def test_looking_spends_no_random_numbers_and_restores_the_mode():
    model = torch.nn.Dropout(0.5).train()
    before = torch.get_rng_state()
    with looking(model, CPU):
        torch.rand(10)
        assert not model.training
        assert not torch.is_grad_enabled()
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_drawn_in_evaluation_follows_from_its_seed_alone():
    model, found = torch.nn.Identity(), []
    for before, seed in ((1, 3), (2, 3), (2, 4)):
        torch.manual_seed(before)
        with looking(model, CPU, seed):
            found.append(torch.rand(4))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[1], found[2])


def test_streams_go_on_from_a_saved_state():
    streams = Streams(3, CPU)
    torch.randperm(5, generator=streams.order)
    state = streams.state()
    with torch.random.fork_rng():
        expected = [torch.randperm(9, generator=streams.order), torch.rand(4, generator=streams.masks), torch.rand(2)]
    other = Streams(4, CPU)
    with torch.random.fork_rng():
        assert other.restore(state)
        found = [torch.randperm(9, generator=other.order), torch.rand(4, generator=other.masks), torch.rand(2)]
    assert all(torch.equal(one, two) for one, two in zip(found, expected, strict=True))


def test_a_state_from_another_kind_of_device_is_told_of():
    streams = Streams(3, CPU)
    with torch.random.fork_rng():
        assert not streams.restore({**streams.state(), "device": "cuda"})
