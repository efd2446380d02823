"""The document: every route with what it takes, every status it answers, and what comes with it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, TypeAlias

import falcon

from eggypro_core.access.authentication import Credential, Permission
from eggypro_core.maintenance import MaintenanceJob
from eggypro_core.validation.fields import Schema, schema_of
from eggypro_http.errors import PROBLEM_JSON
from eggypro_http.openapi.examples import BODY_EXAMPLES, PARAMETER_EXAMPLES
from eggypro_http.openapi.schemas import FORMS, INTEGER, SCHEMAS, SLUG, STRING, schema_ref
from eggypro_http.routing import Route
from eggypro_http.urls import public_path

Node: TypeAlias = dict[str, Any]

API_DESCRIPTION = """\
The product catalogue of a shop. Money is a text with two decimals, times are UTC. Errors are
problem+json (RFC 9457). A repeated or unknown parameter is refused, and so is an unknown field.
"""
_CREATED, _MOVED = 201, 308
_PROBLEMS = (308, 400, 401, 403, 404, 405, 406, 409, 411, 412, 413, 415, 422, 429, 500, 502, 503)
_NAMED = re.compile(r"{(\w+)}")
_NUMBERS = frozenset({"variant", "review"})
_TEXTS = frozenset({"image", "public_id", "rendition", "upload"})
_DESCRIPTIONS: Mapping[str, str] = {
    "slug": "The slug of a product; a former one leads on (308).",
    "category": "The slug of a category.",
    "public_id": "The public id of an image, which may hold slashes.",
    "rendition": "`original`, or one of its renditions.",
    "cursor": "What `next` of the page before holds. Not together with `offset`.",
    "status": "Which ones; anything but nothing needs a credential.",
    "sort": "The order; by relevance where something is searched for, else by name.",
    "facets": "Whether to say what all finds come to.",
    "explain": "Whether to say why each find stands where it does; needs a credential.",
}
_TAGS: Mapping[str, str] = {
    "products": "Products",
    "reviews": "Reviews",
    "categories": "Categories",
    "images": "Images",
    "auth": "Credentials",
    "health": "Health",
    "metrics": "Metrics",
    "cron": "Maintenance",
}
_IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": STRING}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": STRING,
    "description": "The ETag that was read: refused (412) if another write came between.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "Done once for 24 hours for the same key, caller, path and body.",
}
_HEADERS: Mapping[str, Node] = {
    "ETag": {"schema": STRING},
    "Location": {"schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"schema": INTEGER, "description": "seconds"},
    "RateLimit": {"schema": STRING, "description": "draft-ietf-httpapi-ratelimit-headers-10"},
    "RateLimit-Policy": {"schema": STRING},
    "WWW-Authenticate": {"schema": STRING},
    "X-Request-ID": {"schema": STRING},
    "X-Cache": {"schema": {"enum": ["hit", "miss", "stale"]}},
    "Idempotency-Replayed": {"schema": {"const": "true"}},
}
_VERSIONED = re.compile(r"/api/products/{slug}(/images.*|/variants/{variant})?")


def build_document(routes: Iterable[Route], version: str) -> Node:
    """Return the description of an API that is made of these routes."""
    paths: dict[str, Node] = {}
    for route in routes:
        paths.setdefault(public_path(route.path), {})[route.method.lower()] = _operation(route)
    for path, (made, named) in _LINKS.items():
        paths[path]["post"]["responses"]["201"]["links"] = {
            one["operationId"]: {"operationId": one["operationId"], "parameters": named}
            for one in paths[made].values()
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "EggyPro", "version": version, "description": API_DESCRIPTION},
        "tags": [{"name": name} for name in dict.fromkeys(_TAGS.values())],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "headers": dict(_HEADERS),
            "responses": {_response_name(status): _problem(status) for status in _PROBLEMS},
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
"""Where what was created is to be found, and what of the answer names it."""


def _operation(route: Route) -> Node:
    operation: Node = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [_TAGS.get(_tag_key(route.path), "Metrics")],
        "parameters": [*_in_path(route), *_in_query(route), *_in_headers(route)],
        "responses": dict(_responses(route)),
    }
    if route.request_schema is not None:
        kind = "multipart/form-data" if route.request_schema in FORMS else "application/json"
        is_needed = route.permission is not Credential.KEY
        content = {
            "schema": schema_ref(route.request_schema),
            **_example(BODY_EXAMPLES, route.request_schema),
        }
        operation["requestBody"] = {"required": is_needed, "content": {kind: content}}
    if route.permission is not None:
        operation["security"] = [{"bearer": []}]
        kind = "permission " if isinstance(route.permission, Permission) else ""
        operation["description"] = f"Needs the {kind}`{route.permission}`."
    elif route.restricted_parameters:
        operation["security"] = [{}, {"bearer": []}]
    return operation


def operation_id(route: Route) -> str:
    """Return the name of a route as a method would bear it: that of its handler."""
    first, *others = route.handler.__name__.split("_")
    return first + "".join(map(str.capitalize, others))


def _tag_key(path: str) -> str:
    words = [word for word in path.split("/") if word and not word.startswith("{")]
    named = [word for word in reversed(words) if word in _TAGS]
    return named[0] if named else ""


def _in_path(route: Route) -> Iterator[Node]:
    named = [_NAMED.findall(path) for path in (route.path, public_path(route.path))]
    for name, called in zip_longest(*named, fillvalue="rendition"):
        shape: Schema = STRING if name in _TEXTS else SLUG
        if name == "job":
            shape = {"enum": [str(one) for one in MaintenanceJob]}
        if name in _NUMBERS:
            shape = {**INTEGER, "minimum": 1, "maximum": 2_147_483_647}
        meaning = _description(name) or _description(called)
        told = {"schema": shape, **_example(PARAMETER_EXAMPLES, name), **meaning}
        yield {"name": called, "in": "path", "required": True, **told}


def _in_query(route: Route) -> Iterator[Node]:
    for name, rule in route.parameters.items():
        needed = {"required": True, **_example(PARAMETER_EXAMPLES, name)} if name == "q" else {}
        yield {
            "name": name,
            "in": "query",
            "schema": schema_of(rule),
            **needed,
            **_description(name),
        }


def _in_headers(route: Route) -> Iterator[Node]:
    if _has_tag(route):
        yield _IF_NONE_MATCH
    if _is_versioned(route):
        yield _IF_MATCH
    if route.is_idempotent:
        yield _IDEMPOTENCY_KEY


def _example(examples: Mapping[str, object], name: str) -> Node:
    return {"example": examples[name]} if name in examples else {}


def _description(name: str) -> Node:
    return {"description": _DESCRIPTIONS[name]} if name in _DESCRIPTIONS else {}


def _has_tag(route: Route) -> bool:
    return route.method == "GET" and bool(route.tags or route.media_type == "image/*")


def _is_versioned(route: Route) -> bool:
    is_edit = route.method in {"PUT", "PATCH", "DELETE"}
    return is_edit and _VERSIONED.fullmatch(route.path) is not None


def _responses(route: Route) -> Iterator[tuple[str, Node]]:
    yield str(route.success_status), _success(route)
    if _has_tag(route):
        yield "304", {"description": "Not Modified", "headers": _headers(["ETag"])}
    if "/products/{slug}" in route.path:
        yield "308", {"$ref": f"#/components/responses/{_response_name(_MOVED)}"}
    for status in sorted(_error_statuses(route)):
        yield str(status), {"$ref": f"#/components/responses/{_response_name(status)}"}


_RESPONSE_HEADERS: Mapping[int, list[str]] = {
    _MOVED: ["Location"],
    401: ["WWW-Authenticate"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}


_EXTRA_STATUSES: Mapping[tuple[str, str], set[int]] = {
    ("POST", "/api/images/uploads"): {404},  # it names a product in its body
    ("POST", "/images/uploads"): {403},  # what is not signed
    ("GET", "/images/{image}"): {405},  # `uploads` is another address
}


def _success(route: Route) -> Node:
    names = ["X-Request-ID", *(["RateLimit", "RateLimit-Policy"] if route.limits else [])]
    names += ["ETag", "X-Cache"] if route.tags else []
    names += ["Location"] if route.success_status == _CREATED else []
    names += ["Idempotency-Replayed"] if route.is_idempotent else []
    made: Node = {"description": _phrase(route.success_status), "headers": _headers(names)}
    if route.response_schema is not None:
        made["content"] = {route.media_type: {"schema": schema_ref(route.response_schema)}}
    elif route.media_type == "image/*":
        made["content"] = {kind: {} for kind in ("image/jpeg", "image/png", "image/webp")}
    return made


def _error_statuses(route: Route) -> set[int]:
    """Return the statuses of all that a route may be refused with."""
    found = {400, 422, 500, 503}
    found |= {406} if route.media_type == "application/json" else set()
    found |= {401, 403} if route.permission or route.restricted_parameters else set()
    found |= {401, 429} if route.limits else set()
    found |= {404} if "{" in route.path or route.media_type != "application/json" else set()
    found |= _EXTRA_STATUSES.get((route.method, route.path), set())
    if route.method != "GET":
        found |= {409, 411, 413, 415, 502}
    if _is_versioned(route):
        found |= {412}
    return found


def _problem(status: int) -> Node:
    return {
        "description": _phrase(status),
        "headers": _headers(["X-Request-ID", *_RESPONSE_HEADERS.get(status, [])]),
        "content": {PROBLEM_JSON: {"schema": schema_ref("Problem")}},
    }


def _headers(names: Iterable[str]) -> Node:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _response_name(status: int) -> str:
    """Return the name of a refusal: `NotFound` for 404."""
    return "".join(word for word in _phrase(status).title() if word.isalnum())


def _phrase(status: int) -> str:
    return str(falcon.code_to_http_status(status)[4:])
