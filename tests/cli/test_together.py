"""Options that would change nothing are refused before a verb begins."""

import pytest
from click.testing import CliRunner

from raysp import cli
from raysp.cli.root import Verb, Verbs
from raysp.cli.together import NEEDS, NOT_BESIDE


def output(*words):
    result = CliRunner().invoke(cli.main, list(words))
    assert result.exit_code == 2, result.output
    return result.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run e.py --candidate 3", "--candidate goes with --settings"),
        ("run e.py --force --accept-code", "--accept-code goes without --force"),
        ("best x.nwb --force --accept-code", "--accept-code goes without --force"),
        ("sweep e.py --space s --reduction 4", "--reduction goes with --asha"),
        ("sweep e.py --space s --final-seeds 4", "--final-seeds goes with --finalists"),
        ("sweep e.py --space s --lanes 4", "--lanes goes with --pbt"),
        ("sweep e.py --space s --pbt --asha 4", "--asha goes without --pbt"),
        ("collect r --no-submission --model sae", "--model goes without --no-submission"),
        ("collect r --no-submission --seed 0", "--seed goes without --no-submission"),
        ("data fetch mc_rtt --all", "NAMES goes without --all"),
        ("data fetch x --all --cells c.csv", "--all goes without --cells"),
        ("data standin --dataset retina --size real", "--size real goes with data sets of the benchmark"),
        ("check mean_rate --set a=3", "--set expected a source"),
        ("slurm e.py -- --nope", "No such option"),
        ("slurm e.py -- --workers 0", "0 is not in the range"),
    ],
)
def test_what_would_change_nothing_is_refused(command, message):
    assert message in output(*command.split())


def test_the_table_names_verbs_and_parameters_that_there_are():
    def verbs(group):
        for one in group.commands.values():
            yield from verbs(one) if isinstance(one, Verbs) else [one]

    known = {one.name: {each.name for each in one.params} for one in verbs(cli.main) if isinstance(one, Verb)}
    for table in (NEEDS, NOT_BESIDE):
        for verb, rules in table.items():
            assert {*rules, *rules.values()} <= known[verb]
