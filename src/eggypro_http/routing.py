"""Routes of the API, and their installation in a Falcon app."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

import falcon
from attrs import Factory, evolve, field, frozen

from eggypro_core.access.authentication import AccessRequirement
from eggypro_core.access.rate_limiting import STANDARD, Admission, RateLimiter
from eggypro_core.domain.origin import ANONYMOUS, Origin, Source, write_context, writing_as
from eggypro_core.shop import Shop
from eggypro_core.validation.fields import Validator
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE, REQUEST_ID_KEY
from eggypro_http.requests.client_address import ClientResolver, Network
from eggypro_http.requests.idempotency import idempotent, without_idempotency_key
from eggypro_http.requests.json_body import MAX_JSON_BYTES
from eggypro_http.requests.multipart import MAX_MULTIPART_BYTES
from eggypro_http.requests.rate_limits import RequestAdmission
from eggypro_http.response_cache import cached
from eggypro_http.responses import (
    JSON_MEDIA_TYPE,
    Handler,
    Response,
    is_not_modified,
    require_json_accepted,
    write_response,
)
from eggypro_http.urls import (
    IdConverter,
    ImageConverter,
    LongIdConverter,
    PublicIdConverter,
    SlugConverter,
    falcon_template,
    public_path,
)

PUBLIC_CACHE_CONTROL = "public, max-age=0, must-revalidate"
"""The Cache-Control of a public response: caches may store it but must revalidate it."""
ENDPOINT_KEY = "eggypro.endpoint"
"""The environ key of the path of the matched route."""
ADMISSION_CONTROL_KEY = "eggypro.admission_control"
"""The environ key of the RequestAdmission of the matched route."""
BATCH_ID_HEADER = "x-batch-id"
Responder: TypeAlias = Callable[..., None]


@frozen(kw_only=True)
class Route:
    """An operation of the API: path, method, handler, requirements and documentation.

    The handler gets the shop, the request and the path variables, and the `config` of the API if
    `takes_config`. `permission` (or the admin key) is required for every request,
    `restricted_parameters` for requests with the parameter; such responses are never cached.
    Clients in the networks `open_to_networks` need no credential. `limits` name the rate-limit
    policies that count the request. `request_schema` and `response_schema` name OpenAPI schemas;
    None means no body; a response of 422 may have the `refusal_schema`. `media_type` is that of the
    response. A response with `tags` is cached: they name the data that it shows, with path
    variables in braces; the handler may add tags of what it has loaded. A POST supports
    Idempotency-Key unless `is_idempotent` is False: a response with a secret is not stored.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    permission: AccessRequirement | None = None
    parameters: Mapping[str, Validator] = field(factory=dict)
    restricted_parameters: Mapping[str, AccessRequirement] = field(factory=dict)
    open_to_networks: Callable[[HttpConfig], Sequence[Network]] | None = None
    takes_config: bool = False
    request_schema: str | None = None
    response_schema: str | None = None
    refusal_schema: str | None = None
    success_status: int = 200
    media_type: str = JSON_MEDIA_TYPE
    cache_control: str = Factory(
        lambda route: PUBLIC_CACHE_CONTROL if route.method == "GET" else NO_STORE, takes_self=True
    )
    tags: tuple[str, ...] = ()
    limits: tuple[str, ...] = Factory(lambda route: _default_limits(route.path), takes_self=True)
    is_idempotent: bool = Factory(lambda route: route.method == "POST", takes_self=True)

    def required_for(self, request: falcon.Request) -> AccessRequirement | None:
        """Return the permission or credential that a request requires, None if it is public."""
        if not request.query_string or self.permission is not None:
            return self.permission
        requirements = (
            requirement
            for name, requirement in self.restricted_parameters.items()
            if name in request.params
        )
        return next(requirements, None)


def install_routes(
    app: "falcon.App[Any, Any]", routes: Iterable[Route], shop: Shop, config: HttpConfig
) -> None:
    """Install the routes in `app`, with HEAD for every GET and OPTIONS for every path."""
    app.router_options.converters["slug"] = SlugConverter
    app.router_options.converters["id"] = IdConverter
    app.router_options.converters["long"] = LongIdConverter
    app.router_options.converters["image"] = ImageConverter
    app.router_options.converters["public_id"] = PublicIdConverter
    limiter = RateLimiter(shop.authenticator, config.rate_counter, config.rate_limits)
    responders: dict[str, dict[str, Responder]] = defaultdict(dict)
    for route in routes:
        responders[route.path][route.method] = _endpoint(route, shop, config, limiter)
    for path, by_method in responders.items():
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
        by_method["OPTIONS"] = options_responder(sorted({*by_method, "OPTIONS"}))
        methods = {f"on_{method.lower()}": respond for method, respond in by_method.items()}
        app.add_route(falcon_template(path), SimpleNamespace(path=public_path(path), **methods))
    app.add_middleware(_RouteMatcher())


class _RouteMatcher:
    """Falcon middleware that records the matched route in the environ, whatever the method."""

    def process_resource(
        self, request: falcon.Request, _response: object, resource: object, _path: object
    ) -> None:
        if isinstance(resource, SimpleNamespace):
            request.env[ENDPOINT_KEY] = resource.path


def _endpoint(route: Route, shop: Shop, config: HttpConfig, limiter: RateLimiter) -> Responder:
    handler = partial(route.handler, config=config) if route.takes_config else route.handler
    if route.method != "GET":
        handler = _with_batch_id(handler)
    if route.method == "POST":
        handler = _with_idempotency(handler, route, shop, config)
    cached_handler = cached(handler, route.tags, config.cache)
    control = RequestAdmission(
        limiter, limiter.enabled_policies(route.limits), ClientResolver(config.trusted_proxies)
    )
    requirement_of = _requirement(route, config)
    public_cache_control = _cache_control(route.cache_control, config.cdn_ttl)

    def respond(request: falcon.Request, response: falcon.Response, **path: object) -> None:
        requirement = requirement_of(request)
        is_public = requirement is None
        request.env[ADMISSION_CONTROL_KEY] = control
        with control.admit(request.env, is_public=is_public) as admission:
            control.set_headers(admission, request.env, response, is_public=is_public)
            admission.authorize(requirement)
            if route.media_type == JSON_MEDIA_TYPE:
                require_json_accepted(request)
            if route.method == "GET":
                result = (cached_handler if is_public else handler)(shop, request, **path)
            else:
                with writing_as(_origin(admission, request)):
                    result = handler(shop, request, **path)
        response.set_headers(result.headers)
        cache_control = public_cache_control if is_public else NO_STORE
        if admission.authentication_error is not None:  # WWW-Authenticate is for this client only
            cache_control = cache_control.replace("public", "private")
        response.set_header("cache-control", cache_control)
        if route.method == "GET" and is_not_modified(result, request):
            response.status = 304
            if result.file is not None:
                result.file.stream.close()
        else:
            response.status = result.status or route.success_status
            write_response(result, request, response)

    return respond


def _origin(admission: Admission, request: falcon.Request) -> Origin:
    actor = ANONYMOUS if admission.user is None else admission.user.actor
    return Origin(actor, Source.HTTP, request.env[REQUEST_ID_KEY])


def _with_batch_id(handler: Handler) -> Handler:
    """Return a handler whose responses name the batch of their events in X-Batch-ID."""

    def handle(shop: Shop, request: falcon.Request, **path: object) -> Response:
        response = handler(shop, request, **path)
        batch_id = write_context().batch_id
        if batch_id is None:
            return response
        return evolve(response, headers={**response.headers, BATCH_ID_HEADER: str(batch_id)})

    return handle


def _with_idempotency(handler: Handler, route: Route, shop: Shop, config: HttpConfig) -> Handler:
    if not route.is_idempotent:
        return without_idempotency_key(handler)
    if shop.idempotency is None:
        return handler
    max_body_bytes = {
        "ImageUploadForm": MAX_MULTIPART_BYTES,
        "ImportedFile": config.max_import_bytes,
    }.get(route.request_schema or "", MAX_JSON_BYTES)
    clients = ClientResolver(config.trusted_proxies)
    return idempotent(handler, shop.idempotency, clients, max_body_bytes=max_body_bytes)


def _requirement(
    route: Route, config: HttpConfig
) -> Callable[[falcon.Request], AccessRequirement | None]:
    if route.open_to_networks is None:
        return route.required_for
    clients, networks = ClientResolver(config.trusted_proxies), route.open_to_networks(config)

    def requirement_of(request: falcon.Request) -> AccessRequirement | None:
        return None if clients.is_within(request.env, networks) else route.required_for(request)

    return requirement_of


def _default_limits(path: str) -> tuple[str, ...]:
    is_counted = path.startswith("/api/") and not path.startswith("/api/health")
    return (STANDARD,) if is_counted else ()


def _cache_control(cache_control: str, cdn_ttl: int) -> str:
    """Return Cache-Control of a route; CDNs may store public responses for `cdn_ttl` seconds."""
    if cache_control != PUBLIC_CACHE_CONTROL or not cdn_ttl:
        return cache_control
    return f"{PUBLIC_CACHE_CONTROL}, s-maxage={cdn_ttl}, stale-while-revalidate={cdn_ttl}"


def options_responder(methods: Iterable[str]) -> Responder:
    """Return a responder to OPTIONS that lists `methods` in Allow."""
    allow = ", ".join(methods)

    def respond(_request: falcon.Request, response: falcon.Response, **_path: object) -> None:
        response.status = 204
        response.set_header("allow", allow)

    return respond
