"""The command line's frame: the group of verbs, common options, and how errors reach a person."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from typing import Any

import click

from raysp import __version__
from raysp.cli.together import refuse_idle
from raysp.cli.utf8 import speak_utf8
from raysp.errors import BadInput, NotReady, StoreError
from raysp.io.address import masked
from raysp.io.interruption import exit_status, taken_for_ctrl_c
from raysp.io.system_errors import named, sentence

ROOT = click.option("--root", default="data", show_default=True, help="Folder (or address) of the recordings.")
RUN_ROOT = click.option(
    "--root", help="Folder (or address) of the recordings; by default the one that the run was made with."
)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DEVICE = click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
VERBOSE = click.option("--verbose", is_flag=True, help="Show what the libraries have to say.")


class Verb(click.Command):
    """A command whatever ends which is one line for a person and an exit status.

    2 for what a person can mend (BadInput, NotReady), 1 for what the disk, a store or the system refuses, 70 for what
    raysp did not expect, whose traceback is kept in a file; 130 for Ctrl-C, 143 for SIGTERM, 141 for a pipe
    that closed.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with taken_for_ctrl_c():
                for text in sys.argv:
                    _check_text(text)
                _refuse_empty(ctx)
                refuse_idle(ctx)
                found = super().invoke(ctx)
                if sys.stdout is not None:
                    sys.stdout.flush()
                return found
        except (SystemExit, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            # Nobody reads on (raysp status | head), and Python must not try again when it ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(128 + signal.SIGPIPE)
        except BaseException as error:
            text, status = _in_words(error)
            _warn(f"raysp: {masked(text)}")
            sys.exit(status)


class Verbs(click.Group):
    """A group of verbs."""

    command_class = Verb
    group_class = type


@click.command(cls=Verbs, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="raysp")
def main() -> None:
    """Train, sweep, compare and submit models of neural spiking."""
    speak_utf8()


def _in_words(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit status of an error."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was finished is kept, and the same command goes on from there", exit_status(error)
    if isinstance(error, BadInput | NotReady):
        return str(error), 2
    if isinstance(error, StoreError):
        return str(error), 1
    if _verbose():
        _warn(masked("".join(traceback.format_exception(error)).rstrip()))
    if (text := sentence(error)) is not None:
        return text, 1
    return f"unexpected {named(error)}; {_kept(error)}. What was finished is kept", 70


def _kept(error: BaseException) -> str:
    """Write an error's traceback to a file; return where it is."""
    text = masked("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="raysp-error-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError:
        return "no file could hold its traceback, --verbose shows it"
    return f"its traceback is in {file.name}, or with --verbose on the screen"


def _verbose() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.params.get("verbose"))


def _warn(text: str) -> None:
    # A terminal that was closed shows nothing any more.
    with contextlib.suppress(OSError, ValueError):
        click.echo(text.encode("utf-8", "backslashreplace").decode(), err=True)


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode("utf-8", "backslashreplace").decode()
        raise BadInput(f"the command line expected names in UTF-8, got {shown}; rename it, or give another") from None


def _refuse_empty(context: click.Context) -> None:
    """Refuse what was given as nothing: mostly a variable of the shell that is not set."""
    for one in context.command.params:
        value = context.params.get(one.name or "")
        if context.get_parameter_source(one.name or "") is click.core.ParameterSource.DEFAULT:
            continue
        if "" in (value if isinstance(value, tuple) else (value,)):
            what = one.opts[-1] if isinstance(one, click.Option) else one.make_metavar(context)
            raise BadInput(f"{what} expected a value, got nothing; is a variable of the shell empty?")


@contextlib.contextmanager
def with_ray(verbose: bool) -> Iterator[None]:
    """Start Ray for the block."""
    from raysp.cluster.session import session
    from raysp.config.experiment import Resources

    with session(Resources(), verbose=verbose):
        yield


def numbers(option: str, text: str | None) -> tuple[int, ...] | None:
    """Return the whole numbers that an option was given, None where it was not given. Raises BadInput for others."""
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise BadInput(f"{option} expected whole numbers with commas between them, got {text!r}") from error


def say(text: str) -> None:
    """Print one line."""
    click.echo(text)
