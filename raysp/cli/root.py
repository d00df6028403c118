"""The command line's frame: the group of verbs, common options, and how errors are said."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import click

from raysp import __version__
from raysp.address import masked
from raysp.errors import BadInput, NotReady, StoreError
from raysp.files import is_disk_full

ROOT = click.option("--root", default="data", show_default=True, help="Folder (or address) of the recordings.")
VERBOSE = click.option("--verbose", is_flag=True, help="Show what the libraries have to say.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="raysp")
def main() -> None:
    """Train, sweep, compare and submit models of neural spiking."""


@contextlib.contextmanager
def said() -> Iterator[None]:
    """Turn the errors meant for a person into one line and exit status 2, a full disk into 1, Ctrl-C into 130."""
    try:
        yield
    except (BadInput, NotReady) as error:
        click.echo(f"raysp: {masked(str(error))}", err=True)
        sys.exit(2)
    except StoreError as error:
        click.echo(f"raysp: {masked(str(error))}", err=True)
        sys.exit(1)
    except OSError as error:
        if not is_disk_full(error):
            raise
        click.echo(
            f"raysp: no space left on the disk ({error.filename or error}); make room, and the same command goes "
            "on from what is finished",
            err=True,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("raysp: interrupted; what was finished is kept, and the same command goes on from there", err=True)
        sys.exit(130)


@contextlib.contextmanager
def with_ray(verbose: bool) -> Iterator[None]:
    """Start Ray for the block."""
    from raysp.cluster.session import session
    from raysp.config import Resources

    with session(Resources(), verbose=verbose):
        yield


def say(text: str) -> None:
    """Print one line."""
    click.echo(text)
