"""Models that are too large are refused before any weight is made."""

import pytest
import torch

from raysp.config.experiment import Training, Trial
from raysp.errors import BadInput
from raysp.kinds.labelled_sequences.made_up import made_up as made_up_sequences
from raysp.kinds.movie.made_up import made_up as made_up_movie
from raysp.models import catalog
from raysp.training.memory import check_fits
from tests.data.clamp_splits import made_up
from tests.models.made_up import made_up_split
from tests.models.made_up_stimulus import made_up_recording
from tests.training.made_up import fit


def test_more_latent_channels_than_memory_are_refused_before_any_is_made():
    split = made_up_split()
    trial = Trial("unet", {"width": 2_000_000}, Training(epochs=1), split.name, "0" * 64)
    with pytest.raises(BadInput, match=r"model unet: its weights.* need .* GB, cpu has .* GB; take fewer"):
        fit(trial, split)


def test_a_usual_model_fits():
    splits = {"population": made_up_split(), "stimulus": made_up_recording(), "current_clamp": made_up()}
    splits["labelled_sequences"] = made_up_sequences()
    splits["movie"], _ = made_up_movie()
    for name in catalog.names():
        kind = catalog.module(name).Model.reads.kind
        check_fits(catalog.on_paper(name, {}, splits[kind].sizes), torch.device("cpu"), name)


def test_members_side_by_side_need_as_many_times_the_memory(monkeypatch):
    paper = catalog.on_paper("lfads", {}, made_up_split().sizes)
    room = 10 * sum(weight.numel() * weight.element_size() for weight in paper.parameters())
    monkeypatch.setattr("raysp.io.machine.memory", lambda: room)
    check_fits(paper, torch.device("cpu"), "model lfads", 2)
    with pytest.raises(BadInput, match="take fewer lanes, latents"):
        check_fits(paper, torch.device("cpu"), "model lfads", 3)


def test_a_model_on_paper_takes_no_memory_and_draws_nothing():
    before = torch.get_rng_state()
    paper = catalog.on_paper("unet", {"width": 100_000}, made_up_split().sizes)
    assert all(weight.is_meta for weight in paper.parameters())
    assert torch.equal(torch.get_rng_state(), before)
