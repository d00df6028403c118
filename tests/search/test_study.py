import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings

from raysp import files
from raysp.errors import BadInput, NotReady
from raysp.runs import RunFolder
from raysp.search.space_file import parse_space
from raysp.search.study import Candidate, Halving, Study, read_studies, read_study
from tests.search.random_spaces import spaces
from tests.search.recorded import PARAMS, SPACE, definition, study

EVERYTHING = {
    "start": [{"model.hidden": 64}],
    "objectives": ("validation_loss",),
    "sampler": "random",
    "seed": 3,
    "seeds": (0, 1),
    "in_flight": 2,
    "halving": Halving(10, 4),
    "neurons": (0, 1, 4),
}


def test_what_is_written_reads_back_the_same(tmp_path):
    made = study(tmp_path, **EVERYTHING)
    found = read_study(made.run, "sae", "standin-x-20ms-val")
    assert found == made
    assert read_studies(made.run) == [made]
    assert found.trial(Candidate(0, "tpe", PARAMS[0]), 1).id == made.trial(Candidate(0, "tpe", PARAMS[0]), 1).id


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(spaces())
def test_any_space_reads_back_the_same(tmp_path, space):
    files.remove(str(tmp_path / "x"))
    made = Study(RunFolder(str(tmp_path / "x")), dataclasses.replace(definition(), space=space))
    made.write()
    assert read_study(made.run, "made_up", "standin-x-20ms-val") == made


def test_the_same_study_may_be_written_again(tmp_path):
    made = study(tmp_path, **EVERYTHING)
    before = files.read_text(files.join(made.path, "study.yaml"))
    made.write()
    assert files.read_text(files.join(made.path, "study.yaml")) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "seed: 0 there, 4 now"),
        ({"data": "e" * 64}, "data: ffff.* there, eeee.* now"),
        ({"sampler": "random"}, "sampler: tpe there, random now"),
        ({"halving": Halving(5)}, "halving: None there, .*grace"),
        ({"base": {"training.epochs": 7}}, "base training.epochs: 500 there, 7 now"),
        ({"space": {"model.dropout": {"uniform": [0, 0.5], "step": 0.1}}}, "space.*0.6.* there, .*0.5.* now"),
    ],
)
def test_another_study_in_the_folder_is_refused_and_changes_nothing(tmp_path, changes, message):
    made = study(tmp_path)
    path = files.join(made.path, "study.yaml")
    before = files.read_text(path)
    if "base" in changes:
        changes = {"base": {**made.definition.base, **changes["base"]}}
    if "space" in changes:
        changes = {"space": parse_space({"model": "sae", "space": {**SPACE, **changes["space"]}}, "here")}
    other = Study(made.run, dataclasses.replace(made.definition, **changes))
    with pytest.raises(BadInput, match=rf"another study.*{message}.*--name.*--force"):
        other.write()
    with pytest.raises(BadInput, match="another study"):
        other.check()
    assert files.read_text(path) == before


def test_candidates_are_in_the_order_of_proposal(tmp_path):
    made = study(tmp_path, candidates=0)
    written = [Candidate(n, "tpe", {"model.hidden": 16 + n}, inside=n != 3) for n in range(12)]
    for candidate in reversed(written):
        made.add(candidate)
    assert made.candidates() == written


def test_a_file_that_was_being_written_is_no_candidate(tmp_path):
    made = study(tmp_path)
    files.write_text(files.join(made.path, "candidates", ".abc12345.000001.json"), '{"num')
    assert [candidate.number for candidate in made.candidates()] == [0, 1, 2]


def test_a_missing_candidate_is_refused(tmp_path):
    made = study(tmp_path)
    files.remove(files.join(made.path, "candidates", "000001.json"))
    with pytest.raises(BadInput, match="candidate 1 is missing"):
        made.candidates()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"number": 1', "000001.json is not JSON"),
        ('{"number": 1, "source": "guess", "params": {}}', "candidate 000001.json, source"),
        ('{"number": 1, "source": "tpe"}', "needs the setting 'params'"),
        ('{"number": 1, "source": "tpe", "params": {}, "extra": 1}', "unknown setting of candidate 000001.json"),
        ("3", "expected settings by name"),
    ],
)
def test_a_damaged_candidate_is_refused(tmp_path, text, message):
    made = study(tmp_path)
    files.write_text(files.join(made.path, "candidates", "000001.json"), text)
    with pytest.raises(BadInput, match=message):
        made.candidates()


@pytest.mark.parametrize("text", ["space: [", "[]", "sampler: tpe\n", "space: {model: sae}\n"])
def test_a_damaged_study_is_refused(tmp_path, text):
    made = study(tmp_path)
    files.write_text(files.join(made.path, "study.yaml"), text)
    with pytest.raises(BadInput, match=r"study\.yaml"):
        read_studies(made.run)


def test_a_folder_without_studies_is_not_ready(tmp_path):
    with pytest.raises(NotReady, match="holds no sweep"):
        read_studies(RunFolder(str(tmp_path)))


def test_a_trial_has_the_candidates_settings_and_the_experiments_others():
    found = definition().trial(PARAMS[1], seed=5)
    assert (found.settings["hidden"], found.settings["encoder_hidden"], found.settings["layers"]) == (32, 32, 1)
    assert (found.training.schedule, found.training.plateau_patience, found.training.epochs) == ("plateau", 20, 500)
    assert (found.model, found.split, found.seed) == ("sae", "standin-x-20ms-val", 5)


def test_rounding_of_steps_makes_no_other_trial():
    mine = {**PARAMS[0], "model.dropout": 0.30000000000000004}
    assert definition().trial(mine, 0).id == definition().trial({**mine, "model.dropout": 0.3}, 0).id


def test_a_candidate_that_config_refuses_is_named():
    with pytest.raises(BadInput, match=r"candidate .*'model\.dropout': 3.*dropout expected a share"):
        definition().trial({"model.dropout": 3.0}, 0)


def test_rungs_lie_before_the_last_epoch():
    assert Halving(10, 3).rungs(270) == (10, 30, 90)
    assert Halving(10, 3).rungs(271) == (10, 30, 90, 270)
    assert definition(halving=Halving(100)).rungs == (100, 300)
    assert definition().rungs == ()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Halving(0), "grace >= 1"),
        (lambda: Halving(1, 1), "reduction >= 2"),
        (lambda: definition(halving=Halving(500)), "less than the 500 epochs"),
        (lambda: definition(in_flight=0), "in_flight expected at least 1"),
        (lambda: definition(halving=Halving(5), objectives=("validation_loss", "co-bps")), "one objective"),
        (
            lambda: definition({"training.epochs": {"int": [10, 20]}}, halving=Halving(5)),
            "training.epochs in the space",
        ),
        (
            lambda: dataclasses.replace(
                definition(),
                base={"model.alpha": 1.0},
                space=parse_space({"model": "smoothing", "space": {"model.alpha": {"uniform": [1, 2]}}}, "here"),
                halving=Halving(5),
            ),
            "smoothing fits itself",
        ),
    ],
)
def test_refuses(make, message):
    with pytest.raises(BadInput, match=message):
        make()
