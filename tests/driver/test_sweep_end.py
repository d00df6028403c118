from raysp.driver import sweep
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
