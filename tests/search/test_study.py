import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings

from raysp.config import code_hash
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.runs.folder import RunFolder, trial_to
from raysp.search.result import read_result
from raysp.search.space_file import parse_space
from raysp.search.study import Candidate, Halving, Study, differences, read_studies, read_study
from tests.search.random_spaces import spaces
from tests.search.recorded import PARAMS, SPACE, definition, end, study

EVERYTHING = {
    "start": [{"model.hidden": 64}],
    "objectives": ("validation_loss",),
    "sampler": "random",
    "seed": 3,
    "seeds": (0, 1),
    "in_flight": 2,
    "halving": Halving(10, 4),
    "units": (0, 1, 4),
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
        ("3", "000001.json is damaged: expected values by name"),
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
    assert (
        found.hyperparameters["hidden"],
        found.hyperparameters["encoder_hidden"],
        found.hyperparameters["layers"],
    ) == (32, 32, 1)
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


CODE = {"raysp/models/sae.py": "a" * 64, "raysp/objectives/poisson.py": "b" * 64}
EDITED = {**CODE, "raysp/models/sae.py": "c" * 64}


def test_the_order_of_a_spaces_lines_is_part_of_a_study_where_values_are_drawn_by_it(tmp_path):
    made = study(tmp_path)
    names = [name for name in SPACE if name != "model.encoder_hidden"]
    turned = {name: SPACE[name] for name in ["model.encoder_hidden", *names]}
    same = dataclasses.replace(made.definition, space=parse_space({"model": "sae", "space": turned}, "here"))
    # A coupled setting is not drawn, wherever its line stands.
    Study(made.run, same).check()
    turned = {name: SPACE[name] for name in reversed(SPACE)}
    other = dataclasses.replace(made.definition, space=parse_space({"model": "sae", "space": turned}, "here"))
    with pytest.raises(BadInput, match=r"another study \(the order of the space's lines: model.hidden, .* there, "):
        Study(made.run, other).check()


@pytest.mark.parametrize(("sampler", "differs"), [("tpe", True), ("random", False), ("grid", False)])
def test_how_many_candidates_are_at_work_counts_where_they_learn_from_each_other(tmp_path, sampler, differs):
    made = study(tmp_path, sampler=sampler)
    found = differences(made.definition, dataclasses.replace(made.definition, in_flight=7))
    assert found == (["in_flight: 4 there, 7 now"] if differs else [])


def test_the_order_of_seeds_is_no_part_of_a_study(tmp_path):
    made = study(tmp_path, seeds=(0, 1))
    assert differences(made.definition, dataclasses.replace(made.definition, seeds=(1, 0))) == []
    assert differences(made.definition, dataclasses.replace(made.definition, seeds=(1, 2))) == [
        "seeds: [0, 1] there, [1, 2] now"
    ]


def test_candidates_of_other_code_are_not_mixed_unless_a_person_says_so(tmp_path):
    made = study(tmp_path, code=CODE)
    for candidate in made.candidates():
        made.named(candidate, (0,))
    end(made, 0, validation_loss=1.0)
    ids = [made.trial_id(candidate, 0) for candidate in made.candidates()]
    edited = Study(made.run, dataclasses.replace(made.definition, code=EDITED))
    with pytest.raises(BadInput, match=r"other code \(raysp/models/sae.py\).*--accept-code.*--name.*--force"):
        edited.write()
    edited.write(accept={"who": "me", "time": "now"})
    found = read_study(made.run, "sae", "standin-x-20ms-val")
    assert found.definition.code == EDITED
    assert [(one["who"], one["files"], one["before"]) for one in found.accepted] == [
        ("me", ["raysp/models/sae.py"], CODE)
    ]
    # What had ended keeps its name; what had not will be of today's code.
    assert [bool(candidate.trials) for candidate in found.candidates()] == [True, False, False]
    assert found.trial_id(found.candidates()[0], 0) == ids[0]
    edited.write()
    assert read_study(made.run, "sae", "standin-x-20ms-val") == found


def test_a_finished_study_is_read_by_the_names_it_wrote_down(tmp_path, monkeypatch):
    made = study(tmp_path, code=CODE)
    for candidate in made.candidates():
        made.named(candidate, (0,))
    for number in range(3):
        end(made, number, validation_loss=1.0 + number)
    before = {key: one.values for key, one in read_result(made).outcomes.items()}
    monkeypatch.setattr(code_hash, "of_model", lambda *_: {"raysp/models/sae.py": "e" * 64})
    found = read_result(read_study(made.run, "sae", "standin-x-20ms-val"))
    assert {key: one.values for key, one in found.outcomes.items()} == before
    assert found.winner == 0


def test_a_study_from_before_the_code_was_noted_is_read_by_the_names_of_that_time(tmp_path):
    made = study(tmp_path)
    trial = made.trial(made.candidates()[0], 0)
    plain = {name: value for name, value in trial_to(trial).items() if name not in ("id", "label", "code", "bred")}
    assert trial.id == f"sae_standin-x-20ms-val_s0_{files.digest(plain)[:10]}"
    with pytest.raises(BadInput, match=r"other code \(of which nothing was noted\)"):
        Study(made.run, dataclasses.replace(made.definition, code=CODE)).check()
