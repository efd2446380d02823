"""`eggypro openapi`: the OpenAPI description of the HTTP API."""

import sys
from typing import Annotated

import typer

from eggypro_cli.output import examples

EXAMPLES = examples("openapi > openapi.json")


def openapi(
    *,
    json: Annotated[  # noqa: ARG001
        bool, typer.Option("--json", help="No effect: the output is always JSON.")
    ] = False,
) -> None:
    """Print the OpenAPI 3.1 description of the HTTP API.

    Use it to generate clients.
    """
    from eggypro_http.app import openapi_description

    sys.stdout.write(openapi_description().decode())
