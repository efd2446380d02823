"""Generation of the OpenAPI document: operations, parameters, responses and headers."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import falcon

from eggypro_core.access.authentication import AccessRequirement, Credential, Permission
from eggypro_core.maintenance import MaintenanceJob
from eggypro_core.validation.fields import Schema, schema_of
from eggypro_http.errors import PROBLEM_MEDIA_TYPE
from eggypro_http.openapi.examples import BODY_EXAMPLES, PARAMETER_EXAMPLES
from eggypro_http.openapi.schemas import (
    BINARY,
    FILE_SCHEMAS,
    INTEGER,
    MULTIPART_SCHEMAS,
    SCHEMAS,
    SLUG,
    STRING,
    one_of,
    schema_ref,
)
from eggypro_http.problem_types import PROBLEM_TYPES
from eggypro_http.routing import Route
from eggypro_http.urls import public_path

Node: TypeAlias = dict[str, Any]

API_DESCRIPTION = """\
The product catalogue of a shop. Money amounts are strings with two decimals, times are UTC. Errors
are `application/problem+json` (RFC 9457). Unknown or repeated query parameters and unknown body
fields are rejected with 422.
"""
_CREATED, _MOVED = 201, 308
_PATH_VARIABLE = re.compile(r"{(\w+)}")
_INTEGER_VARIABLES = frozenset({"variant", "review", "key"})
_LONG_VARIABLES = frozenset({"batch"})
_STRING_VARIABLES = frozenset({"image", "public_id", "rendition", "upload"})
_PATH_DESCRIPTIONS: Mapping[str, str] = {
    "slug": "Product slug. Former slugs redirect with 308.",
    "category": "Category slug.",
    "variant": "Variant id.",
    "review": "Review id.",
    "image": "Public id of an image. May contain slashes.",
    "public_id": "Public id of an image. May contain slashes.",
    "rendition": "`original`, or the name of a rendition.",
    "upload": "Upload id.",
    "job": "Maintenance job.",
    "key": "API key id.",
    "code": "Code of a problem type.",
    "batch": "Batch id, as in the header X-Batch-ID of a write.",
}
_QUERY_DESCRIPTIONS: Mapping[str, str] = {
    "search": "Search text. Typos are tolerated.",
    "q": "Search text. Typos are tolerated.",
    "category": "Filter by category slug. Subcategories are included.",
    "in_stock": "Filter by availability.",
    "inStock": "Alias of `in_stock`.",
    "min_price": "Minimum price.",
    "max_price": "Maximum price.",
    "parent": "Filter by the slug of the parent category; `none` selects root categories.",
    "status": "Filter by status (default: what the public sees; for reviews `pending`).",
    "listed": "Only listed (or unlisted) products. Needs `status`.",
    "sort": "Sort order (default: `relevance` for searches, otherwise `name`).",
    "facets": "Also return facet counts for the full result set.",
    "explain": "Explain the ranking of each result.",
    "limit": "Maximum number of items on the page.",
    "offset": "Number of items to skip.",
    "cursor": "Cursor taken from the previous page's `next`. Cannot be combined with `offset`.",
    "permanent": "Delete permanently instead of archiving.",
    "days": "Number of days to summarise.",
    "format": "Format of the file (default: `auto`, which detects it).",
    "dry_run": "Report what would change, and store nothing.",
    "on_conflict": "What to do with products that exist: `update` (default), `skip` or `fail`.",
    "keep_going": "Import valid products even if others are refused.",
    "map": "Column of a field as `FIELD:COLUMN`, for a table of no known format. Repeatable.",
    "source": "Shop that the IDs of the file come from (default: its format).",
    "no_stock": "Leave the stock of known products unchanged.",
    "missing_stock": "Stock of new products without a quantity: `untracked` (default), `sold-out`.",
    "product": "History of a product, by its current or former slug, or that of a deleted one.",
    "type": "Only events of a type, such as `product.updated`, or of a kind: `product.*`.",
    "actor": "Only events of an actor, such as `admin` or `key:erp`.",
    "batch": "Only events of a batch.",
    "since": "Only events from this time on.",
    "until": "Only events before this time.",
    "order": "`asc` (default): oldest first, as a feed; `desc`: newest first, as a history.",
    "after": "Continue after this `next_cursor`; `latest` begins at the end of the log.",
    "before": "Only batches with a lower id: the `next_before` of the previous page.",
    "keep_variants": "Leave variants on sale that the file lacks.",
}
_TAGS: Mapping[str, str] = {
    "products": "Products",
    "reviews": "Reviews",
    "categories": "Categories",
    "images": "Images",
    "auth": "Authentication",
    "keys": "API keys",
    "health": "Health",
    "metrics": "Metrics",
    "imports": "Import",
    "cron": "Maintenance",
    "events": "Events",
    "batches": "Events",
    "bulk-updates": "Products",
    "stock": "Products",
    "openapi.json": "API description",
    "problems": "API description",
}
"""Tags of operations by the segment of their path."""
_IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": STRING}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": STRING,
    "description": "ETag of the version to change. Responds with 412 if it is not the latest.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Makes the request safe to retry: for 24 hours, the same key, credential (or"
    " client, without a valid one), path and body replay the stored response.",
}
_HEADERS: Mapping[str, Node] = {
    "ETag": {"schema": STRING},
    "Location": {"schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"schema": INTEGER, "description": "Seconds to wait."},
    "RateLimit": {"schema": STRING, "description": "See draft-ietf-httpapi-ratelimit-headers-10."},
    "RateLimit-Policy": {"schema": STRING},
    "WWW-Authenticate": {
        "schema": STRING,
        "description": '`Bearer`; with `error="invalid_token"` if a public route ignored the'
        " credential of the request because it is not valid.",
    },
    "X-Request-ID": {"schema": STRING},
    "X-Batch-ID": {
        "schema": INTEGER,
        "description": "Batch of the events of this write; absent if nothing was changed.",
    },
    "X-Cache": {"schema": one_of(("hit", "miss", "stale"))},
    "Idempotency-Replayed": {"schema": one_of(("true",))},
}
_VERSIONED = re.compile(r"/api/products/{slug}(/images.*|/variants/{variant})?")


def build_document(routes: Sequence[Route], version: str) -> Node:
    """Return the OpenAPI document of an API that consists of `routes`."""
    paths: dict[str, Node] = {}
    for route in routes:
        paths.setdefault(public_path(route.path), {})[route.method.lower()] = _operation(route)
    for path, (target, parameters) in _LINKS.items():
        paths[path]["post"]["responses"]["201"]["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": parameters,
            }
            for operation in paths[target].values()
        }
    problems = sorted({_MOVED}.union(*map(_error_statuses, routes)))
    return {
        "openapi": "3.1.0",
        "info": {"title": "EggyPro", "version": version, "description": API_DESCRIPTION},
        "tags": [{"name": name} for name in dict.fromkeys(_TAGS.values())],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "headers": dict(_HEADERS),
            "responses": {_response_name(status): _problem(status) for status in problems},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


_SLUG, _ID = "$response.body#/slug", "$response.body#/id"
_LINKS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "/api/products": ("/api/products/{slug}", {"slug": _SLUG}),
    "/api/categories": ("/api/categories/{slug}", {"slug": _SLUG}),
    "/api/products/{slug}/reviews": ("/api/reviews/{id}", {"id": _ID}),
    "/api/products/{slug}/variants": (
        "/api/products/{slug}/variants/{id}",
        {"slug": "$request.path.slug", "id": _ID},
    ),
}
"""The path of what each POST creates, and its parameters in terms of the response."""


def _operation(route: Route) -> Node:
    operation: Node = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": [*_in_path(route), *_in_query(route), *_in_headers(route)],
        "responses": dict(_responses(route)),
    }
    if route.request_schema is not None:
        media_type = _request_media_type(route.request_schema)
        is_required = route.permission is not Credential.KEY
        content = {
            "schema": schema_ref(route.request_schema),
            **_example(BODY_EXAMPLES, route.request_schema),
        }
        operation["requestBody"] = {"required": is_required, "content": {media_type: content}}
    if route.permission is not None:
        operation["security"] = [{"bearer": []}]
        operation["description"] = _requirement_text(route.permission)
    elif route.restricted_parameters:
        operation["security"] = [{}, {"bearer": []}]
    return operation


def _request_media_type(schema: str) -> str:
    if schema in FILE_SCHEMAS:
        return "application/octet-stream"
    return "multipart/form-data" if schema in MULTIPART_SCHEMAS else "application/json"


def operation_id(route: Route) -> str:
    """Return the operationId of a route: the name of its handler in camel case."""
    first, *rest = route.handler.__name__.split("_")
    return first + "".join(map(str.capitalize, rest))


def _requirement_text(requirement: AccessRequirement) -> str:
    if requirement is Credential.CRON:
        return "Requires the cron secret (`CRON_SECRET`)."
    if isinstance(requirement, Permission):
        return f"Requires a credential with `{requirement}`."
    return "Requires the admin key."


def _tag(path: str) -> str:
    return next(_TAGS[segment] for segment in reversed(path.split("/")) if segment in _TAGS)


def _in_path(route: Route) -> Iterator[Node]:
    names = [_PATH_VARIABLE.findall(path) for path in (route.path, public_path(route.path))]
    for name, public_name in zip_longest(*names, fillvalue="rendition"):
        schema: Schema = STRING if name in _STRING_VARIABLES else SLUG
        if name == "job":
            schema = one_of(MaintenanceJob)
        if name == "code":
            schema = one_of(PROBLEM_TYPES)
        if name in _INTEGER_VARIABLES:
            schema = {**INTEGER, "minimum": 1, "maximum": 2_147_483_647}
        if name in _LONG_VARIABLES:
            schema = {**INTEGER, "minimum": 1}
        yield {
            "name": public_name,
            "in": "path",
            "required": True,
            "schema": schema,
            **_example(PARAMETER_EXAMPLES, name),
            "description": _PATH_DESCRIPTIONS[name],
        }


def _in_query(route: Route) -> Iterator[Node]:
    for name, rule in route.parameters.items():
        required = {"required": True, **_example(PARAMETER_EXAMPLES, name)} if name == "q" else {}
        description = _QUERY_DESCRIPTIONS[name]
        if name in route.restricted_parameters:
            description += f" {_requirement_text(route.restricted_parameters[name])}"
        yield {
            "name": name,
            "in": "query",
            "schema": schema_of(rule),
            **required,
            "description": description,
        }


def _in_headers(route: Route) -> Iterator[Node]:
    if _has_etag(route):
        yield _IF_NONE_MATCH
    if _is_versioned(route):
        yield _IF_MATCH
    if route.is_idempotent:
        yield _IDEMPOTENCY_KEY


def _example(examples: Mapping[str, object], name: str) -> Node:
    return {"example": examples[name]} if name in examples else {}


def _has_etag(route: Route) -> bool:
    return route.method == "GET" and bool(route.tags or route.media_type == "image/*")


def _is_versioned(route: Route) -> bool:
    is_edit = route.method in {"PUT", "PATCH", "DELETE"}
    return is_edit and _VERSIONED.fullmatch(route.path) is not None


def _responses(route: Route) -> Iterator[tuple[str, Node]]:
    yield str(route.success_status), _success(route)
    if _has_etag(route):
        yield "304", {"description": "Not Modified", "headers": _headers(["ETag"])}
    if "/products/{slug}" in route.path:
        yield "308", {"$ref": f"#/components/responses/{_response_name(_MOVED)}"}
    for status in sorted(_error_statuses(route)):
        yield str(status), {"$ref": f"#/components/responses/{_response_name(status)}"}
    if route.refusal_schema is not None:
        schemas = [schema_ref("Problem"), schema_ref(route.refusal_schema)]
        content = {PROBLEM_MEDIA_TYPE: {"schema": {"anyOf": schemas}}}
        yield "422", {**_problem(422), "content": content}


_RESPONSE_HEADERS: Mapping[int, list[str]] = {
    _MOVED: ["Location"],
    401: ["WWW-Authenticate"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}


_EXTRA_STATUSES: Mapping[tuple[str, str], set[int]] = {
    ("POST", "/api/images/uploads"): {404},  # for the product in the body
    ("POST", "/images/uploads"): {403},  # for a missing or wrong signature
    ("GET", "/images/{image}"): {405},  # at /images/uploads
    ("GET", "/api/cron/{job}"): {507},
    ("GET", "/metrics"): {507},
    ("GET", "/api/events"): {410},
    ("GET", "/api/batches/{batch}"): {410},
    ("POST", "/api/batches/{batch}/undo"): {410},
}


def _success(route: Route) -> Node:
    names = ["X-Request-ID", *(["RateLimit", "RateLimit-Policy"] if route.limits else [])]
    names += ["ETag", "X-Cache"] if route.tags else []
    names += [] if route.permission else ["WWW-Authenticate"]
    names += ["Location"] if route.success_status == _CREATED else []
    names += ["Idempotency-Replayed"] if route.is_idempotent else []
    names += ["X-Batch-ID"] if route.method != "GET" else []
    success: Node = {"description": _phrase(route.success_status), "headers": _headers(names)}
    if route.response_schema is not None:
        success["content"] = {route.media_type: {"schema": schema_ref(route.response_schema)}}
    elif route.media_type == "image/*":
        media_types = ("image/jpeg", "image/png", "image/webp")
        success["content"] = {media_type: {"schema": BINARY} for media_type in media_types}
    return success


def _error_statuses(route: Route) -> set[int]:
    """Return the statuses of the errors that a route may respond with."""
    statuses = {400, 422, 500, 503}
    statuses |= {406} if route.media_type == "application/json" else set()
    statuses |= {401, 403, 429} if route.permission or route.restricted_parameters else set()
    statuses |= {429} if route.limits else set()
    statuses |= {404} if "{" in route.path or route.media_type != "application/json" else set()
    statuses |= _EXTRA_STATUSES.get((route.method, route.path), set())
    if route.method != "GET":
        statuses |= {408, 409, 411, 413, 415, 502, 507}
    if _is_versioned(route):
        statuses |= {412}
    return statuses


def _problem(status: int) -> Node:
    return {
        "description": f"{_phrase(status)}. Problem types: {_type_list(status)}.",
        "headers": _headers(["X-Request-ID", *_RESPONSE_HEADERS.get(status, [])]),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema_ref("Problem")}},
    }


def _type_list(status: int) -> str:
    kinds = (kind for kind in PROBLEM_TYPES.values() if kind.status == status)
    return ", ".join(f"`{kind.path}`" for kind in kinds)


def _headers(names: Iterable[str]) -> Node:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _response_name(status: int) -> str:
    """Return the component name of an error response: `NotFound` for 404."""
    return "".join(word for word in _phrase(status).title() if word.isalnum())


def _phrase(status: int) -> str:
    return str(falcon.code_to_http_status(status)[4:])
