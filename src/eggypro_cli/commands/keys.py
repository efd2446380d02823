"""`eggypro keys`: create, list and revoke API keys."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption, integer
from eggypro_cli.output import (
    JsonOption,
    confirm,
    examples,
    json_line,
    print_body,
    print_message,
    write,
)

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Create, list and revoke API keys.",
    epilog=examples("keys create storefront --permission products:read", "keys list"),
)


@app.command(
    "create",
    epilog=examples(
        "keys create storefront --permission products:read",
        "keys create erp --permission products:write --expires-at 2027-12-31",
    ),
)
def create_key(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the key's holder, for the event log.")
    ],
    *,
    permission: Annotated[
        list[str],
        typer.Option("--permission", metavar="NAME", help="Permission to grant; repeatable."),
    ],
    expires_at: Annotated[
        str | None,
        typer.Option("--expires-at", metavar="TIME", help="Expiry in UTC; default: never."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Create a key for the Authorization: Bearer header.

    It is shown only once: the shop stores a digest of it.
    """
    from eggypro_core.serializers import created_api_key_body

    values = {"name": name, "permissions": permission, "expires_at": expires_at}
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        created = shop.api_keys.create(values)
    if json:
        write(json_line(created_api_key_body(created)), sys.stdout)
        return
    write(f"{created.key}\n", sys.stdout)
    expiry = created.api_key.expires_at
    print_message(
        f"Key {created.api_key.id}: {', '.join(sorted(created.api_key.permissions))}."
        f" {'Never expires' if expiry is None else f'Expires at {expiry:%Y-%m-%d %H:%M:%S} UTC'}."
        " Store it now: it cannot be shown again."
    )


@app.command("list", epilog=examples("keys list", "keys list --json"))
def list_keys(context: typer.Context, *, json: JsonOption = False) -> None:
    """List all keys, newest first, revoked and expired ones too."""
    from eggypro_cli.api_key_tables import api_key_table
    from eggypro_core.serializers import api_key_list_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        api_keys, now = shop.api_keys.list(), shop.clock()
    print_body(api_key_list_body(api_keys), lambda: [api_key_table(api_keys, now)], json=json)


@app.command("revoke", epilog=examples("keys revoke 7", "keys revoke 7 --yes"))
def revoke_key(
    context: typer.Context,
    key_id: Annotated[
        int, typer.Argument(metavar="ID", parser=integer, help="Key id (see `keys list`).")
    ],
    *,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Revoke a key. All servers reject it within a second. With --json, nothing is printed."""
    from eggypro_core import NotFoundError

    confirm(f"Revoke API key {key_id}?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        if not shop.api_keys.revoke(key_id):
            raise NotFoundError(f"There is no API key {key_id}", kind="API key")
    if not json:
        write(f"Revoked API key {key_id}.\n", sys.stdout)
