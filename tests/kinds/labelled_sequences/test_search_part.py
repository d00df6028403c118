"""A search sees no test part, is told validation numbers by name, and takes neurons of another run along."""

from __future__ import annotations

import pytest

from raysp.config import settings
from raysp.config.experiment import ModelChoice, Trial
from raysp.data.splits import store
from raysp.errors import BadInput
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.runs.trial_log import Setting
from raysp.search.objective import check_objectives
from raysp.search.outcome import outcome
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from raysp.search.study import Candidate, Definition, Study
from raysp.trials.search_trial import search_trial
from tests.kinds.labelled_sequences.made_up import NAME, TRAINING


def test_a_trial_of_a_search_reports_loss_and_accuracy_of_the_validation_part(waves, tmp_path):
    config = settings.plain(catalog.config("rnn_classifier", {"hidden": 12, "readouts": 3}))
    trial = Trial("rnn_classifier", config, TRAINING, NAME, waves.split.fingerprint())
    search_trial(trial, store.load_training(waves.root, NAME), Setting(str(tmp_path), waves.root))
    found = outcome(RunFolder(str(tmp_path)).trial(trial.id)).values
    whole = waves.run.trial(waves.of("rnn_classifier").id).read_metrics()["validation"]
    for name in ("validation_loss", "unseen_loss", "validation accuracy"):
        assert found[name] == (whole[name] if name in whole else pytest.approx(whole["unseen_loss"], rel=1e-4))


def test_an_objective_that_no_trial_reports_is_refused(waves):
    header, kind = store.header(waves.root, NAME), kinds.of("labelled_sequences")
    check_objectives(["validation accuracy"], kind, header)
    with pytest.raises(BadInput, match="co-bps is no number of labelled sequences' trials"):
        check_objectives(["co-bps"], kind, header)


def test_candidates_of_a_study_start_from_the_neurons_that_its_experiment_names(waves, tmp_path):
    source = files.join(waves.run.trial(waves.of("gfr_network").id).path, "neurons.parquet")
    choice = ModelChoice("gfr_network", {"neurons": source, "hidden": 12})
    base = flat(settings.plain(catalog.config(choice.name, dict(choice.hyperparameters))), TRAINING)
    space = parse_space({"model": "gfr_network", "space": {"model.hidden": {"int": [4, 12]}}}, "space")
    study = Study(RunFolder(str(tmp_path)), Definition(NAME, waves.split.fingerprint(), base, space))
    trial = study.trial(Candidate(0, "defaults", {"model.hidden": 5}), 0)
    assert trial.inputs is not None
    done = search_trial(trial, store.load_training(waves.root, NAME), Setting(str(tmp_path), waves.root))
    assert done["parameters"] == 5 * 4 + 5 + 25 + 5 + 3 * 5 + 3 + 2 * 4 * 5
    with pytest.raises(BadInput, match="expected 13 neurons or more"):
        study.trial(Candidate(1, "tpe", {"model.hidden": 13}), 0)
