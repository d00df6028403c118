from importlib.metadata import EntryPoint

import h5py
import numpy as np
import pytest

from raysp.config import code_hash, plugins
from raysp.config.experiment import Recording
from raysp.data.sources import catalog as sources
from raysp.data.sources import population, prepare
from raysp.data.splits import store
from raysp.data.splits.header import Role
from raysp.errors import BadInput


@pytest.fixture
def recording(tmp_path):
    """Write a small file of counts; return what names it, and how to change it."""
    root = tmp_path / "data"
    root.mkdir()
    counts = np.random.default_rng(0).poisson(0.3, (20, 10, 8))
    np.savez(root / "mine.npz", counts=counts)
    return Recording("mine", "population", {"path": "{root}/mine.npz", "bin_ms": 10, "counts": "counts"}), str(root)


def test_sources_are_found_by_what_they_define():
    assert {"population", "lorenz", "nlb"} <= set(sources.names())
    assert not {"base", "catalog", "partition"} & set(sources.names())


def test_what_is_no_source_is_told_what_it_lacks(monkeypatch, tmp_path):
    theirs = EntryPoint("partition", "raysp.data.sources.partition", "raysp.sources")
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: [theirs])
    monkeypatch.setattr(plugins.sys, "path", [*plugins.sys.path, str(tmp_path)])
    with pytest.raises(
        BadInput, match=r"partition.py is no source of recordings: it lacks VERSION, a text and Config, a"
    ):
        sources.source("partition")
    monkeypatch.setattr(population, "build", None)
    with pytest.raises(BadInput, match=r"it lacks build\(config, name\), which returns a split and"):
        sources.source("population")


def test_a_source_may_come_from_an_installed_package(recording, monkeypatch):
    known, root = recording
    theirs = EntryPoint("theirs", "raysp.data.sources.population", "raysp.sources")
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: [theirs])
    monkeypatch.setattr(plugins.sys, "path", [*plugins.sys.path, root])
    one = Recording("mine", "theirs", known.settings)
    assert prepare.prepare([one], root) == ["mine"]
    assert store.header(root, "mine").built_from["source"] == "theirs"


def test_an_unknown_source_gets_the_nearest_name():
    with pytest.raises(BadInput, match="did you mean 'population'"):
        sources.source("populaton")


def test_an_unknown_setting_gets_the_nearest_name(recording):
    known, root = recording
    wrong = Recording("mine", "population", {**known.settings, "heldout_fracton": 0.2})
    with pytest.raises(BadInput, match="did you mean 'heldout_fraction'"):
        prepare.full_name(wrong, root)


def test_a_setting_without_a_default_is_named_with_what_proposes_it():
    lacking = Recording("mine", "population", {"path": "/data/x.npz"})
    told = "needs the setting 'bin_ms', which has no default; raysp data look /data/x.npz proposes what to give"
    with pytest.raises(BadInput, match=told):
        sources.config(lacking, "")


@pytest.mark.parametrize(
    ("source", "earlier"), [("chaotic_rnn", "neurons"), ("lorenz_ndt", "neurons"), ("retina", "cells")]
)
def test_an_earlier_word_for_a_setting_is_told_todays(source, earlier):
    wrong = Recording("mine", source, {"path": "a", earlier: 5} if source == "retina" else {earlier: 5})
    with pytest.raises(BadInput, match=f"unknown setting of recording mine '{earlier}': it is called 'units' now"):
        sources.config(wrong, "data")


def test_a_split_that_says_its_settings_in_earlier_words_is_of_the_same():
    there = {"source": "retina", "settings": {"cells": "all", "downsample": 18}}
    now = {"source": "retina", "settings": {"downsample": 18, "units": "all"}, "code": "other"}
    assert prepare._agree(there, now, ("code",))
    assert not prepare._agree(there, {**now, "settings": {"downsample": 18, "units": "filtered"}}, ("code",))


def test_prepared_once_and_again_only_for_other_content(recording, monkeypatch):
    known, root = recording
    built = []
    build = population.build
    monkeypatch.setattr(population, "build", lambda config, name: built.append(name) or build(config, name))
    assert prepare.prepare([known], root) == ["mine"]
    assert prepare.prepare([known], root) == ["mine"]
    assert built == ["mine"]
    other_settings = Recording("mine", "population", {**known.settings, "seed": 1})
    prepare.prepare([other_settings], root)
    assert len(built) == 2
    np.savez(f"{root}/mine.npz", counts=np.ones((20, 10, 8), dtype=int))
    prepare.prepare([other_settings], root)
    assert len(built) == 3
    prepare.prepare([other_settings], root, force=True)
    assert len(built) == 4
    assert store.load(root, "mine").train.heldin.min() == 1


def test_a_source_that_was_edited_builds_its_splits_anew_where_it_can(recording, monkeypatch):
    known, root = recording
    built = []
    build = population.build
    monkeypatch.setattr(population, "build", lambda config, name: built.append(name) or build(config, name))
    prepare.prepare([known], root)
    assert prepare.other_code(root, "mine") is None
    monkeypatch.setattr(code_hash, "of_source", lambda name: {"raysp/data/sources/population.py": "edited"})
    assert "other code" in prepare.other_code(root, "mine")
    # In a folder of others, what they prepared is used, and said to be so.
    with monkeypatch.context() as patch:
        patch.setattr(prepare.os, "access", lambda path, mode: False)
        assert prepare.prepare([known], root) == ["mine"]
        assert built == ["mine"]
    prepare.prepare([known], root)
    assert len(built) == 2
    assert prepare.other_code(root, "mine") is None


def test_a_name_that_differs_from_a_prepared_ones_in_case_alone_is_refused(recording):
    known, root = recording
    prepare.prepare([known], root)
    with pytest.raises(BadInput, match=r"recording Mine and mine, which is prepared below .* differ in case alone"):
        prepare.full_name(Recording("Mine", "population", known.settings), root)


def test_the_record_holds_base_names_and_hashes_only(recording):
    known, root = recording
    prepare.prepare([known], root)
    header = store.header(root, "mine")
    assert header.built_from["settings"]["path"] == "mine.npz"
    (found,) = header.built_from["recordings"]
    assert found[0] == "mine.npz"
    assert len(found[1]) == 64
    assert header.provenance.recordings == (tuple(found),)
    assert root not in str(header)


def test_moving_the_file_builds_nothing_anew(recording, tmp_path, monkeypatch):
    known, root = recording
    prepare.prepare([known], root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "data" / "mine.npz").rename(elsewhere / "mine.npz")
    monkeypatch.setattr(population, "build", lambda config, name: pytest.fail("was built again"))
    monkeypatch.chdir(elsewhere)
    moved = Recording("mine", "population", {**known.settings, "path": "mine.npz"})
    assert prepare.prepare([moved], root) == ["mine"]


def test_a_lost_answer_file_is_built_again(recording):
    known, root = recording
    prepare.prepare([known], root)
    store.files.remove(store.answers_path(root, "mine"))
    prepare.prepare([known], root)
    assert len(store.load_answers(root, "mine").trials) == 5


@pytest.mark.parametrize("answers", [False, True])
def test_a_damaged_split_is_built_again(recording, answers):
    chosen, root = recording
    prepare.prepare([chosen], root)
    path = (store.answers_path if answers else store.split_path)(root, chosen.name)
    with open(path, "rb") as file:
        damaged = bytearray(file.read())
    array = "trials/heldin" if answers else "train/heldin"
    with h5py.File(path) as file:
        chunk = file[array].id.get_chunk_info(0)
    damaged[chunk.byte_offset + chunk.size // 2] ^= 1
    with open(path, "wb") as file:
        file.write(damaged)
    assert not store.is_whole(root, chosen.name)
    prepare.prepare([chosen], root)
    assert store.is_whole(root, chosen.name)


def test_a_bad_recording_leaves_the_earlier_split(recording):
    known, root = recording
    prepare.prepare([known], root)
    before = store.load(root, "mine").fingerprint()
    np.savez(f"{root}/mine.npz", counts=np.full((20, 10, 8), -1))
    with pytest.raises(BadInput, match=r">= 0, got -1"):
        prepare.prepare([known], root)
    assert store.load(root, "mine").fingerprint() == before


def test_a_missing_file_is_refused_before_anything_is_built(recording):
    known, root = recording
    gone = Recording("mine", "population", {**known.settings, "path": "{root}/other.npz"})
    with pytest.raises(BadInput, match=r"recording mine: .*other.npz is not there; check the path"):
        prepare.full_name(gone, root)


def test_a_generated_recording_is_named_so(tmp_path):
    with h5py.File(tmp_path / "made.h5", "w") as file:
        file["identifier"] = "raysp-standin-1"
        file["counts"] = np.random.default_rng(0).poisson(0.3, (20, 10, 8))
    made = Recording("made", "population", {"path": "{root}/made.h5", "bin_ms": 10, "counts": "counts"})
    assert prepare.prepare([made], str(tmp_path)) == ["standin-made"]
    split = store.load(str(tmp_path), "standin-made")
    assert split.provenance.standin
    assert split.sizes.dataset == "standin-made"


def test_a_names_end_means_nothing(recording):
    known, root = recording
    prepare.prepare([Recording("mine-test", "population", known.settings)], root)
    assert store.header(root, "mine-test").role == Role()


@pytest.mark.parametrize("name", ["mc_maze_small-05ms-val", "standin-mine"])
def test_names_that_mean_something_else_are_refused(recording, name):
    known, root = recording
    with pytest.raises(BadInput, match="recording name"):
        prepare.full_name(Recording(name, "population", known.settings), root)
