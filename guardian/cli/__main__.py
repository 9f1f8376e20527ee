"""`python -m guardian.cli`: the command without its script."""

from guardian.cli import main

main()
