"""`eggypro openapi`: the description of the HTTP API."""

import sys
from typing import Annotated

import typer

from eggypro_cli.output import examples

EXAMPLES = examples("openapi > openapi.json")


def openapi(
    *,
    json: Annotated[bool, typer.Option("--json", help="For other commands: it is JSON.")] = False,  # noqa: ARG001
) -> None:
    """Print the HTTP API as OpenAPI 3.1 describes it.

    It is for generators of clients.
    """
    from eggypro_http.app import openapi_description

    sys.stdout.write(openapi_description().decode())
