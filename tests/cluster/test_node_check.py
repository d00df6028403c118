"""What makes a machine unfit, told from within one; several machines: test_two_nodes_real.py."""

import dataclasses

import pytest

from raysp.cluster import node_check
from raysp.cluster.node_check import expected, unfit
from raysp.config import code_hash
from raysp.io import files
from raysp.runs import provenance
from raysp.runs.folder import RunFolder
from raysp.runs.lock import locked


@pytest.fixture
def driver(tmp_path, monkeypatch):
    monkeypatch.setattr(node_check, "LATE_S", 0.1)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    (tmp_path / "data" / "prepared").mkdir(parents=True)
    with locked(RunFolder(str(tmp_path / "runs" / "one"))):
        yield expected(str(tmp_path / "runs" / "one"), str(tmp_path / "data"))


def test_a_machine_that_finds_what_the_driver_finds_is_fit(driver, tmp_path):
    assert unfit(driver) is None
    # What came there since is no reason.
    (tmp_path / "data" / "new.csv").touch()
    assert unfit(driver) is None


def test_other_code_is_told_with_what_to_do(driver, monkeypatch):
    monkeypatch.setattr(provenance, "code", lambda: "f" * 64)
    assert "it has other code of raysp (ffffffffffff, expected" in unfit(driver)
    assert "ray up" in unfit(driver)


def test_other_versions_are_told_by_name(driver):
    other = dataclasses.replace(driver, versions={**driver.versions, "torch": "1.0.0"})
    assert "expected 1.0.0; install the versions of requirements.lock" in unfit(other)


def test_what_an_installed_package_adds_must_be_there_with_the_same_code(driver):
    lacking = dataclasses.replace(driver, installed={"model lstm (lab.lstm)": "0" * 64})
    assert unfit(lacking) == (
        "it lacks model lstm (lab.lstm), which a package installed at the driver's adds; install that package there"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_hash, "of_installed", lambda: {"model lstm (lab.lstm)": "f" * 64})
        assert "it has other code of model lstm (lab.lstm) (ffffffffffff, expected 000000000000)" in unfit(lacking)
        assert unfit(dataclasses.replace(driver, installed=code_hash.of_installed())) is None


def test_the_build_of_a_version_is_no_difference(monkeypatch, driver):
    found = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: found | {"torch": driver.versions["torch"] + "+cu130"})
    assert unfit(driver) is None


def test_a_run_folder_of_the_machines_own_is_told(driver):
    # It has been run there too, once.
    files.write_text(RunFolder(driver.run).holder, "process 1 on another machine since long ago")
    assert "give --runs a folder that all machines share" in unfit(driver)
    files.remove(driver.run)
    assert "give --runs a folder that all machines share" in unfit(driver)


def test_a_machine_that_lacks_data_is_told_what_it_lacks(driver, tmp_path):
    (tmp_path / "data" / "prepared").rmdir()
    assert "it does not see prepared in" in unfit(driver)
    (tmp_path / "data").rmdir()
    assert "give --root a folder that all machines share" in unfit(driver)


def test_a_session_of_this_machines_own_has_nothing_to_compare(driver, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS")
    assert expected(driver.run, driver.root) is None


def test_what_goes_wrong_in_looking_is_told_too(driver, monkeypatch):
    def refused(path):
        raise PermissionError(f"no way to {path}")

    monkeypatch.setattr(files, "listing", refused)
    assert "it cannot look into" in unfit(driver)
    assert "no way to" in unfit(driver)
