"""`python -m p53net` is the command line."""

from p53net.cli import main

main()
