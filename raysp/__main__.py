"""`python -m raysp` is `raysp`."""

from raysp.cli import main

main()
