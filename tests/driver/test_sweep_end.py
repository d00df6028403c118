from raysp.driver import sweep, sweep_record
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.search.page import page
from tests.search import made_up


def test_the_report_of_a_sweep_that_is_finished_is_drawn_when_the_record_says_so(tmp_path, monkeypatch):
    made, ended = made_up.study(tmp_path), []
    one = made_up.active(made, 3)
    made_up.work(one)
    write_yaml(made.run.experiment, {"kind": "sweep", "trials": [], "submissions": [{"command": "raysp sweep e.py"}]})
    monkeypatch.setattr(page, "write_sweep_report", lambda run: ended.append(run.record()["submissions"][-1]["ended"]))
    sweep.finish(made.run, [one], lambda text: None)
    assert ended == ["finished"]


def test_a_study_is_thrown_away_without_the_trials_of_another_whose_name_begins_as_its_own(tmp_path):
    study = made_up.study(tmp_path)
    prefix = f"{study.definition.model}_{study.definition.split}"
    own = [f"{prefix}_s0_0123456789", f"{prefix}_s12_abcdef0123"]
    others = [f"{prefix}_s2_s0_0123456789", f"{prefix}_s0", f"{prefix}-2_s0_0123456789", f"x{prefix}_s0_0123456789"]
    for name in (*own, *others):
        files.write_text(study.run.trial(name).done, "{}")
    sweep_record.throw_away(study)
    assert files.listing(f"{study.run.path}/trials") == sorted(others)
    assert not files.exists(study.path)
