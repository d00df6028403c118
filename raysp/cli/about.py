"""raysp models, splits, doctor, packing: what there is to work with."""

from __future__ import annotations

import sys

from raysp.cli.root import ROOT, main, said, say


@main.command()
def models() -> None:
    """List the models and their settings."""
    with said():
        import dataclasses

        from raysp.models import catalog

        for name in catalog.names():
            module = catalog.module(name)
            say(f"{name}: {(module.__doc__ or '').strip().splitlines()[0]}")
            for field in dataclasses.fields(module.Config):
                say(f"    {field.name} = {field.default!r}")


@main.command()
@ROOT
def splits(root: str) -> None:
    """List the splits and which of them are prepared."""
    with said():
        from raysp import files
        from raysp.data import prepare

        there = {name.removesuffix(".h5") for name in files.listing(files.join(root, "prepared"))}
        for name in sorted({*prepare.expand(("*",)), *(n for n in there if not n.endswith(".targets"))}):
            mark = "prepared" if {name, f"standin-{name}"} & there else ""
            say(f"{name:40} {mark}".rstrip())


@main.command()
@ROOT
def doctor(root: str) -> None:
    """Show versions, devices, Ray, MLflow, data and disk, and what is wrong with them."""
    with said():
        from raysp.doctor import examine

        problems = 0
        for item in examine(root):
            problems += not item.good
            say(f"{'ok ' if item.good else '!! '} {item.name:12} {item.text}")
        if problems:
            sys.exit(1)
