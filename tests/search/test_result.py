import pytest

from raysp.errors import BadInput
from raysp.io import files
from raysp.search.result import finished_path, read_result, unfinished
from tests.search.recorded import end, fail, finish, study, trial_folder


def test_the_least_loss_wins(tmp_path):
    made = study(tmp_path)
    for number, loss in enumerate((0.3, 0.1, 0.2)):
        end(made, number, validation_loss=loss)
    found = read_result(made)
    assert (found.order, found.winner, found.front) == ((1, 2, 0), 1, ())
    assert found.scores[1].values == {"validation_loss": 0.1}
    assert not found.finished


def test_what_failed_was_stopped_or_waits_cannot_win(tmp_path):
    made = study(tmp_path)
    fail(made, 0)
    end(made, 1, validation_loss=0.01, stopped_at=10)
    found = read_result(made)
    assert [found.outcomes[n, 0].state for n in range(3)] == ["failed", "stopped", "waiting"]
    assert (found.order, found.winner) == ((), None)
    end(made, 2, validation_loss=9.0)
    assert read_result(made).winner == 2


def test_one_bad_seed_takes_a_candidate_out(tmp_path):
    made = study(tmp_path, seeds=(0, 1))
    for number in range(3):
        for seed in (0, 1):
            end(made, number, seed, validation_loss=1.0 + number + seed)
    files.remove(trial_folder(made, 0, 1).done)
    fail(made, 0, 1)
    found = read_result(made)
    assert (found.scores[0].state, found.order, found.scores[1].values["validation_loss"]) == ("failed", (1, 2), 2.5)


def test_the_final_decides(tmp_path):
    made = study(tmp_path)
    for number, loss in enumerate((0.3, 0.1, 0.2)):
        end(made, number, validation_loss=loss)
    for number, losses in ((1, (0.5, 0.7)), (2, (0.4, 0.6))):
        for seed, loss in zip((7, 8), losses, strict=True):
            end(made, number, seed, validation_loss=loss)
    finish(made, finalists=[1, 2], final_seeds=[7, 8])
    found = read_result(made)
    assert (found.order, found.winner) == ((1, 2, 0), 2)
    assert {n: one.values["validation_loss"] for n, one in found.finals.items()} == pytest.approx({1: 0.6, 2: 0.5})
    assert len(found.outcomes) == 3 + 4


def test_a_final_in_which_all_failed_leaves_the_searchs_order(tmp_path):
    made = study(tmp_path)
    for number, loss in enumerate((0.3, 0.1, 0.2)):
        end(made, number, validation_loss=loss)
    fail(made, 1, 7)
    end(made, 2, 7)
    finish(made, finalists=[1, 2], final_seeds=[7])
    assert read_result(made).winner == 1


def test_several_objectives_have_a_front(tmp_path):
    made = study(tmp_path, objectives=("validation_loss", "co-bps"))
    for number, (loss, bits) in enumerate([(0.3, 0.2), (0.1, 0.1), (0.2, 0.05)]):
        end(made, number, validation_loss=loss, co_bps=bits)
    found = read_result(made)
    assert (found.front, found.order, found.winner) == ((1, 0), (1, 0, 2), 1)


def test_an_empty_study_has_no_winner(tmp_path):
    found = read_result(study(tmp_path, candidates=0))
    assert (found.candidates, found.winner, found.order) == ((), None, ())


def test_a_damaged_record_is_refused(tmp_path):
    made = study(tmp_path)
    files.write_text(finished_path(made), '{"winner": ')
    with pytest.raises(BadInput, match=r"finished\.json is not JSON"):
        read_result(made)
    files.remove(finished_path(made))
    files.write_text(trial_folder(made, 2).done, "{")
    with pytest.raises(BadInput, match=r"done\.json is not JSON"):
        read_result(made)


def test_an_unfinished_sweep_says_which_study_and_what_to_do(tmp_path):
    message = str(unfinished([read_result(study(tmp_path))]))
    assert "sae standin-x-20ms-val" in message
    assert "run the command that started it again" in message
