"""raysp check on a person's own model, source and kind: good ones pass, and what is missing is said in words."""

import pathlib
import re
import shutil

import pytest
from click.testing import CliRunner

from raysp.cli import main
from raysp.config import own_code, plugins
from raysp.kinds import contract

HERE = pathlib.Path(__file__).parent.parent
LSTM = (HERE / "own/models/lstm.py").read_text()
GRU = (HERE / "own/models/current_gru.py").read_text()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    plugins.plug({})


def check(*arguments):
    found = CliRunner().invoke(main, ["check", *arguments], catch_exceptions=False)
    return found.exit_code, found.output


def test_a_good_model_passes_all(tmp_path):
    (tmp_path / "lstm.py").write_text(LSTM)
    code, output = check("lstm.py")
    assert (code, "22 of 22 checks passed" in output, "!!" in output) == (0, True, False), output


@pytest.mark.parametrize(
    ("old", "new", "what", "says"),
    [
        ("hidden: Count = 16", "hidden: int = 16", "negative settings", "hidden -1 is accepted"),
        (
            "hidden: Count = 16",
            "hidden: list[int] = 16",
            "has a default",
            r"cannot be of the type list\[int\]; several",
        ),
        ("hidden: Count = 16", "hidden: 'Cuont' = 16", "has a default", "expected names that its file imports"),
        ("hidden: Count = 16", "hidden = 16", "has a default", "hidden = 16 is no setting of Config, it has no type"),
        ("hidden: Count = 16", "hidden: Count", "has a default", "needs the setting 'hidden', which has no default"),
        ("batch.whole()", "batch.heldout", "moves every weight: no held-out units", "'NoneType' object has no attr"),
        ("batch.heldin.nan_to_num(0.0)", "batch.heldin", "rates .*: unobserved bins", "got NaN, infinite or < 0"),
        ("if self.sizes.forward else None", "", "rates .*: no forward", "rates_forward expected None"),
        (".clamp(max=5).exp()", "", "rates .*: whole", "got NaN, infinite or < 0"),
        ("Loss.mean((", "Loss.mean(torch.rand(()) * (", "in evaluation", "then"),
        ("self.rates(batch).float()", "self.rates(batch) * torch.rand(1)", "predicting twice", "the second prediction"),
        ("return Loss.mean(", "return (", "moves every weight: whole", "Loss with a total, got tuple"),
        ("self.output = ", "self.more, self.output = nn.Linear(2, 2), ", "weight: whole", "no gradient reaches more"),
    ],
)
def test_what_a_model_lacks_is_said(tmp_path, old, new, what, says):
    assert old in LSTM
    (tmp_path / "lstm.py").write_text(LSTM.replace(old, new))
    own_code.taken("models", "lstm.py")
    (one,) = [each for each in contract.of_model("lstm") if re.search(what, each.what)]
    with pytest.raises(Exception, match=says):
        one.run("lstm")


def test_a_good_network_of_injected_currents_passes_all(tmp_path):
    (tmp_path / "current_gru.py").write_text(GRU)
    code, output = check("current_gru.py")
    assert (code, "14 of 14 checks passed" in output, "!!" in output) == (0, True, False), output


@pytest.mark.parametrize(
    ("old", "new", "what", "says"),
    [
        ("def predict", "def forecast", "predicting twice", "neither fit.split, stages., to fit itself, nor predict"),
        ("rates(self.log_rates(batch))", "self.log_rates(batch)", "of 3 cells", "expected finite numbers >= 0"),
        ("[..., 0] + ", "[:, 1:, 0] + ", "of 3 cells", r"rates expected \(\d+, \d+\), got"),
        ("(seen[..., None])", "(seen[..., None].flip(1))", "nor on what follows", "alone, current 1 of"),
        ("(self.log_rates(batch)) /", "(self.log_rates(batch) + batch.counts) /", "was answered", "another one"),
        ("batch.counts, batch.repeats", "batch.counts, batch.repeats + 1", "without repeats", "it is another one"),
        ('self.register_buffer("scale", ', "setattr(self, 'scale', ", "state dict", "predicts something else"),
    ],
)
def test_what_a_network_of_injected_currents_lacks_is_said(tmp_path, old, new, what, says):
    assert GRU.count(old) == 1
    (tmp_path / "current_gru.py").write_text(GRU.replace(old, new))
    own_code.taken("models", "current_gru.py")
    (one,) = [each for each in contract.of_model("current_gru") if re.search(what, each.what)]
    with pytest.raises(Exception, match=says):
        one.run("current_gru")


def test_the_first_failure_of_what_all_others_need_ends_it_and_others_say_where(tmp_path):
    (tmp_path / "lstm.py").write_text(LSTM.replace("hidden: Count = 16", "hidden: Count"))
    code, output = check("lstm.py")
    assert (code, len(output.splitlines())) == (1, 4), output
    assert "the others need that, and were not run" in output
    (tmp_path / "lstm.py").write_text(LSTM.replace("batch.whole()", "batch.heldout"))
    code, output = check("lstm.py")
    assert code == 1
    assert (
        "no held-out units: lstm.py, line 40: AttributeError: 'NoneType' object has no attribute 'shape'; batch.held"
        in output
    )


def test_what_fails_on_plain_data_is_explained_there_and_not_by_what_is_odd_about_others(tmp_path):
    (tmp_path / "lstm.py").write_text(LSTM.replace("(0, 0, 0, self.sizes.forward)", "(0, 0, 0, 0)"))
    code, output = check("lstm.py")
    assert code == 1
    assert re.search(r"units: whole: .* expected shape \(12, 2, 9\), got .* and in sizes\.forward more", output)
    assert not re.search("no layer may need several|no statistics over the trials|leave them out of the loss", output)


def test_a_source_is_built_where_its_settings_are_given_and_told_what_it_needs(tmp_path):
    shutil.copy(HERE / "own/sources/poisson.py", tmp_path)
    assert "5 of 5 checks passed" in check("poisson.py")[1]
    text = (tmp_path / "poisson.py").read_text()
    (tmp_path / "poisson.py").write_text(text.replace("default_rng(0)", "default_rng()"))
    code, output = check("poisson.py")
    assert (code, "the second time, the arrays are others: seed what is drawn" in output) == (1, True), output
    (tmp_path / "poisson.py").write_text(text.replace("trials: int = 40", "trials: int"))
    assert "nothing was built; give --set trials=VALUE" in check("poisson.py")[1]
    assert "5 of 5 checks passed" in check("poisson.py", "--set", "trials=10")[1]


def test_a_folder_of_a_kind_is_checked_for_all_that_it_gives(tmp_path):
    shutil.copytree(HERE / "tiny/signals", tmp_path / "signal")
    code, output = check("./signal")
    assert code == 1
    assert "its floor is a model that reads it: unknown model 'signal_step'" in output
    assert "source signal\n" in output
    assert "model signal\n" in output
    (tmp_path / "signal" / "model.py").rename(tmp_path / "signal" / "signal_step.py")
    code, output = check("./signal")
    assert "ok  its floor is a model that reads it" in output
    assert "model signal_step\n" in output
    (tmp_path / "signal" / "signal_step.py").rename(tmp_path / "signal" / "model.py")
    (tmp_path / "signal" / "kind.py").write_text(
        (tmp_path / "signal" / "kind.py").read_text().replace('"signal", "signal_step"', '"signal", "signal"')
    )
    code, output = check("./signal")
    assert "ok  its floor is a model that reads it" in output
    shutil.move(tmp_path / "signal", tmp_path / "waves")
    assert "expected the kind of data of its folder's name, waves, got 'signal'" in check("./waves")[1]


def test_what_gives_nothing_is_refused():
    pathlib.Path("experiment.py").write_text("def experiment():\n    pass\n")
    code, output = check("experiment.py")
    assert (code, "an experiment is checked by raysp run FILE --dry-run" in output) == (2, True)
    assert "unknown model, source or kind 'lsmt'" in check("lsmt")[1]
