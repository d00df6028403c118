import hashlib
import os

import pytest

from raysp.io import files, hashes


def test_a_file_is_hashed_once_while_it_stays_the_same(tmp_path, monkeypatch):
    path = tmp_path / "a.nwb"
    path.write_bytes(b"spikes")
    assert hashes.sha256(str(path)) == hashlib.sha256(b"spikes").hexdigest()
    monkeypatch.setattr(files, "sha256", lambda path: pytest.fail("hashed again"))
    assert hashes.sha256(str(path)) == hashlib.sha256(b"spikes").hexdigest()


def test_a_changed_file_is_hashed_again(tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(b"spikes")
    hashes.sha256(str(path))
    path.write_bytes(b"spiked")
    os.utime(path, ns=(1, 1))
    assert hashes.sha256(str(path)) == hashlib.sha256(b"spiked").hexdigest()


def test_a_damaged_note_is_written_anew(tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(b"spikes")
    (tmp_path / ".a.nwb.sha256.json").write_text("{")
    assert hashes.sha256(str(path)) == hashlib.sha256(b"spikes").hexdigest()
    assert files.read_json(str(tmp_path / ".a.nwb.sha256.json"))["size"] == 6
