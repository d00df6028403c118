import dataclasses

import pytest

from raysp.errors import BadInput
from raysp.runs.genealogy import Genealogy, Row
from raysp.search.generations import first_generation, is_over, next_generation
from tests.search.populations import population


def trained(rows, scores):
    return [
        dataclasses.replace(row, score=score, state="diverged" if score is None else "trained")
        for row, score in zip(rows, scores, strict=True)
    ]


def test_the_best_goes_on_untouched_and_the_worst_never_does():
    one = population(members=6)
    last = trained(first_generation(one), [3.0, 1.0, 2.0, None, 5.0, 4.0])
    found = next_generation(one, last)
    assert [row.member for row in found] == list(range(6))
    assert {row.generation for row in found} == {2}
    assert (found[1].source, found[1].parent, found[1].settings) == ("kept", 1, last[1].settings)
    assert found[3].source == "copied"
    for row in found:
        met = last[row.opponent]
        if row.source == "copied":
            assert row.parent == row.opponent
            assert row.settings != met.settings
        else:
            assert row.parent == row.member
            assert met.score is None or met.score >= last[row.member].score


def test_meetings_are_judged_before_anyone_copies():
    # Member 0 copies 1, whatever 1 does: what it takes over is what 1 was.
    for seed in range(20):
        one = population(members=3, seed=seed)
        last = trained(first_generation(one), [3.0, 2.0, 1.0])
        found = next_generation(one, last)
        assert found == next_generation(one, last)
        assert all(row.parent == row.opponent for row in found if row.source == "copied")


def test_all_diverged_is_the_end():
    one = population()
    with pytest.raises(BadInput, match="every member diverged in generation 1"):
        next_generation(one, trained(first_generation(one), [None] * 4))


def history(*bests, patience=4, generations=50):
    rows = [
        Row(g, m, "kept", {"a": 1.0}, state="trained", score=best + m)
        for g, best in enumerate(bests, 1)
        for m in range(2)
    ]
    return is_over(Genealogy(tuple(rows)), generations, patience)


def test_it_is_over_when_the_best_score_gains_nothing_any_more():
    assert not history(1.0, 0.9, 0.8, 0.7, 0.6)
    assert not history(1.0, 1.0, 1.0, 1.0)
    assert history(1.0, 1.0, 1.0, 1.0, 1.0)
    assert history(1.0, 1.2, 1.1, 1.3, 1.05)
    # Five hundredths of a per cent.
    assert history(1.0, 1.0, 0.9996, 1.0, 1.0)
    assert not history(1.0, 1.0, 0.999, 1.0, 1.0)
    assert history(-1.0, -1.0, -1.0004, -1.0, -1.0)
    assert not history(1.0, 1.0, 1.0, 1.0, 1.0, patience=0)
    assert history(1.0, 0.9, 0.8, generations=3)


def test_a_population_of_one_and_other_nonsense_is_refused():
    with pytest.raises(BadInput, match="a population of 1 has nobody to copy"):
        population(members=1)
    with pytest.raises(BadInput, match="judged by unseen_loss or validation_loss, got 'co-bps'"):
        population(objective="co-bps")


def test_a_population_is_named_by_all_that_changes_it():
    one = population()
    others = [population(seed=1), population(members=5), population(epochs=3), population(ramp=1), population(lanes=2)]
    names = {other.name for other in [one, *others]}
    assert len(names) == 6
    assert type(one).of(one.plain()).name == one.name
