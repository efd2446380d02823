"""`eggypro auth`: short-lived API tokens with limited permissions."""

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
    help="Issue API tokens.",
    epilog=examples("auth token --permission products:read --ttl 86400"),
)


@app.command(
    epilog=examples(
        "auth token --permission products:read --ttl 86400",
        "auth token --permission products:read --name importer",
    )
)
def token(
    context: typer.Context,
    *,
    permission: Annotated[
        list[str] | None,
        typer.Option(
            "--permission",
            metavar="NAME",
            help="Permission to grant; repeatable. Default: all for products, reviews and metrics.",
        ),
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option(
            "--ttl",
            metavar="SECONDS",
            parser=integer,
            help="Lifetime in seconds: 1-86400, default 3600.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Name of the token's holder, for the event log."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Issue a token for the Authorization: Bearer header.

    It is signed with JWT_SECRET, and valid on every server with the same secret and admin key.
    """
    from eggypro_core import TokenRequest
    from eggypro_core.serializers import token_body

    values = {"permissions": permission or None, "ttl_seconds": ttl, "name": name}
    request = TokenRequest.parse(
        {name: value for name, value in values.items() if value is not None}
    )
    runtime: Runtime = context.obj
    response = runtime.tokens().issue(request)
    if json:
        write(json_line(token_body(response)), sys.stdout)
    else:
        _show(response)


def _show(response: TokenResponse) -> None:
    """Write the bare token to stdout, for scripts, and its permissions to stderr."""
    write(f"{response.token}\n", sys.stdout)
    permissions = ", ".join(sorted(response.user.permissions))
    expiry = f"{response.expires_at:%Y-%m-%d %H:%M:%S} UTC"
    print_message(f"Permissions: {permissions}. Expires at {expiry}.")
