"""``mis reports``: the pages people look at, and links to sign in with."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.commands.printing import fail
from orchestration.settings import get_settings

reports_app = typer.Typer(help="Pages to look at, on 127.0.0.1 until Ctrl-C; `link` prints a sign-in link.")

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the reports on 127.0.0.1.")]


@reports_app.callback(invoke_without_command=True)
def serve_reports(context: typer.Context, port: Port = 3100) -> None:
    """Serve the report pages on 127.0.0.1 until Ctrl-C, and say how to sign in.

    Readers are the people of `mis person`. While there is nobody, a local operator sees every approved school.
    """
    if context.invoked_subcommand is None:
        from orchestration.commands.serve_reports import serve

        # Not through rich: a link that is wrapped at the terminal's width cannot be clicked.
        serve(get_settings(), port, typer.echo)


@reports_app.command("link")
def print_link(
    email: Annotated[str, typer.Argument(help="The person's address, as `mis person list` shows it.")],
    port: Port = 3100,
) -> None:
    """Print a sign-in link for a person. It works once, within 15 minutes, on the machine that serves the reports."""
    from orchestration.access.people import PersonError
    from orchestration.commands.serve_reports import link

    try:
        typer.echo(link(get_settings(), email, port))
    except PersonError as error:
        fail(str(error))
