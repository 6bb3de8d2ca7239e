"""`python -m hlsmask`."""

from hlsmask.cli import main

main()
