from __future__ import annotations

import dataclasses
import errno
import os

import h5py
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

import raysp
from raysp import cli
from raysp.config.experiment import Training
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds.population import submission as module
from raysp.kinds.population.submission import choose_model, submissions
from raysp.kinds.population.submission_check import check_submission
from tests.collection.made_up import SIZES, make_trial

SMALL = "mc_maze_small-20ms-val"
TRAINED = {"training": Training()}


def finished(lab, model: str = "sae", name: str = SMALL, seed: int = 0, **more):
    split = lab.split(name)
    trial = lab.trained(model, split, seed, **more)
    return trial, lab.finish(trial, split)


def arrays(path: str) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def test_one_seed_is_written_bit_for_bit_under_the_benchmarks_names(lab):
    trial, parts = finished(lab)
    (path,) = submissions(lab.run, lab.root)
    assert path == lab.run.submission("val", standin=False)
    found = arrays(path)
    train, evaluation, forward = parts["train"].rates, parts["eval"].rates, parts["eval"].rates_forward
    expected = {
        "mc_maze_small_20/train_rates_heldin": train[..., :4],
        "mc_maze_small_20/train_rates_heldout": train[..., 4:],
        "mc_maze_small_20/eval_rates_heldin": evaluation[..., :4],
        "mc_maze_small_20/eval_rates_heldout": evaluation[..., 4:],
        "mc_maze_small_20/eval_rates_heldin_forward": forward[..., :4],
        "mc_maze_small_20/eval_rates_heldout_forward": forward[..., 4:],
    }
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)
    with h5py.File(path, "r") as file:
        assert file["mc_maze_small_20/eval_rates_heldin"].compression == "gzip"
        assert (file.attrs["raysp"], file.attrs["model"], file.attrs["phase"]) == (raysp.__version__, "sae", "val")
        assert not file.attrs["standin"]
        assert list(file["mc_maze_small_20"].attrs["trials"]) == [trial.id]


def test_every_phase_and_stand_in_has_its_own_file_with_all_its_groups(lab):
    for name in (
        SMALL,
        "mc_maze_small-05ms-val",
        "mc_rtt-20ms-val",
        "mc_rtt-20ms-test",
        "standin-dmfc_rsg-20ms-val",
        "standin-dmfc_rsg-05ms-test",
        "lorenz",
    ):
        finished(lab, name=name)
    written = submissions(lab.run, lab.root)
    assert [os.path.basename(path) for path in written] == [
        "submission-val.h5",
        "standin-submission-val.h5",
        "submission-test.h5",
        "standin-submission-test.h5",
    ]
    groups = [sorted(h5py.File(path, "r")) for path in written]
    assert groups == [["mc_maze_small", "mc_maze_small_20", "mc_rtt_20"], ["dmfc_rsg_20"], ["mc_rtt_20"], ["dmfc_rsg"]]
    assert h5py.File(written[1], "r").attrs["standin"]


def test_seeds_are_averaged_or_one_is_taken(lab):
    all_rates = [finished(lab, seed=seed)[1]["eval"] for seed in (0, 1, 2)]
    (path,) = submissions(lab.run, lab.root)
    name = "mc_maze_small_20/eval_rates_heldin"
    mean = np.mean([prediction.rates.astype(np.float64) for prediction in all_rates], axis=0)
    np.testing.assert_allclose(arrays(path)[name], mean[..., :4], rtol=1e-7)
    forward = np.mean([prediction.rates_forward for prediction in all_rates], axis=0)
    np.testing.assert_allclose(arrays(path)[name + "_forward"], forward[..., :4], rtol=1e-6)
    submissions(lab.run, lab.root, seeds=1)
    np.testing.assert_array_equal(arrays(path)[name], all_rates[1].rates[..., :4])
    with pytest.raises(BadInput, match=r"\[0, 1, 2\].*'mean', got 5"):
        submissions(lab.run, lab.root, seeds=5)
    np.testing.assert_array_equal(arrays(path)[name], all_rates[1].rates[..., :4])


def test_a_model_without_forward_rates_submits_none(lab):
    split = lab.split(SMALL)
    lab.finish(lab.trained("sae", split), split, forward=False)
    (path,) = submissions(lab.run, lab.root)
    assert not [name for name in arrays(path) if name.endswith("forward")]


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([("sae", True)], "sae"),
        ([("mean_rate", False), ("sae", True)], "sae"),
        ([("mean_rate", False), ("smoothing", False), ("sae", True), ("true_rates", False)], "sae"),
        ([("mean_rate", False), ("smoothing", False)], "smoothing"),
        ([("mean_rate", False)], "mean_rate"),
    ],
)
def test_the_model_that_is_meant(lab, models, expected):
    trials = [make_trial(name, training=Training() if trained else None) for name, trained in models]
    lab.plan(*trials)
    assert choose_model(lab.run, trials) == expected


def test_the_experiment_says_what_floor_and_ceiling_are(lab):
    trials = [make_trial("sae"), make_trial("smoothing")]
    lab.plan(*trials)
    record = {**lab.run.record(), "experiment": {"floor": "smoothing", "ceiling": "true_rates"}}
    files.write_text(lab.run.experiment, yaml.safe_dump(record))
    assert choose_model(lab.run, trials) == "sae"


def test_of_two_trained_models_one_must_be_named(lab):
    first, second = finished(lab, "sae", **TRAINED), finished(lab, "ndt", **TRAINED)
    with pytest.raises(BadInput, match=r"several models .*sae, ndt.*--model sae"):
        submissions(lab.run, lab.root)
    (path,) = submissions(lab.run, lab.root, model="ndt")
    np.testing.assert_array_equal(arrays(path)["mc_maze_small_20/eval_rates_heldout"], second[1]["eval"].rates[..., 4:])
    with pytest.raises(BadInput, match="did you mean 'sae'"):
        submissions(lab.run, lab.root, model="sea")
    assert first[0].id != second[0].id


def test_unfinished_splits_are_refused_unless_partial(lab):
    finished(lab)
    missing = lab.trained("sae", lab.split("mc_rtt-20ms-val"))
    with pytest.raises(NotReady, match=f"1 of 2 trials.*{missing.id}"):
        submissions(lab.run, lab.root)
    assert not os.path.exists(lab.run.submission("val", standin=False))
    (path,) = submissions(lab.run, lab.root, partial=True)
    assert {name.partition("/")[0] for name in arrays(path)} == {"mc_maze_small_20"}


def test_other_models_that_are_unfinished_do_not_matter(lab):
    finished(lab)
    lab.trained("mean_rate", lab.split(SMALL))
    assert len(submissions(lab.run, lab.root)) == 1


def test_splits_that_are_no_benchmark_are_not_submitted(lab):
    finished(lab, name="lorenz")
    with pytest.raises(BadInput, match=r"no split of the Neural Latents Benchmark \(its splits: lorenz\)"):
        submissions(lab.run, lab.root)


@pytest.mark.parametrize(
    ("split", "options", "message"),
    [
        (SMALL, ("--model", "sea"), "did you mean 'sae'"),
        (SMALL, ("--seed", "5"), "seed expected one of [0]"),
        ("lorenz", ("--model", "sae"), "--model and --seed expected splits of a benchmark"),
    ],
)
def test_a_choice_that_cannot_be_submitted_is_refused_before_anything_is_gathered(lab, split, options, message):
    finished(lab, name=split)
    result = CliRunner().invoke(cli.main, ["collect", lab.run.path, "--root", lab.root, *options])
    assert (result.exit_code, message in result.output) == (2, True), result.output
    assert not os.path.exists(lab.run.predictions)


def test_a_unit_subset_is_not_submitted(lab):
    split = lab.split(SMALL)
    units = (0, 2, 5)
    trial = lab.trained("sae", split, units=units)
    lab.finish(trial, split.select(units))
    with pytest.raises(BadInput, match="unit subset"):
        submissions(lab.run, lab.root)


def test_rates_that_do_not_fit_the_prepared_split_are_refused_and_nothing_is_lost(lab):
    finished(lab)
    (path,) = submissions(lab.run, lab.root)
    before = arrays(path)
    split = lab.split("mc_rtt-20ms-val")
    trial = lab.trained("sae", split)
    other = dataclasses.replace(split.sizes, heldin=5, heldout=1)
    lab.finish(trial, dataclasses.replace(split, sizes=other, train=_reshaped(split, 5), eval=_reshaped(split, 5)))
    with pytest.raises(BadInput, match=r"train_rates_heldin expected shape \(7, 6, 4\), got \(7, 6, 5\)"):
        submissions(lab.run, lab.root)
    assert set(arrays(path)) == set(before)


def test_a_split_prepared_anew_is_refused(lab):
    finished(lab)
    lab.split(SMALL, seed=9)
    with pytest.raises(BadInput, match="prepared anew"):
        submissions(lab.run, lab.root)


def test_a_full_disk_keeps_the_submission_that_was_there(lab, monkeypatch):
    finished(lab)
    (path,) = submissions(lab.run, lab.root)
    before = arrays(path)
    write, left = module.write_array, [2]

    def filling(*args):
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        write(*args)

    monkeypatch.setattr(module, "write_array", filling)
    with pytest.raises(OSError, match="No space left"):
        submissions(lab.run, lab.root)
    assert [name for name in os.listdir(lab.run.path) if name.endswith(".h5")] == ["submission-val.h5"]
    assert {name: array.tobytes() for name, array in arrays(path).items()} == {
        name: array.tobytes() for name, array in before.items()
    }


def test_the_benchmarks_judge_accepts_the_file(lab):
    nlb = pytest.importorskip("raysp.evaluation.nlb")
    pytest.importorskip("nlb_tools")
    sizes = Sizes("mc_maze_small", 20, 12, 9, 5, 4, 2)
    split = lab.split(SMALL, trials=(24, 20), sizes=sizes)
    lab.finish(lab.trained("sae", split), split)
    (path,) = submissions(lab.run, lab.root)
    rng = np.random.default_rng(3)
    truth = {
        "eval_spikes_heldout": rng.poisson(0.3, (20, 12, 5)).astype(np.float32),
        "train_behavior": split.train.behavior,
        "eval_behavior": rng.standard_normal((20, 12, 2)),
        "eval_spikes_heldin_forward": rng.poisson(0.3, (20, 4, 9)).astype(np.float32),
        "eval_spikes_heldout_forward": rng.poisson(0.3, (20, 4, 5)).astype(np.float32),
    }
    scores = nlb.judge({"mc_maze_small_20": truth}, path)["mc_maze_small_20"]
    assert set(scores) == {"co-bps", "vel R2", "fp-bps"}
    rates = arrays(path)["mc_maze_small_20/eval_rates_heldout"]
    assert scores["co-bps"] == pytest.approx(nlb.bits_per_spike(rates, truth["eval_spikes_heldout"]))


def test_the_check_finds_nothing_wrong_with_what_was_written(lab):
    finished(lab)
    finished(lab, name="dmfc_rsg-05ms-val")
    (path,) = submissions(lab.run, lab.root)
    assert check_submission(path, lab.root) == [
        "dmfc_rsg: 7 training, 5 evaluation trials, with forward bins",
        "mc_maze_small_20: 7 training, 5 evaluation trials, with forward bins",
    ]


def test_the_check_lists_every_mismatch_at_once(lab):
    finished(lab)
    finished(lab, name="mc_rtt-20ms-val")
    (path,) = submissions(lab.run, lab.root)
    with h5py.File(path, "a") as file:
        file.create_group("mc_mace")
        file.create_group("area2_bump")
        file["mc_maze_small_20/eval_rates_heldin"][0, 0, 0] = np.nan
        del file["mc_maze_small_20/train_rates_heldout"], file["mc_maze_small_20/eval_rates_heldin_forward"]
        del file["mc_rtt_20/eval_rates_heldout"]
        file["mc_rtt_20/eval_rates_heldout"] = np.zeros((5, 0, 2))
        file["mc_rtt_20/rates"] = np.zeros(3)
        del file["mc_rtt_20/train_rates_heldin"]
        file["mc_rtt_20/train_rates_heldin"] = np.zeros((7, 6, 4), int)
    with pytest.raises(BadInput) as refused:
        check_submission(path, lab.root)
    said = str(refused.value).splitlines()[1:]
    for part in (
        "mc_mace: expected one of",
        "area2_bump: cannot be checked: split 'area2_bump-05ms-val' is not prepared",
        "mc_maze_small_20: eval_rates_heldin expected finite",
        "mc_maze_small_20: train_rates_heldout is missing, expected shape (7, 6, 2)",
        "mc_maze_small_20: eval_rates_heldin_forward is missing",
        "mc_rtt_20: eval_rates_heldout expected shape (5, 6, 2), got (5, 0, 2)",
        "mc_rtt_20: unexpected rates",
        "mc_rtt_20: train_rates_heldin expected floating-point rates",
    ):
        assert sum(part in line for line in said) == 1, part
    assert len(said) == 8


def test_the_check_tells_what_was_damaged_or_changed_and_what_was_made_on_other_data(lab):
    finished(lab)
    (path,) = submissions(lab.run, lab.root)
    array = "mc_maze_small_20/eval_rates_heldout"
    with h5py.File(path, "r+") as file:
        rates = file[array][()]
        file[array][0, 0, 0] += 0.5
    with pytest.raises(BadInput, match="eval_rates_heldout is damaged, or was changed"):
        check_submission(path, lab.root)
    with h5py.File(path, "r+") as file:
        # Written by somebody else on purpose: theirs has no checksum of ours.
        del file[array]
        file[array] = 2.0 * rates
    assert len(check_submission(path, lab.root)) == 1
    lab.split(SMALL, seed=9)
    with pytest.raises(BadInput, match="was made on other data"):
        check_submission(path, lab.root)


def test_the_check_takes_anyones_file_when_told_the_phase(lab, tmp_path):
    lab.split("dmfc_rsg-20ms-val", sizes=SIZES)
    path = str(tmp_path / "theirs.h5")
    with h5py.File(path, "w") as file:
        file["dmfc_rsg_20/eval_rates_heldin"] = np.full((5, 6, 4), 0.3)
        file["dmfc_rsg_20/eval_rates_heldout"] = np.ones((5, 6, 2))
    with pytest.raises(BadInput, match="phase expected val or test, got None"):
        check_submission(path, lab.root)
    assert check_submission(path, lab.root, phase="val") == ["dmfc_rsg_20: 5 evaluation trials"]
    typed = ["check-submission", path, "--root", lab.root]
    assert CliRunner().invoke(cli.main, [*typed, "--phase", "val"]).output == "dmfc_rsg_20: 5 evaluation trials\n"
    refused = CliRunner().invoke(cli.main, typed)
    assert refused.exit_code == 2
    assert "phase expected val or test, got None; say which: --phase val" in refused.output
    with h5py.File(path, "r+") as file:
        file["dmfc_rsg_20/eval_rates_heldin"][...] = 0.3 / 0.020
    with pytest.raises(BadInput, match=r"near the 0.2\d* spikes that were counted in a bin, got 15 .*rates in Hz"):
        check_submission(path, lab.root, phase="val")


def test_the_check_refuses_what_is_no_submission(lab, tmp_path):
    with pytest.raises(NotReady, match="no submission"):
        check_submission(str(tmp_path / "submission-val.h5"), lab.root)
    (tmp_path / "submission-val.h5").write_bytes(b"x" * 100)
    with pytest.raises(BadInput, match="is plain text"):
        check_submission(str(tmp_path / "submission-val.h5"), lab.root)
    h5py.File(tmp_path / "submission-val.h5", "w").close()
    with pytest.raises(BadInput, match="no group"):
        check_submission(str(tmp_path / "submission-val.h5"), lab.root)


def _reshaped(split, heldin: int):
    trials = split.train
    whole = np.concatenate([trials.heldin, trials.heldout], axis=2)
    return dataclasses.replace(trials, heldin=whole[..., :heldin], heldout=whole[..., heldin:])
