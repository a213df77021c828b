"""`python -m core` is the command `banyan`."""

from core.cli import main

main()
