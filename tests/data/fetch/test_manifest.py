import datetime
import json
from pathlib import Path

import pytest

from raysp.data.fetch import manifest
from raysp.data.nlb.sets import ANSWERS_FILE, SETS
from raysp.errors import BadInput

SHARED = Path(__file__).parents[4] / "shared" / "data" / "dandi_manifests"

ENTRY = {
    "name": "one",
    "dandiset": "000001",
    "version": "0.1",
    "path": "sub-A/a.nwb",
    "size": 3,
    "sha256": "0" * 64,
    "addresses": ["http://127.0.0.1/a"],
}
BARS = {("bars_retina", f"movie/{part}_data_bars.mat") for part in ("test", "nonrepeat", "repeat")}
OTHERS = {("lorenz_tutorial", "lfads_lorenz.h5"), ("lorenz_ndt", "lorenz_ndt/lfads_lorenz.h5"), *BARS}


def written(folder: Path, *entries: dict) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": 1, "files": list(entries)}))
    return str(path)


def test_the_pinned_manifest_has_both_files_of_all_seven_sets_the_answers_and_the_others():
    assets = {(asset.name, asset.relative) for asset in manifest.load()}
    expected = {("test_answers", ANSWERS_FILE)} | OTHERS
    for one in SETS.values():
        expected |= {(one.name, path.removeprefix("d/")) for path in (one.train_path("d"), one.test_path("d"))}
    assert assets == expected


def test_the_pinned_manifest_is_small_and_its_addresses_are_encrypted_ones():
    assert Path(manifest.PATH).stat().st_size < 20_000
    assert all(address.startswith("https://") for asset in manifest.load() for address in asset.addresses)
    assert len({asset.sha256 for asset in manifest.load()}) == 20


def test_a_file_lies_in_its_dandisets_folder():
    small = [asset for asset in manifest.chosen(["mc_maze_small"]) if "test" in asset.path]
    assert small[0].target("d") == "d/000140/sub-Jenkins/sub-Jenkins_ses-small_desc-test_ecephys.nwb"
    assert manifest.chosen(["test_answers"])[0].target("d") == "d/eval_data_test.h5"


def test_chosen_keeps_the_order_of_the_names_and_each_file_once():
    found = [asset.name for asset in manifest.chosen(["mc_rtt", "mc_maze", "mc_rtt"])]
    assert found == ["mc_rtt", "mc_rtt", "mc_maze", "mc_maze"]


def test_all_stands_for_every_name():
    assert manifest.chosen(["--all"]) == manifest.chosen(["mc_rtt", "--all"]) == list(manifest.load())
    assert set(manifest.names()) == {*SETS, "test_answers", "lorenz_tutorial", "lorenz_ndt", "bars_retina"}


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'mc_maze_small'"):
        manifest.chosen(["mc_maze", "mc_mase_small"])


def test_no_name_is_answered_with_all_of_them():
    with pytest.raises(BadInput, match=r"got none; known: .*area2_bump"):
        manifest.chosen([])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"path": "../a.nwb"}, "below the data root"),
        ({"path": "/a.nwb"}, "below the data root"),
        ({"dandiset": "", "path": ""}, "below the data root"),
        ({"sha256": "0" * 63}, "64 hexadecimal digits"),
        ({"sha256": "0" * 63 + "G"}, "64 hexadecimal digits"),
        ({"size": -1}, "a size in bytes, or 0 where it is unknown, got -1"),
        ({"size": "3"}, "size"),
        ({"addresses": []}, "at least one address"),
        ({"sha265": "x"}, "did you mean 'sha256'"),
    ],
)
def test_a_damaged_entry_is_refused(tmp_path, change, said):
    with pytest.raises(BadInput, match=said):
        manifest.load(written(tmp_path, {**ENTRY, **change}))


def test_a_file_named_twice_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"sub-A/a\.nwb expected once, got twice"):
        manifest.load(written(tmp_path, ENTRY, {**ENTRY, "name": "two"}))


@pytest.mark.parametrize("content", ['{"format": 2, "files": []}', "[]", "{}"])
def test_another_format_is_refused(tmp_path, content):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(BadInput, match="expected a manifest of format 1"):
        manifest.load(str(tmp_path / "m.json"))


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the archive's metadata in ../shared/data/dandi_manifests")
def test_the_pinned_manifest_equals_the_archives_metadata():
    pinned = {asset.relative: asset for asset in manifest.load() if asset.dandiset}
    seen = set()
    for path in SHARED.glob("*.assets.json"):
        for entry in json.loads(path.read_text()):
            meta = entry["metadata"]
            relative = f"{path.name[:6]}/{meta['path']}"
            asset = pinned[relative]
            assert (asset.size, asset.sha256) == (meta["contentSize"], meta["digest"]["dandi:sha2-256"])
            assert asset.addresses == tuple(meta["contentUrl"])
            # The archive names a version by the day and minute of its publication, which the asset carries, too.
            published = datetime.datetime.fromisoformat(meta["datePublished"])
            named = datetime.datetime.strptime(asset.version + "+0000", "0.%y%m%d.%H%M%z")
            assert abs((published - named).total_seconds()) <= 120
            seen.add(relative)
    assert seen == set(pinned)
