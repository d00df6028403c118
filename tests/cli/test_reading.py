import io

from rich.console import Console

from raysp.cli.reading import Reading
from raysp.driver import progress


def shown(monkeypatch, news, step_s, **options):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    with Reading(Console(file=out, width=100, **options)) as display:
        for one in news:
            now[0] += step_s
            display.told(*one)
    return out.getvalue()


def test_a_long_reading_says_how_far_it_is_and_what_is_left_each_time_from_the_begin(monkeypatch):
    once = [("/data/spikes.csv", done, 1000) for done in range(100, 1001, 100)]

    lines = shown(monkeypatch, [*once, *once], 20.0).splitlines()

    assert len(lines) == 20
    assert lines[4] == "reading spikes.csv: 50% · 1:20, about 1:20 left"
    assert lines[9] == "reading spikes.csv: 100% · 3:00"
    assert lines[10] == "reading spikes.csv, time 2: 10% · 0:00"


def test_a_short_reading_says_nothing(monkeypatch):
    assert shown(monkeypatch, [("a.csv", 1, 2), ("a.csv", 2, 2)], 1.0) == ""


def test_on_a_terminal_the_line_is_gone_in_the_end(monkeypatch):
    text = shown(monkeypatch, [("a.csv", 1, 2), ("a.csv", 2, 2)], 20.0, force_terminal=True)
    assert "reading a.csv: 100%" in text
    assert "\x1b[2K" in text.rpartition("100%")[2]
