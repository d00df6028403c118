"""Secrets in addresses and commands: refused where a person gives them, blotted out where a text may hold one."""

from __future__ import annotations

import os
import re
import shlex

from raysp.errors import BadInput

BLOT = "***"
# Ends in such a word: MLFLOW_TRACKING_PASSWORD, X-Amz-Security-Token, api_key. "mask_tokens" does not.
_WORD = (
    r"(?:[\w.-]*[_.-])?(?:token|secret|passw(?:or)?d|passphrase|pwd|signature|sig|credentials?|auth|"
    r"api[_-]?key|secret[_-]?key|private[_-]?key|access[_-]?key(?:[_-]?id)?)"
)
NAME = re.compile(_WORD, re.IGNORECASE)
# A name and a password, which may itself hold a slash; a colon before digits alone is a port. For a web server the
# name alone is often the token.
_USER = (
    r"(?P<kind>\w[\w+.-]*://)[^\s/@:]*:(?!\d+(?:[/?#\s]|$))[^\s@]+(?:@[^\s@/]+)*@",
    r"(?P<kind>https?://)[^\s/@?#]+@",
)
USER = [re.compile(pattern, re.IGNORECASE) for pattern in _USER]
QUERY = re.compile(rf"(?P<kind>[?&;](?:key|{_WORD})=)[^&;\s'\"]+", re.IGNORECASE)
VALUE = re.compile(rf"(?P<kind>(?<![\w.-]){_WORD}=)[^&;\s'\"]+", re.IGNORECASE)
FOLDERS = ("PWD", "OLDPWD")
SHORTEST = 8
"""A shorter value of the environment is too likely to stand in a text by itself."""

TRACKING = (
    "MLflow takes MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, from the "
    "environment; a database's password stays with the server that is in front of it"
)
STORE = (
    "S3 takes AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or a machine's role from the environment, and "
    "any store what ~/.config/fsspec holds for it"
)


def has_secret(address: str) -> bool:
    """Tell whether an address carries a password or a token."""
    return any(pattern.search(address) for pattern in (*USER, QUERY))


def check(address: str, what: str, instead: str) -> None:
    """Refuse an address with a password or a token in it: it would stand in records, logs and lists of processes.

    Args:
        address: a path or an address.
        what: the option's name, for the message.
        instead: how to give the secret.

    Raises:
        BadInput: it carries one; the message does not.
    """
    if "://" in address and has_secret(address):
        raise BadInput(
            f"{what} expected an address without a password or token, got {masked(address)}; it would stand in the "
            f"run's record and in every list of processes. {instead}"
        )


def masked(text: str) -> str:
    """Return a text without passwords and tokens: those in addresses, after their names, and of the environment."""
    for pattern in USER:
        text = pattern.sub(rf"\g<kind>{BLOT}@", text)
    for pattern in (QUERY, VALUE):
        text = pattern.sub(rf"\g<kind>{BLOT}", text)
    own = [value for name, value in os.environ.items() if NAME.fullmatch(name) and _is_secret(name, value)]
    for value in sorted(own, key=len, reverse=True):
        text = text.replace(value, BLOT)
    return text


def _is_secret(name: str, value: str) -> bool:
    # PWD is a shell's folder, GOOGLE_APPLICATION_CREDENTIALS a file's path: without them no message names a place.
    path = name in FOLDERS or (value.startswith("/") and os.path.exists(value))
    return len(value) >= SHORTEST and not path


def masked_command(arguments: list[str]) -> str:
    """Return a command line as a shell reads it, without the passwords and tokens that options such as --token name."""
    found = [
        BLOT if before.startswith("-") and "=" not in before and NAME.fullmatch(before.lstrip("-")) else masked(one)
        for before, one in zip(["", *arguments], arguments, strict=False)
    ]
    return " ".join(one if BLOT in one else shlex.quote(one) for one in found)
