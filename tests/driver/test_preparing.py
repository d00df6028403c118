from raysp.cluster import jobs
from raysp.config.experiment import Recording
from raysp.driver import preparing
from raysp.errors import BadInput


def test_a_long_preparation_says_what_it_is_at(monkeypatch):
    now, said = [0.0], []
    refusal = BadInput("b is damaged")

    def run(function, calls, *, on_done, on_wait):
        for second in (10, 20, 30, 40):
            now[0] = second
            on_wait()
        on_done(0, None)
        now[0] = 60
        on_wait()
        on_done(1, refusal)
        return [None, refusal]

    monkeypatch.setattr(jobs, "jobs", run)
    monkeypatch.setattr(preparing.time, "monotonic", lambda: now[0])
    groups = [[Recording(name, "lorenz", {})] for name in ("a", "b")]

    found = preparing.prepare(groups, "data", said.append)

    assert found == [("a", None), ("b", refusal)]
    assert said == [
        "  still preparing a; b · 0:20",
        "  still preparing a; b · 0:40",
        "  prepared a",
        "  still preparing b · 1:00",
        "  refused b",
    ]
