"""Each fault is told once, with what was measured, the limit, and what to do; sound models are not spoken of."""

import dataclasses

import numpy as np
import pytest

from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import TrialArrays
from raysp.io import files
from raysp.kinds.population.diagnosis import COPYING, LEAST_NATS, diagnoses
from raysp.kinds.population.latent_scores import (
    ALIKE,
    DIVERGENCE,
    OF_COUNTS,
    OF_LATENTS,
    ORDER,
    TRAINING,
    latent_scores,
)
from raysp.kinds.population.latents_file import write_latents
from raysp.runs.curve import write_curve
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import frame

TRIAL = Trial("lfads", {}, None, "mine", "0" * 64)


def row(metric, value, parameter=None, seed=0):
    place = {"parameter": parameter, "unit": None, "unit_index": None, "note": None, "run_trial": f"lfads-{seed}"}
    return {"model": "lfads", "split": "mine", "seed": seed, "metric": metric, "value": value, **place}


def said(*rows):
    return list(diagnoses(frame(list(rows))))


SOUND = (
    row(DIVERGENCE, 12.0, "initial-condition"),
    row(DIVERGENCE, 5.0, "input"),
    row(ALIKE, 0.4),
    row(COPYING, 1.4),
    row(ORDER, 0.5, OF_LATENTS),
    row(ORDER, 0.4, OF_COUNTS),
    row(TRAINING, 0.5),
    row("co-bps", 0.23),
)


def test_sound_models_are_not_spoken_of():
    assert said(*SOUND) == []
    assert said(row(ORDER, 0.2, OF_LATENTS), row(ORDER, -0.3, OF_COUNTS)) == []


@pytest.mark.parametrize(
    ("rows", "measured", "limit", "do"),
    [
        ((row(DIVERGENCE, 0.01, "initial-condition"), row(DIVERGENCE, 0.2, "input")), "0.2100 nats", "0.69", "beta_i"),
        ((row(DIVERGENCE, 0.01, "initial-condition"), row(DIVERGENCE, 9, "input")), "0.0100 nats", "0.69", "leave"),
        ((row(ALIKE, 0.002),), "0.20% of their variance", "below 1%", "loosen"),
        ((row(COPYING, 3.21),), "3.2 times as high", "above 2", "hide more counts"),
        (
            (row(TRAINING, 0.6), row("co-bps", -0.1)),
            "co-bps 0.6000 on trials it was fitted",
            "over 3 times",
            "hold it back",
        ),
        ((row(ORDER, 0.9, OF_LATENTS), row(ORDER, -0.2, OF_COUNTS)), "R² 0.9000", "more than 0.25 apart", "look for"),
    ],
    ids=["collapsed", "one part collapsed", "alike", "copies noise", "by heart", "order"],
)
def test_a_fault_is_told_with_measure_limit_and_advice(rows, measured, limit, do):
    (line,) = said(*rows)
    assert line.startswith("mine: lfads: ")
    for words in (measured, limit, do):
        assert words in line


def test_a_fault_of_some_seeds_is_counted():
    (line,) = said(row(COPYING, 1.2), row(COPYING, 2.5, seed=1), row(COPYING, 4.0, seed=2))
    assert "in 2 of 3 seeds" in line
    assert "2.5 times" in line


@pytest.mark.parametrize(
    ("has", "training", "copies", "heart"),
    [
        ({"sigma_ms": None}, None, "smooth more widely (sigma_ms)", "hold it back more, or make it smaller"),
        ({"dropout": 0.2, "coordinated_dropout": 0.3}, Training(), "hide more counts in training (coordinated_dropout)",
         "hold it back more (dropout, coordinated_dropout, weight_decay), or make it smaller"),
        ({}, None, "smooth more widely", "hold it back more, or make it smaller"),
    ],
)  # fmt: skip
def test_advice_names_settings_that_the_model_has(has, training, copies, heart):
    trial = Trial("mine", has, training, "mine", "0" * 64)
    faults = row(COPYING, 3.2), row(TRAINING, 0.6), row("co-bps", 0.1)
    told = list(diagnoses(frame([{**one, "run_trial": trial.id} for one in faults]), [trial]))
    assert [line.rpartition("; ")[2] for line in told] == [copies, heart]


def test_a_spike_that_says_as_much_of_held_out_units_is_not_copied():
    found = [row("reconstruction bits/spike", 1.2), row("co-bps", 1.0), row(COPYING, 2.4)]
    assert said(*found) == []
    (line,) = said(row("reconstruction bits/spike", 1.6), *found[1:])
    assert "held-in units have 1.6000 bits/spike, 1.5 times co-bps 1.0000 or more" in line


def test_a_network_that_learned_nothing_learned_nothing_by_heart():
    assert said(row(TRAINING, 0.05), row("co-bps", -0.02)) == []


@pytest.fixture
def folder(tmp_path):
    return RunFolder(str(tmp_path)).trial(TRIAL.id)


@pytest.fixture(scope="module")
def trials():
    counts = np.random.default_rng(0).poisson(0.5, (60, 20, 8)).astype(np.float32)
    return TrialArrays(heldin=counts, ids=np.random.default_rng(1).permutation(300)[:60])


def scored(folder, trials, latents):
    write_latents(folder.latents, latents, trial=TRIAL)
    found = latent_scores(TRIAL, trials, folder)
    common = {"model": "lfads", "split": "mine", "seed": 0, "run_trial": TRIAL.id, "unit": None}
    return said(*({**common, **one.row()} for one in found))


def test_latents_of_the_counts_are_sound_and_those_that_drift_or_never_differ_are_not(folder, trials):
    rng = np.random.default_rng(2)
    latents = np.tanh(trials.heldin @ rng.standard_normal((8, 12)))
    assert scored(folder, trials, latents) == []
    drifting = latents.copy()
    drifting[..., 0] += trials.ids[:, None] / 50
    (line,) = scored(folder, trials, drifting)
    assert "learned the order of trials" in line
    (line,) = scored(folder, trials, np.repeat(latents.mean(axis=0, keepdims=True), 60, axis=0))
    assert "the same in every trial" in line


def test_a_recording_that_drifts_itself_is_no_fault_of_the_model(folder, trials):
    drifting = dataclasses.replace(trials, heldin=trials.heldin + (trials.ids[:, None, None] // 60).astype(np.float32))
    latents = np.tanh(drifting.heldin / 4 @ np.random.default_rng(2).standard_normal((8, 12)))
    assert scored(folder, drifting, latents) == []


def test_a_part_that_a_model_has_not_did_not_collapse(folder, trials):
    parts = {"validation initial-condition KL loss": 3.0, "validation input KL loss": 0.0}
    write_curve(folder.curve, [{"epoch": 1, **parts}], TRIAL)
    files.write_json(folder.done, {"trial": TRIAL.id, "best_epoch": 1})
    assert [one.parameter for one in latent_scores(TRIAL, trials, folder)] == ["initial-condition"]


def test_divergences_are_those_of_the_epoch_that_was_kept(folder, trials):
    rows = [
        {"epoch": epoch, "validation initial-condition KL loss": nats, "validation input KL loss": 2 * nats}
        for epoch, nats in ((1, 9.0), (2, 0.1), (3, 5.0))
    ]
    write_curve(folder.curve, rows, TRIAL)
    files.write_json(folder.done, {"trial": TRIAL.id, "best_epoch": 2})
    found = {one.parameter: one.value for one in latent_scores(TRIAL, trials, folder)}
    assert found == {"initial-condition": 0.1, "input": 0.2}
    assert sum(found.values()) < LEAST_NATS
