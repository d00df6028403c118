import os
import shutil
from pathlib import Path

import pytest

from raysp.data.fetch import manifest
from raysp.data.fetch.download import fetch
from raysp.data.fetch.verified import check, status
from tests.data.local_web import BODIES, FILE

REAL = Path(__file__).parents[4] / "shared" / "data" / "000140"


def test_check_hashes_anew_and_status_believes_what_was_verified(place):
    fetch(["one"], str(place.root))
    stamp = place.target.stat()
    place.target.write_bytes(b"x" + BODIES[FILE][1:])
    os.utime(place.target, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert status(str(place.root), ["one"])[0].state == "verified"
    assert check(str(place.root), ["one"])[0].state == "damaged"
    assert status(str(place.root), ["one"])[0].state == "unverified"
    place.target.write_bytes(BODIES[FILE])
    found = check(str(place.root), ["one"])[0]
    assert (found.state, found.present, found.bytes, found.size) == ("verified", True, 5_000_000, 5_000_000)
    assert status(str(place.root), ["one"])[0].state == "verified"


def test_a_file_touched_since_it_was_verified_is_unverified(place):
    fetch(["one"], str(place.root))
    os.utime(place.target, ns=(1, 1))
    assert status(str(place.root), ["one"])[0].state == "unverified"
    fetch(["one"], str(place.root))
    assert status(str(place.root), ["one"])[0].state == "verified"


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="needs the recording in ../shared/data/000140")
def test_the_real_recording_verifies(tmp_path):
    asset = next(asset for asset in manifest.chosen(["mc_maze_small"]) if "test" in asset.path)
    target = Path(asset.target(str(tmp_path)))
    target.parent.mkdir(parents=True)
    shutil.copy(REAL / asset.path, target)
    found = {Path(one.path).name: one.state for one in check(str(tmp_path), ["mc_maze_small"])}
    assert found[target.name] == "verified"
    assert sorted(found.values()) == ["absent", "verified"]
