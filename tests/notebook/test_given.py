"""Arguments of other kinds than a function of the notebook's face takes, each refused in one sentence."""

import numpy as np
import pytest

import raysp
from raysp.errors import BadInput, NotReady
from raysp.notebook import given

COUNTS = np.random.default_rng(0).poisson(0.4, (20, 15, 6))
EXPERIMENT = raysp.Experiment("e", (raysp.ModelChoice("mean_rate"),), ("mc_maze_small-20ms-val",))
CALLS = {
    "expected a raysp.Experiment, got str; a file: raysp run FILE": lambda: raysp.run("e.py"),
    "root expected a path, got NoneType": lambda: raysp.run(EXPERIMENT, root=None),
    "runs expected a path, got an empty one": lambda: raysp.run(EXPERIMENT, runs=""),
    r"models expected names, got 3 \(int\)": lambda: raysp.run(EXPERIMENT, models=[3]),
    "each run expected a path, got list": lambda: raysp.ensemble(["a", "b"]),
    "unknown way to weigh 'greed': did you mean 'greedy'": lambda: raysp.ensemble("a", weights="greed"),
    "top expected a number of members or None, got '2'": lambda: raysp.ensemble("a", top="2"),
    "path expected a path, got NoneType": lambda: raysp.open_run(None),
    "path expected a path, got an empty one": lambda: raysp.open_run(""),
    "name and source expected text, got 3": lambda: raysp.load_split(COUNTS, bin_ms=20, name=3),
    "each of spaces expected a path, got int": lambda: raysp.best("a.npz", spaces=[3]),
}
OF_A_SPLIT = {
    "threads expected int, got '2'": lambda split: raysp.fit("mean_rate", split, threads="2"),
    "threads expected at least 1": lambda split: raysp.fit("mean_rate", split, threads=0),
    r"hyperparameters expected settings by name, got \[1\]": lambda split: raysp.fit("sae", split, hyperparameters=[1]),
    "training expected settings by name, got 3": lambda split: raysp.fit("sae", split, training=3),
    "expected a fitted model, of raysp.fit say, got str": lambda split: raysp.few_shot_co_bps("sae", split, 3),
}
OF_A_MODEL = {
    "expected a split of raysp.load_split, or a part of one, got NoneType": lambda fitted, split: fitted.predict(None),
    "got str; load_split takes counts": lambda fitted, split: fitted.predict("eval"),
    "got an array; load_split": lambda fitted, split: fitted.predict(COUNTS),
    "silence expected several values": lambda fitted, split: fitted.perturb(split, silence=3),
    "drive expected Mapping": lambda fitted, split: fitted.perturb(split, drive=[1]),
    "drive of 1 expected float": lambda fitted, split: fitted.perturb(split, drive={1: "much"}),
}


@pytest.fixture(scope="module")
def split():
    return raysp.load_split(COUNTS, bin_ms=20)


@pytest.fixture(scope="module")
def fitted(split):
    return raysp.fit("mean_rate", split, progress=False)


@pytest.mark.parametrize("said", CALLS)
def test_what_is_no_name_and_no_path_is_refused(said):
    with pytest.raises(BadInput, match=said):
        CALLS[said]()


@pytest.mark.parametrize("said", OF_A_SPLIT)
def test_what_is_no_setting_is_refused(said, split):
    with pytest.raises(BadInput, match=said):
        OF_A_SPLIT[said](split)


@pytest.mark.parametrize("said", OF_A_MODEL)
def test_what_is_nothing_to_predict_is_refused(said, fitted, split):
    with pytest.raises(BadInput, match=said):
        OF_A_MODEL[said](fitted, split)


def test_units_to_silence_may_be_a_range_or_a_set(fitted, split):
    for units in (range(2), {0, 1}):
        with pytest.raises(BadInput, match="nothing is perturbed"):
            fitted.perturb(split, silence=units)


def test_one_name_is_one_and_no_row_of_letters(tmp_path):
    assert given.names("sae", "models") == given.names(["sae"], "models") == ("sae",)
    with pytest.raises(BadInput, match="unknown setting 'epochs'"):
        raysp.run(EXPERIMENT, tmp_path, tmp_path, sets="epochs=3")
    with pytest.raises(NotReady, match="mc_maze_small"):
        raysp.run(EXPERIMENT, tmp_path, tmp_path, splits="mc_maze_*")
