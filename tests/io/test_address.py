import shlex

import pytest

from raysp.errors import BadInput
from raysp.io import address, files

SECRET = "hunter2-hunter2"
WITH = [
    f"http://me:{SECRET}@host:5000",
    f"http://me:{SECRET}@host:5000/mlflow",
    f"http://{SECRET}@host",
    f"https://me:a/{SECRET}@host/x",
    f"https://me:{SECRET}@at@host/x",
    f"s3://KEY:{SECRET}@bucket/runs",
    f"postgresql://me:{SECRET}@host/db",
    f"mysql+pymysql://me:{SECRET}@host:3306/db",
    f"postgresql://host/db?password={SECRET}",
    f"https://host/x?a=1&token={SECRET}",
    f"https://host/x?X-Amz-Signature={SECRET}&b=2",
    f"https://host/x?key={SECRET}",
    f"abfs://c/x?sig={SECRET}",
]
WITHOUT = [
    "http://host:5000",
    "http://host:5000/a@b",
    "http://127.0.0.1:5000?x=1",
    "s3://bucket/runs/a@b",
    "s3://bucket/a:b/c",
    "gs://bucket/x?generation=5",
    "postgresql://me@host/db",
    "sftp://me@host/folder",
    "sqlite:////tmp/a@b.db",
    "/folder/me:you@home",
    "runs",
]


@pytest.mark.parametrize("given", WITH)
def test_an_address_with_a_password_or_token_is_refused_and_told_without_it(given):
    assert address.has_secret(given)
    with pytest.raises(BadInput, match=r"--tracking expected an address without.*MLFLOW_TRACKING_PASSWORD") as refused:
        address.check(given, "--tracking", address.TRACKING)
    assert SECRET not in str(refused.value)
    for text in (given, f"run x.py --tracking {given} --retry", f"no answer from '{given}': tried twice"):
        assert SECRET not in address.masked(text)
        assert SECRET not in address.masked_command(text.split())


@pytest.mark.parametrize("given", WITHOUT)
def test_an_address_without_one_passes_and_stays_as_it_is(given):
    assert not address.has_secret(given)
    address.check(given, "--tracking", address.TRACKING)
    assert address.masked(f"run x.py --runs {given} --retry") == f"run x.py --runs {given} --retry"


def test_what_options_and_names_call_a_secret_is_not_in_the_command():
    given = ["x.py", "--token", SECRET, f"--api-key={SECRET}", "--set", f"own.password={SECRET}", "--retry"]
    assert address.masked_command(given) == "x.py --token *** --api-key=*** --set own.password=*** --retry"
    kept = ["x.py", "--set", "ndt.fill=token", "--set", "ndt.mask_tokens=4", "--splits", "mc_*", "--seed", "3"]
    assert address.masked_command(kept) == " ".join(kept).replace("mc_*", "'mc_*'")
    spaced = ["raysp", "run", "my experiment.py", "--set", "sae.hidden=[8, 16]", "--runs", "50%/[a]"]
    assert shlex.split(address.masked_command(spaced)) == spaced


def test_values_of_secret_names_of_the_environment_are_in_no_text(monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD", "RAY_AUTH_TOKEN", "OWN_API_KEY"):
        monkeypatch.setenv(name, f"{name.lower()}-of-mine")
        assert address.masked(f"sent {name.lower()}-of-mine, refused") == "sent ***, refused"
    monkeypatch.setenv("PASSWORD", "short")
    assert address.masked("in short") == "in short"


def test_folders_of_the_environment_are_no_secrets(monkeypatch, tmp_path):
    key = tmp_path / "key.json"
    key.write_text("{}")
    monkeypatch.setenv("PWD", "/home/me/work")
    monkeypatch.setenv("OLDPWD", "/home/me/gone")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    text = f"/home/me/work/runs is not there, nor /home/me/gone; credentials of {key}"
    assert address.masked(text) == text
    monkeypatch.setenv("MYSQL_PWD", "/not-a-folder-but-a-password")
    assert address.masked("by /not-a-folder-but-a-password") == "by ***"


def test_no_file_is_looked_for_at_an_address_with_a_password():
    for ask in (files.exists, files.listing, files.read_bytes, files.check):
        with pytest.raises(BadInput, match="AWS_PROFILE") as refused:
            ask(f"s3://KEY:{SECRET}@bucket/runs")
        assert SECRET not in str(refused.value)
