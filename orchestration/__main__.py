"""``python -m orchestration`` is ``mis``."""

from orchestration.cli import main

main()
