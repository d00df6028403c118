from raysp.config.experiment import Experiment, ModelChoice, Training
from raysp.driver.launch_words import say_replaced
from raysp.search.settings_file import adopt, read_settings
from tests.search.test_settings_file import finished

SPLITS = ["mc_maze_small-20ms-val", "mc_maze_small-20ms-test", "mc_rtt-20ms-val"]


def replaced(folder, **changes):
    mine, best, lines = Experiment("x", (ModelChoice("sae"),), ("*",), **changes), read_settings(folder), []
    say_replaced(mine, adopt(mine, best, SPLITS)[0], best, SPLITS, lines.append)
    return lines


def test_values_that_give_way_to_the_sweep_though_it_did_not_search_them_are_told(tmp_path):
    finished(tmp_path)
    swept = Training()
    mine = Training(epochs=swept.epochs + 1, batch_size=swept.batch_size + 2, learning_rate=0.5)
    told = f"also epochs {mine.epochs} -> {swept.epochs}, batch_size {mine.batch_size} -> {swept.batch_size}"
    assert replaced(str(tmp_path), training=mine) == [f"sae on {SPLITS[0]}, {SPLITS[1]}: {told}, as the sweep had it"]
    assert replaced(str(tmp_path)) == []
