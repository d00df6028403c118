import dataclasses
import json
import os
import shutil

import h5py
import pytest

from raysp.data.nlb.sets import BUILDER, SETS, SPLITS
from raysp.data.sources import catalog, nlb, prepare
from raysp.data.splits import store
from raysp.errors import BadInput, NotReady
from tests.data.nlb_files import built, prepared, recordings, write_recording

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
    assert catalog.matching(["*"], catalog.recordings()) == list(SPLITS)
    asked = [VAL, "area2_bump-20ms-*", f"standin-{VAL}"]
    assert catalog.matching(asked, catalog.recordings()) == [VAL, "area2_bump-20ms-test"]
    assert catalog.matching(["mc_maze"], catalog.recordings()) == [one for one in SPLITS if one.startswith("mc_maze-")]


def test_a_wrong_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="unknown split 'area2_bump-20ms-vla': did you mean 'area2_bump-20ms-val'"):
        catalog.matching(["area2_bump-20ms-vla"], catalog.recordings())


def test_splits_of_one_recording_are_grouped():
    found = catalog.groups(recordings("*"))
    assert len(found) == 7
    assert {one.name for one in found[0]} == {name for name in SPLITS if name.startswith("mc_maze-")}


def test_only_recordings_that_are_there_are_chosen(root):
    assert list(prepare.present(recordings("*"), root, named=False).values()) == recordings("area2*")


def test_a_recording_asked_for_by_name_must_be_there(root, tmp_path):
    with pytest.raises(NotReady, match=r"raysp data fetch mc_maze mc_rtt .*mc_maze_small --root"):
        prepare.present(recordings("*"), root, named=True)
    with pytest.raises(NotReady, match="raysp data standin --root"):
        prepare.present(recordings("*"), str(tmp_path), named=False)


def test_generated_recordings_give_splits_that_say_so(root):
    assert prepare.resolve(VAL, root) == f"standin-{VAL}"
    assert prepare.resolve(f"standin-{VAL}", root) == f"standin-{VAL}"
    with pytest.raises(BadInput, match="one split, got area2_bump, "):
        prepare.resolve("area2_bump", root)


def test_a_generated_split_of_a_real_recording_is_refused(root):
    with h5py.File(SETS["area2_bump"].train_path(root), "a") as file:
        del file["identifier"]
        file["identifier"] = "real"
    assert prepare.resolve(VAL, root) == VAL
    with pytest.raises(NotReady, match=f"ask for {VAL}, or generate elsewhere"):
        prepare.resolve(f"standin-{VAL}", root)


def test_a_prepared_split_is_known_without_its_recording(root):
    prepared(root, VAL)
    os.remove(SETS["area2_bump"].train_path(root))
    assert prepare.resolve(VAL, root) == f"standin-{VAL}"
    assert prepare.up_to_date(*recordings(VAL), root)
    with pytest.raises(NotReady, match="no recording area2_bump"):
        prepare.resolve("area2_bump-05ms-val", root)


def test_preparing_writes_all_splits_and_their_answers(root):
    said = []
    names = prepared(root, "area2_bump-*", report=said.append)
    assert names == said == [f"standin-{one.name}" for one in recordings("area2_bump-*")]
    loaded = store.load(root, f"standin-{VAL}")
    made, targets = next(built(root, VAL))
    assert loaded.fingerprint() == made.fingerprint()
    assert store.load_answers(root, f"standin-{VAL}").psth.shape == targets.psth.shape
    with pytest.raises(NotReady, match="raysp data fetch test_answers"):
        store.load_answers(root, "standin-area2_bump-20ms-test")


def test_what_is_up_to_date_is_not_built_again(root):
    prepared(root, VAL)
    said = []
    assert prepare.up_to_date(*recordings(VAL), root)
    prepared(root, VAL, report=said.append)
    assert said == []
    prepared(root, VAL, force=True, report=said.append)
    assert said == [f"standin-{VAL}"]


def test_a_touched_recording_is_not_built_again_but_a_changed_one_is(root):
    prepared(root, VAL)
    path = SETS["area2_bump"].train_path(root)
    os.utime(path, ns=(1, 1))
    assert prepare.up_to_date(*recordings(VAL), root)
    with h5py.File(path, "a") as file:
        file["units/spike_times"][0] = 0.0
    assert not prepare.up_to_date(*recordings(VAL), root)


def test_another_builders_split_is_built_again(root, monkeypatch):
    monkeypatch.setattr(nlb, "VERSION", "nlb-0")
    monkeypatch.setattr(nlb.sets, "BUILDER", "nlb-0")
    prepared(root, VAL)
    monkeypatch.undo()
    assert store.header(root, f"standin-{VAL}").provenance.builder == "nlb-0"
    assert not prepare.up_to_date(*recordings(VAL), root)
    prepared(root, VAL)
    assert store.load(root, f"standin-{VAL}").provenance.builder == BUILDER


def test_the_reference_is_a_builder_of_its_own(root):
    (reference,) = (dataclasses.replace(one, settings={**one.settings, "reference": True}) for one in recordings(VAL))
    prepare.prepare([reference], root)
    assert store.load(root, f"standin-{VAL}").provenance.builder == "nlb_tools-0.0.4"
    assert prepare.up_to_date(*recordings(VAL), root)
    said = []
    prepared(root, VAL, report=said.append)
    assert said == [f"standin-{VAL}"]


def test_a_damaged_recording_leaves_the_splits_that_were_there(root):
    prepared(root, VAL)
    with open(SETS["area2_bump"].train_path(root), "r+b") as file:
        file.truncate(3000)
    with pytest.raises(BadInput, match=r"is cut off: 3000 of \d+ bytes"):
        prepared(root, f"standin-{VAL}", force=True)
    assert len(store.load(root, f"standin-{VAL}").train) == 15


def test_a_damaged_split_is_built_again_and_its_neighbour_is_not(root):
    prepared(root, VAL, "area2_bump-05ms-val")
    path = store.split_path(root, f"standin-{VAL}")
    with h5py.File(path, "r+") as file:
        file["eval/heldin"][0, 0, 0] += 1
    found = []
    prepared(root, VAL, "area2_bump-05ms-val", report=found.append)
    assert found == [f"standin-{VAL}"]
    assert store.is_whole(root, f"standin-{VAL}")


def test_answers_that_went_away_are_not_kept(root):
    name = "standin-area2_bump-20ms-test"
    prepared(root, name)
    shutil.copy(store.split_path(root, name), store.answers_path(root, name))
    prepared(root, name, force=True)
    assert not os.path.exists(store.answers_path(root, name))


def test_the_header_names_the_files_a_split_was_built_from(root):
    prepared(root, VAL)
    built_from = store.header(root, f"standin-{VAL}").built_from
    assert sorted(name for name, _ in built_from["recordings"]) == [
        "sub-Han_desc-test_ecephys.nwb",
        "sub-Han_desc-train_behavior+ecephys.nwb",
    ]
    assert root not in json.dumps(built_from)
