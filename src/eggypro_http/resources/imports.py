"""Imports resource: import a file of products."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.domain.product_files import (
    IMPORT_SOURCE,
    ConflictPolicy,
    ImportOptions,
    ImportReport,
    MissingStock,
)
from eggypro_core.errors import ParseError
from eggypro_core.serializers import import_report_body
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import boolean_param, one_of
from eggypro_http.config import HttpConfig
from eggypro_http.errors import PROBLEM_MEDIA_TYPE, REQUEST_ID_KEY, problem
from eggypro_http.problem_types import IMPORT_REFUSED
from eggypro_http.requests.json_body import is_uncompressed, require_length
from eggypro_http.requests.query_string import parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route

IMPORTS_PATH = "/api/imports"
_CHUNK_BYTES = 64 * 1024


def import_products(shop: Shop, request: falcon.Request, *, config: HttpConfig) -> Response:
    """Import the file in the body; respond with the report, as a problem if it was refused."""
    params = fields.check(parameters(request, repeatable={"map"}), PARAMETERS)
    options = ImportOptions(
        source=params.get("source"),
        on_conflict=params.get("on_conflict", ConflictPolicy.UPDATE),
        dry_run=params.get("dry_run", False),
        keep_going=params.get("keep_going", False),
        ignore_stock=params.get("no_stock", False),
        missing_stock=params.get("missing_stock", MissingStock.UNTRACKED),
        keep_variants=params.get("keep_variants", False),
    )
    with _received_file(request, config.max_import_bytes) as file:
        report = shop.products.import_file(
            file,
            options,
            file_format=params.get("format", "auto"),
            mapping=params.get("map"),
        )
    if report.is_applied or report.dry_run:
        return Response(orjson.dumps(import_report_body(report)))
    return _refusal(report, request)


def _refusal(report: ImportReport, request: falcon.Request) -> Response:
    first = report.refused[0]
    place = f" (line {first.line}: {first.message})"
    count = f"{report.refused_total} rows were" if report.refused_total > 1 else "1 row was"
    body = problem(
        IMPORT_REFUSED,
        request.env[REQUEST_ID_KEY],
        f"Nothing was imported, because {count} refused{place}."
        " Correct the file, or repeat the request with keep_going=true",
        members=import_report_body(report),
    )
    return Response(body, {"content-type": PROBLEM_MEDIA_TYPE}, is_cacheable=False, status=422)


@contextmanager
def _received_file(request: falcon.Request, limit: int) -> Iterator[BinaryIO]:
    """Yield the body of a request as a temporary file, received before anything else is done."""
    length = _require_length(request, limit)
    if not is_uncompressed(request):
        raise falcon.HTTPUnsupportedMediaType(
            description="The file must be sent without Content-Encoding; a .gz file is unpacked"
        )
    if (request.content_type or "").startswith("multipart/"):
        raise falcon.HTTPUnsupportedMediaType(
            description="The file must be the body itself, not a field of a form: send it with"
            " `curl --data-binary @FILE`"
        )
    with TemporaryFile() as file:
        while chunk := request.stream.read(_CHUNK_BYTES):
            file.write(chunk)
        if file.tell() < length:
            raise ParseError("The body ended before its Content-Length")
        file.seek(0)
        yield file


def _require_length(request: falcon.Request, limit: int) -> int:
    try:
        return require_length(request, limit)
    except falcon.HTTPContentTooLarge:
        raise falcon.HTTPContentTooLarge(
            description=f"The file must not exceed {limit / 1024**2:g} MB here:"
            " import it with `eggypro products import FILE`"
        ) from None


def _mapping(value: object) -> Mapping[str, str]:
    """Return the names of columns by field, from texts like `name:Title`."""
    mapping: dict[str, str] = {}
    for text in value if isinstance(value, list) else [value]:
        name, colon, column = str(text).partition(":")
        if not (name and colon and column):
            raise fields.InvalidValueError(
                f"'{fields.escape_control(str(text))}' must be FIELD:COLUMN, such as name:Title"
            )
        mapping[name] = column
    return mapping


PARAMETERS: Mapping[str, fields.Validator] = {
    "format": fields.single_line("Format", 100),
    "dry_run": boolean_param("Dry run"),
    "on_conflict": one_of("On conflict", ConflictPolicy),
    "keep_going": boolean_param("Keep going"),
    "map": fields.with_schema(
        _mapping, {"type": "array", "items": {"type": "string", "pattern": "^[^:]+:.+$"}}
    ),
    "source": IMPORT_SOURCE,
    "no_stock": boolean_param("No stock"),
    "missing_stock": one_of("Missing stock", MissingStock),
    "keep_variants": boolean_param("Keep variants"),
}
ROUTES = (
    Route(
        method="POST",
        path=IMPORTS_PATH,
        summary="Import products from a file, all or none",
        handler=import_products,
        permission=Permission.PRODUCTS_WRITE,
        parameters=PARAMETERS,
        takes_config=True,
        request_schema="ImportedFile",
        response_schema="ImportReport",
        refusal_schema="ImportRefusal",
    ),
)
