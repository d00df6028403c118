import json
import os
import shutil

import h5py
import pytest

from raysp.data.nlb import build as nlb
from raysp.data.nlb import prepare
from raysp.data.nlb import sets as nlb_sets
from raysp.data.nlb.sets import SETS, SPLITS
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from tests.data.nlb_files import write_recording

VAL = "area2_bump-20ms-val"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = str(tmp_path_factory.mktemp("written"))
    write_recording(SETS["area2_bump"], root)
    return root


@pytest.fixture
def root(written, tmp_path):
    return shutil.copytree(written, str(tmp_path / "root"))


def test_names_and_globs_are_spelled_out_once():
    assert prepare.expand(["*"]) == list(SPLITS)
    assert prepare.expand([VAL, "area2_bump-20ms-*", f"standin-{VAL}"]) == [VAL, "area2_bump-20ms-test"]


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="unknown split 'area2_bump-20ms-vla': did you mean 'area2_bump-20ms-val'"):
        prepare.expand(["area2_bump-20ms-vla"])


def test_splits_of_one_recording_are_grouped():
    found = prepare.groups(SPLITS)
    assert len(found) == 7
    assert sorted(found[0]) == sorted(name for name in SPLITS if name.startswith("mc_maze-"))


def test_only_recordings_that_are_there_are_chosen(root):
    assert prepare.present(prepare.groups(SPLITS), root, named=False) == prepare.groups(prepare.expand(["area2*"]))


def test_a_recording_asked_for_by_name_must_be_there(root, tmp_path):
    with pytest.raises(NotReady, match=r"raysp data fetch mc_maze mc_rtt .*mc_maze_small --root"):
        prepare.present(prepare.groups(SPLITS), root, named=True)
    with pytest.raises(NotReady, match="raysp data standin --root"):
        prepare.present(prepare.groups(SPLITS), str(tmp_path), named=False)


def test_generated_recordings_give_splits_that_say_so(root):
    assert prepare.resolve(VAL, root) == f"standin-{VAL}"
    assert prepare.resolve(f"standin-{VAL}", root) == f"standin-{VAL}"


def test_a_generated_split_of_a_real_recording_is_refused(root):
    with h5py.File(SETS["area2_bump"].train_path(root), "a") as file:
        del file["identifier"]
        file["identifier"] = "real"
    assert prepare.resolve(VAL, root) == VAL
    with pytest.raises(NotReady, match=f"ask for {VAL}, or generate elsewhere"):
        prepare.resolve(f"standin-{VAL}", root)


def test_a_prepared_split_is_known_without_its_recording(root):
    prepare.prepare([VAL], root)
    os.remove(SETS["area2_bump"].train_path(root))
    assert prepare.resolve(VAL, root) == f"standin-{VAL}"
    assert prepare.up_to_date([VAL], root)
    with pytest.raises(NotReady, match="no recording area2_bump"):
        prepare.resolve("area2_bump-05ms-val", root)


def test_preparing_writes_all_splits_and_their_answers(root):
    said = []
    names = prepare.prepare(["area2_bump-*"], root, report=said.append)
    assert sorted(names) == sorted(said) == [f"standin-{name}" for name in sorted(prepare.expand(["area2_bump-*"]))]
    loaded = store.load(root, f"standin-{VAL}")
    built, targets = nlb.build(nlb.Config("area2_bump", 20, "val"), root)
    assert loaded.fingerprint() == built.fingerprint()
    assert store.load_targets(root, f"standin-{VAL}").psth.shape == targets.psth.shape
    with pytest.raises(NotReady, match="raysp data fetch test_answers"):
        store.load_targets(root, "standin-area2_bump-20ms-test")


def test_what_is_up_to_date_is_not_built_again(root):
    prepare.prepare_group([VAL], root)
    said = []
    assert prepare.up_to_date([VAL], root)
    prepare.prepare_group([VAL], root, report=said.append)
    assert said == []
    prepare.prepare_group([VAL], root, force=True, report=said.append)
    assert said == [f"standin-{VAL}"]


def test_a_touched_recording_is_not_built_again_but_a_changed_one_is(root):
    prepare.prepare_group([VAL], root)
    path = SETS["area2_bump"].train_path(root)
    os.utime(path, ns=(1, 1))
    assert prepare.up_to_date([VAL], root)
    with h5py.File(path, "a") as file:
        file["units/spike_times"][0] = 0.0
    assert not prepare.up_to_date([VAL], root)


def test_another_builders_split_is_built_again(root, monkeypatch):
    monkeypatch.setattr(prepare, "BUILDER", "nlb-0")
    monkeypatch.setattr(nlb, "BUILDER", "nlb-0")
    prepare.prepare_group([VAL], root)
    monkeypatch.undo()
    assert store.header(root, f"standin-{VAL}").provenance.builder == "nlb-0"
    assert not prepare.up_to_date([VAL], root)
    prepare.prepare_group([VAL], root)
    assert store.load(root, f"standin-{VAL}").provenance.builder == nlb_sets.BUILDER


def test_the_reference_is_a_builder_of_its_own(root):
    prepare.prepare_group([VAL], root, reference=True)
    assert store.load(root, f"standin-{VAL}").provenance.builder == "nlb_tools-0.0.4"
    assert prepare.up_to_date([VAL], root)
    said = []
    prepare.prepare_group([VAL], root, report=said.append)
    assert said == [f"standin-{VAL}"]


def test_a_damaged_recording_leaves_the_splits_that_were_there(root):
    prepare.prepare_group([VAL], root)
    with open(SETS["area2_bump"].train_path(root), "r+b") as file:
        file.truncate(3000)
    with pytest.raises(BadInput, match=r"is cut off: 3000 of \d+ bytes"):
        prepare.prepare_group([f"standin-{VAL}"], root, force=True)
    assert len(store.load(root, f"standin-{VAL}").train) == 15


def test_a_damaged_split_is_built_again_and_its_neighbour_is_not(root):
    prepare.prepare([VAL, "area2_bump-05ms-val"], root)
    path = store.split_path(root, f"standin-{VAL}")
    with h5py.File(path, "r+") as file:
        file["eval/heldin"][0, 0, 0] += 1
    built = []
    prepare.prepare([VAL, "area2_bump-05ms-val"], root, report=built.append)
    assert built == [f"standin-{VAL}"]
    assert store.is_whole(root, f"standin-{VAL}")


def test_answers_that_went_away_are_not_kept(root):
    name = "standin-area2_bump-20ms-test"
    prepare.prepare_group([name], root)
    shutil.copy(store.split_path(root, name), store.targets_path(root, name))
    prepare.prepare_group([name], root, force=True)
    assert not os.path.exists(store.targets_path(root, name))


def test_the_header_names_the_files_a_split_was_built_from(root):
    prepare.prepare_group([VAL], root)
    built_from = store.header(root, f"standin-{VAL}").built_from
    assert sorted(os.path.basename(path) for path in built_from["files"]) == [
        "sub-Han_desc-test_ecephys.nwb",
        "sub-Han_desc-train_behavior+ecephys.nwb",
    ]
    assert root not in json.dumps(built_from)
