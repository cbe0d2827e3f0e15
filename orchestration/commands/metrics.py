"""``mis metrics``: the semantic layer at the command line."""

from __future__ import annotations

import typer

metrics_app = typer.Typer(help="Metrics of the semantic layer.", no_args_is_help=True)
