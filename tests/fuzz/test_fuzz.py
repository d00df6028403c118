"""The fuzzer itself, and a short campaign with a fixed seed."""

import subprocess
import sys

import numpy as np
import pytest

from tests.fuzz.content import fingerprint
from tests.fuzz.judge import judge
from tests.fuzz.kinds import Changed, Kind

SEEN = """
import os, signal, sys, time
from tests.fuzz import child
patience = child.WALL_S
for work in (lambda: {"ended": "read"}, lambda: os.kill(os.getpid(), signal.SIGSEGV), lambda: time.sleep(600),
             lambda: os._exit(3), lambda: len(bytearray(1 << 40)), lambda: 1 / 0):
    child.WALL_S = 1 if "sleep" in work.__code__.co_names else 10 * patience
    found = child.run(work)
    print(found["ended"], found.get("how", "").strip().rpartition("\\n")[2])
"""


def python(*args: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


def test_a_campaign_goes_on_whatever_a_reading_does():
    assert python("-c", SEEN).stdout.splitlines() == [
        "read ", "crash SIGSEGV", "hang ", "crash exit status 3", "broken MemoryError",
        "broken ZeroDivisionError: division by zero",
    ]  # fmt: skip


GOOD = {"ended": "read", "content": "a", "notes": ["old"]}
LIKE = {"ours": True, "strangers": False}


@pytest.mark.parametrize(
    ("whose", "changed", "seen", "expected"),
    [
        ("ours", Changed("x"), GOOD, "read right"),
        ("ours", Changed("x"), {**GOOD, "content": "b"}, "OTHER CONTENT"),
        ("strangers", Changed("x"), {**GOOD, "content": "b"}, "as it says"),
        ("strangers", Changed("x", "told"), {**GOOD, "content": "b"}, "UNTOLD"),
        ("strangers", Changed("x", "told"), {**GOOD, "content": "b", "notes": ["old", "new"]}, "noted"),
        ("strangers", Changed("x", "same"), {**GOOD, "content": "b"}, "UNTOLD"),
        ("strangers", Changed("x", "same"), {"ended": "refused", "how": "file.h5 is damaged"}, "UNTOLD"),
        ("strangers", Changed("s: nan", name="s"), {**GOOD, "content": "b"}, "UNTOLD"),
        ("ours", Changed("x"), {"ended": "refused", "how": "file.h5 is damaged"}, "refused"),
        ("ours", Changed("x"), {"ended": "refused", "how": "it is damaged"}, "UNCLEAR"),
        ("ours", Changed("x"), {"ended": "refused", "how": "file.h5\nis damaged"}, "UNCLEAR"),
        ("ours", Changed("x"), {"ended": "restarted", "how": "damaged"}, "restarted"),
        ("ours", Changed("x"), {"ended": "raw", "how": "KeyError"}, "RAW"),
        ("ours", Changed("x"), {"ended": "hang"}, "HANG"),
        ("ours", Changed("x"), {"ended": "crash", "how": "SIGSEGV"}, "CRASH"),
    ],
)
def test_a_reading_is_judged(whose, changed, seen, expected):
    kind = Kind("k", "a/file.h5", lambda folder, seed: None, {}, (), ours=LIKE[whose], doubted={"s": ("nan",)})
    assert judge(kind, changed, seen, GOOD)[0] == expected


def test_equal_content_has_equal_fingerprints():
    one = {"a": np.arange(3), "b": [1.0, None], "c": {"x": "y"}}
    assert fingerprint(one) == fingerprint(dict(reversed(one.items())))
    for other in ({**one, "a": np.arange(3.0)}, {**one, "a": np.arange(3)[None]}, {**one, "b": [1, None]}):
        assert fingerprint(one) != fingerprint(other)


def test_a_change_is_made_again_by_its_number():
    lines = [python("-m", "tests.fuzz.campaign", "--seed", "5", "--only", "24").stdout for _ in range(2)]
    assert lines[0] == lines[1] != ""
    assert " submission, check: " in lines[0]


def test_nothing_is_raw_hangs_crashes_or_is_read_with_other_content():
    done = python("-m", "tests.fuzz.campaign", "--count", "40")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
