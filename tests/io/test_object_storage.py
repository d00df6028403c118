"""Files in a store of objects: the contract of files on a disk, kept over failing, slow and repeated requests."""

import errno
import os
import pathlib
import sys
import threading

import pytest

from raysp.errors import BadInput, StoreError
from raysp.io import files, storage, tables
from tests import object_store


@pytest.fixture(params=["disk", "store", "google"])
def place(request, tmp_path):
    if request.param == "disk":
        return str(tmp_path)
    bucket = request.getfixturevalue("bucket") if request.param == "store" else request.getfixturevalue("google")()
    return f"{bucket}/some/folder"


def test_what_is_written_is_read_and_replaced_whole(place):
    path = files.join(place, "a", "x.json")
    assert not files.exists(path)
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2})
    assert files.exists(path)
    assert files.exists(files.join(place, "a"))
    assert files.read_json(path) == {"a": 2}
    assert files.listing(files.join(place, "a")) == ["x.json"]
    files.write_text(path, "{")
    with pytest.raises(BadInput, match="not JSON"):
        files.read_json(path)


def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(place):
    path = files.join(place, "a.json")
    files.write_text(path, "old")
    for error in (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()):
        with pytest.raises(type(error)), files.replacing(path) as temporary:
            assert "a.json" in temporary
            with open(temporary, "w") as file:
                file.write("half")
            raise error
    assert files.read_text(path) == "old"
    assert files.listing(place) == ["a.json"]


def test_folders_are_listed_removed_and_told_from_others_of_like_names(place):
    for name in ("trial/done.json", "trial/deep/er.txt", "trial2/done.json", "b.txt"):
        files.write_text(files.join(place, name), name)
    assert files.listing(place) == ["b.txt", "trial", "trial2"]
    assert files.listing(files.join(place, "nowhere")) == []
    files.remove(files.join(place, "trial"))
    files.remove(files.join(place, "nowhere"))
    assert files.listing(place) == ["b.txt", "trial2"]
    assert not files.exists(files.join(place, "trial", "done.json"))
    files.remove(files.join(place, "b.txt"))
    assert files.listing(place) == ["trial2"]


def test_bytes_parts_copies_hashes_and_stamps_are_those_of_the_file(place):
    content = os.urandom(700_000)
    path, other = files.join(place, "a.bin"), files.join(place, "deep", "b.bin")
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content)
    assert files.read_bytes(path) == content
    with files.opened(path, parts=True) as file:
        file.seek(600_000)
        assert file.read(10) == content[600_000:600_010]
    with files.fetched(path) as local:
        assert os.path.basename(local) == "a.bin"
        assert pathlib.Path(local).read_bytes() == content
    files.copy(path, other)
    assert files.sha256(other) == files.sha256(path)
    before = files.stamp(path)
    assert files.stamp(path) == before
    files.write_text(path, "other")
    assert files.stamp(path) != before
    with pytest.raises(FileNotFoundError):
        files.read_bytes(files.join(place, "nowhere"))


def test_hdf5_and_parquet_go_through_the_same_door(place):
    import polars

    from raysp.data.formats.hdf5 import new_hdf5, opened

    path, table = files.join(place, "a.h5"), files.join(place, "a.parquet")
    with new_hdf5(path) as file:
        file["x"] = [1, 2, 3]
    with opened(path) as file, opened(path, parts=True) as again:
        assert file["x"][()].tolist() == again["x"][()].tolist() == [1, 2, 3]
    with pytest.raises(KeyError), new_hdf5(path) as file:
        file["x"] = [4]
        raise KeyError
    with opened(path) as file:
        assert file["x"][()].tolist() == [1, 2, 3]
    tables.write_table(table, polars.DataFrame({"a": [1]}))
    assert tables.read_table(table).to_dicts() == [{"a": 1}]


def test_readers_see_an_old_file_or_a_new_one_while_it_is_replaced(place):
    path, over = files.join(place, "a.txt"), threading.Event()
    files.write_text(path, "0" * 300_000)
    seen, wrong = set(), []

    def read():
        while not over.is_set():
            text = files.read_text(path)
            seen.add(text[0])
            if len(text) != 300_000 or set(text) != {text[0]}:
                wrong.append(text[:10])

    reader = threading.Thread(target=read)
    reader.start()
    for digit in "123456789" * 2:
        files.write_text(path, digit * 300_000)
    over.set()
    reader.join()
    assert not wrong
    assert len(seen) > 1


def test_failing_slow_and_repeated_requests_lose_and_double_nothing(door, bucket):
    door.every = 3
    for number in range(5):
        path = f"{bucket}/run/trials/{number}/done.json"
        files.write_json(path, {"number": number})
        files.copy(path, f"{bucket}/run/copies/{number}.json")
    assert [files.read_json(f"{bucket}/run/copies/{number}.json")["number"] for number in range(5)] == [*range(5)]
    assert len(files.listing(f"{bucket}/run/trials")) == 5
    files.remove(f"{bucket}/run/trials")
    assert files.listing(f"{bucket}/run") == ["copies"]
    assert all(door.failed[kind] >= 2 for kind in ("500", "503", "slow", "lost"))


def test_a_large_file_arrives_once_and_whole_where_the_last_answer_is_lost(door, bucket, monkeypatch):
    import s3fs.core

    monkeypatch.setattr(s3fs.core, "calculate_chunksize", lambda *args, **options: 5 << 20)
    content = os.urandom(1 << 20) * 11
    put_together = {"POST": 0}

    def first_answer_of_the_last_request(environ):
        last = environ["REQUEST_METHOD"] == "POST" and "uploadId" in environ["QUERY_STRING"]
        put_together["POST"] += last
        return last and put_together["POST"] == 1

    door.every, door.kinds, door.only = 1, ("lost",), first_answer_of_the_last_request
    with files.replacing(f"{bucket}/large.bin") as temporary, open(temporary, "wb") as file:
        file.write(content)
    assert door.failed["lost"] == 1
    assert files.listing(bucket) == ["large.bin"]
    assert files.read_bytes(f"{bucket}/large.bin") == content


def test_a_store_that_never_answers_is_neither_an_absent_nor_a_damaged_file(door, bucket, monkeypatch):
    import fsspec

    from raysp.data.splits import store
    from raysp.runs.curve import read_curve, write_curve

    write_curve(f"{bucket}/curve.parquet", [{"epoch": 1}])
    files.write_text(f"{bucket}/prepared/x.h5", "not HDF5")
    monkeypatch.setitem(fsspec.config.conf["s3"], "config_kwargs", {"retries": {"max_attempts": 2, "mode": "standard"}})
    door.every, door.kinds = 1, ("500",)
    for ask in (
        lambda: files.exists(f"{bucket}/curve.parquet"),
        lambda: files.listing(bucket),
        lambda: files.write_text(f"{bucket}/new", "new"),
        lambda: read_curve(f"{bucket}/curve.parquet"),
        lambda: store.header(bucket, "x"),
    ):
        with pytest.raises(StoreError, match="the same command again goes on"):
            ask()
    door.every = 0
    with pytest.raises(BadInput, match="not HDF5"):
        store.header(bucket, "x")
    assert not files.exists(f"{bucket}/new")


def test_a_store_that_fails_while_parts_are_read_does_not_make_the_file_damaged(door, bucket, monkeypatch):
    import fsspec
    import numpy

    from raysp.data.formats.hdf5 import new_hdf5
    from raysp.data.splits import store

    with new_hdf5(store.split_path(bucket, "x")) as file:
        file["x"] = numpy.random.default_rng(0).normal(size=500_000)
    monkeypatch.setitem(fsspec.config.conf["s3"], "config_kwargs", {"retries": {"max_attempts": 2, "mode": "standard"}})
    with files.opened(store.split_path(bucket, "x"), parts=True) as file:
        file.read(10)
        door.every, door.kinds = 1, ("500",)
        with pytest.raises(StoreError), store.opened(store.split_path(bucket, "x"), parts=True) as opened:
            opened["x"][()]


def test_a_bucket_that_is_not_there_is_refused_and_not_made(door, bucket):
    for write in (False, True):
        with pytest.raises(BadInput, match="there is no bucket 'raysp-nowhere'"):
            storage.check("s3://raysp-nowhere/runs", write=write)
    files.make_folder("s3://raysp-nowhere/runs")
    assert not files.exists("s3://raysp-nowhere")
    storage.check(f"{bucket}/runs", write=True)
    assert files.listing(bucket) == []


def test_a_bucket_of_googles_that_is_not_there_is_refused_and_one_that_is_there_is_left_as_it_was(google):
    bucket = google()
    for write in (False, True):
        with pytest.raises(BadInput, match="there is no bucket 'raysp-nowhere'"):
            storage.check("gs://raysp-nowhere/runs", write=write)
    storage.check(f"{bucket}/runs", write=True)
    assert files.listing(bucket) == []
    with pytest.raises(BadInput, match="whole bucket"):
        files.remove(bucket)


@pytest.mark.parametrize("verb", ["status", "collect", "evaluate", "report", "ui"])
def test_verbs_say_what_is_not_at_an_address(bucket, verb):
    from click.testing import CliRunner

    from raysp import cli

    for address, message in (
        (f"{bucket}/runs/x", "is not a run folder"),
        ("s3://raysp-nowhere/x", "there is no bucket 'raysp-nowhere'"),
        ("s3://KEY:hunter2-hunter2@bucket/x", "without a password"),
    ):
        done = CliRunner().invoke(cli.main, [verb, address])
        assert (done.exit_code, message in done.output) == (2, True), done.output
        assert "hunter2" not in done.output


def test_a_bucket_that_refuses_is_told_so(door, bucket):
    door.refused.add(bucket.removeprefix("s3://"))
    with pytest.raises(StoreError, match=r"is refused .*check the credentials"):
        storage.check(f"{bucket}/runs", write=True)
    with pytest.raises(StoreError, match="is refused"):
        files.exists(f"{bucket}/runs/x/done.json")


def test_the_states_of_all_trials_are_those_of_each(place):
    from raysp.config.experiment import Trial
    from raysp.runs.folder import RunFolder

    run = RunFolder(files.join(place, "run"))
    trials = [Trial("mean_rate", {}, None, "a", "x" * 64, seed=seed) for seed in range(6)]
    assert set(run.states(trials).values()) == {"missing"}
    left = [(), ("log.txt",), ("log.txt", "error.txt"), ("error.txt", "done.json"), ("deep/er.txt",), ("done.json.x",)]
    for trial, names in zip(trials, left, strict=True):
        files.make_folder(run.trial(trial.id).path)
        for name in names:
            files.write_text(files.join(run.trial(trial.id).path, name), name)
    files.write_text(files.join(run.path, "trials2", trials[0].id, "done.json"), "another folder's")
    states = run.states(trials)
    assert states == {trial.id: run.trial(trial.id).state() for trial in trials}
    empty = "started" if files.is_local(place) else "missing"
    assert list(states.values()) == [empty, "started", "failed", "done", "started", "started"]
    assert run.states(trials[2:3]) == {trials[2].id: "failed"}


def test_the_states_of_hundreds_of_trials_take_a_request_for_each_thousand_files(door, bucket):
    from raysp.config.experiment import Trial
    from raysp.runs.folder import RunFolder

    run = RunFolder(f"{bucket}/run")
    trials = [Trial("mean_rate", {}, None, "a", "x" * 64, seed=seed) for seed in range(500)]
    names = ("config.yaml", "log.txt", "done.json")
    object_store.fill(files.join(run.trial(trial.id).path, name) for trial in trials for name in names)
    door.seen.clear()
    assert set(run.states(trials).values()) == {"done"}
    assert sum(door.seen.values()) <= 3, door.seen


def test_no_whole_bucket_is_ever_removed(bucket):
    files.write_text(f"{bucket}/a", "a")
    with pytest.raises(BadInput, match="whole bucket"):
        files.remove(bucket)
    assert files.listing(bucket) == ["a"]


def test_an_address_without_its_library_says_what_to_install(monkeypatch):
    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.delitem(_registry, "gs", raising=False)
    with pytest.raises(BadInput, match=r"pip install 'raysp\[gs\]'"):
        files.exists("gs://bucket/x")
    with pytest.raises(BadInput, match="expected a path, s3://"):
        files.exists("nonsense://bucket/x")


def test_a_persons_own_settings_of_fsspec_come_first():
    own = {"config_kwargs": {"retries": {"max_attempts": 99}}, "endpoint_url": "http://x"}
    found = storage._merged(own, storage.SETTINGS["s3"])
    assert found["config_kwargs"]["retries"] == {"max_attempts": 99, "mode": "standard"}
    assert (found["endpoint_url"], found["use_listings_cache"]) == ("http://x", False)


def test_recordings_in_a_store_are_prepared_there_and_downloaded_elsewhere(bucket, tmp_path):
    from raysp.data.sources import prepare
    from raysp.data.splits import store
    from raysp.data.standin.nlb import write_standin
    from tests.data.nlb_files import prepared, recordings

    write_standin(str(tmp_path), datasets=("mc_maze_small",))
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            path = os.path.join(folder, name)
            files.copy(path, files.join(bucket, os.path.relpath(path, tmp_path)))
    for root in (bucket, str(tmp_path)):
        assert prepared(root, "mc_maze_small-20ms-val") == ["standin-mc_maze_small-20ms-val"]
    headers = [store.header(root, "standin-mc_maze_small-20ms-val") for root in (bucket, str(tmp_path))]
    assert headers[0] == headers[1]
    assert headers[0].provenance.standin
    assert prepare.up_to_date(*recordings("mc_maze_small-20ms-val"), bucket)
    with pytest.raises(BadInput, match="copy its folder prepared"):
        from raysp.data.fetch.download import fetch

        fetch(["mc_maze_small"], bucket)


def test_prepared_splits_alone_are_enough_to_plan(bucket, tmp_path):
    from raysp.data.sources import prepare
    from raysp.data.splits import store
    from raysp.data.standin.nlb import write_standin
    from tests.data.nlb_files import prepared, recordings

    write_standin(str(tmp_path), datasets=("mc_maze_small",))
    (name,) = prepared(str(tmp_path), "mc_maze_small-20ms-val")
    for path in (store.split_path, store.answers_path):
        files.copy(path(str(tmp_path), name), path(bucket, name))
    (one,) = recordings("mc_maze_small-20ms-val")
    assert prepare.present([one], bucket, named=True) == {name: one}
    assert prepare.up_to_date(one, bucket)
