"""`eggypro auth`: tokens for whoever is to do less than the admin key allows, and not for long."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import integer
from eggypro_cli.output import JsonOption, examples, json_line, print_message, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import TokenResponse

app = typer.Typer(
    help="Issue tokens of the API.",
    epilog=examples("auth token --permission products:read --ttl 86400"),
)


@app.command(
    epilog=examples(
        "auth token --permission products:read --ttl 86400",
        "auth token --permission products:read --permission products:write",
    )
)
def token(
    context: typer.Context,
    *,
    permission: Annotated[
        list[str] | None,
        typer.Option(
            "--permission", metavar="NAME", help="What it permits; more than once for more."
        ),
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option(
            "--ttl",
            metavar="SECONDS",
            parser=integer,
            help="How long it lasts: 1-86400, else an hour.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Issue a token, to be sent as Authorization: Bearer. Without --permission it permits all.

    JWT_SECRET signs it: every server with the same one takes it.
    """
    from eggypro_core import TokenRequest
    from eggypro_core.serializers import token_body

    wishes = {"permissions": permission or None, "ttl_seconds": ttl}
    wish = TokenRequest.parse({name: one for name, one in wishes.items() if one is not None})
    outside: Runtime = context.obj
    grant = outside.tokens().issue(wish)
    if json:
        write(json_line(token_body(grant)), sys.stdout)
    else:
        _show(grant)


def _show(grant: TokenResponse) -> None:
    """Write the token alone to stdout, where a script takes it, and the rest to stderr."""
    write(f"{grant.token}\n", sys.stdout)
    permissions = ", ".join(sorted(grant.user.permissions))
    print_message(f"It permits {permissions} until {grant.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
