import os

import pytest

from raysp.io.terminal import WIDEST, Terminal, table, terminal


class Screen:
    """A standard output that says it is a terminal."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COLUMNS": "60", "TERM": "xterm"}, Terminal(60, bold=True)),
        ({"COLUMNS": "200", "TERM": "xterm"}, Terminal(WIDEST, bold=True)),
        ({"COLUMNS": "60", "TERM": "xterm", "NO_COLOR": "1"}, Terminal(60)),
        ({"COLUMNS": "60", "TERM": "dumb"}, Terminal(60)),
    ],
)
def test_a_terminal_is_as_wide_and_as_plain_as_the_environment_says(monkeypatch, environment, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", Screen())
    assert terminal() == expected


def test_what_is_no_terminal_gets_no_escapes(monkeypatch, capsys):
    monkeypatch.setitem(os.environ, "TERM", "xterm")
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal() == Terminal(WIDEST)


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("behavior R2 (led 0) ↑", ["behavior", "R2", "(led 0) ↑"]),
        ("behavior R2 (velocity of the left hand) ↑", ["behavior R2", "(velocity", "of the left", "hand) ↑"]),
    ],
)
def test_a_short_name_in_brackets_is_not_broken(title, wanted):
    found = table([title], [("net", [("0.1", False)])], Terminal())
    assert [line.strip() for line in found[:-1]] == wanted
