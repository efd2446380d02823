"""The routes of the API: what each one needs and answers, and how Falcon is told of it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

import falcon
from attrs import Factory, field, frozen

from eggypro_core.access.authentication import Credential, Need
from eggypro_core.access.rate_limiting import STANDARD, Limiter
from eggypro_core.shop import Shop
from eggypro_core.validation.fields import Rule
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.client_address import Clients, Network
from eggypro_http.requests.idempotency import once
from eggypro_http.requests.rate_limits import visitor
from eggypro_http.response_cache import kept_answers
from eggypro_http.responses import JSON, Handler, is_known, require_json_accepted, send
from eggypro_http.urls import (
    IdConverter,
    ImageConverter,
    PublicIdConverter,
    SlugConverter,
    shown,
    template,
)

PUBLIC = "public, max-age=0, must-revalidate"
"""What caches may do with an answer for everybody: keep it, but ask each time."""
ENDPOINT = "eggypro.endpoint"
"""The name under which the environ of a request holds the path of the route that it matched."""
USER = "eggypro.user"
"""The one under which it holds the id of whom its credential is, if it was looked at and good."""
Responder: TypeAlias = Callable[..., None]


@frozen(kw_only=True)
class Route:
    """An address and a method: what the caller must bring, and what they get.

    The handler is called with the shop, the request and what the path names, and with the `config`
    of the API if it `takes_config`. `permission` (or the
    admin key itself) is needed for every call, those of `closed_parameters` where the parameter is
    given: such an answer is not for others, and never kept. Whoever is `free_within` some networks
    of the config needs nothing there. `limits` name the policies by which its
    calls are counted. `body` and `answer` name the schemas of what is sent and received; None
    stands for nothing. `media_type` is that of the answer, which is kept where it has `tags`: those
    of all that it shows, with the names that stand in the path.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    permission: Need | None = None
    parameters: Mapping[str, Rule] = field(factory=dict)
    closed_parameters: Mapping[str, Need] = field(factory=dict)
    free_within: Callable[[HttpConfig], Sequence[Network]] | None = None
    takes_config: bool = False
    body: str | None = None
    answer: str | None = None
    success: int = 200
    media_type: str = JSON
    cache_control: str = Factory(
        lambda route: PUBLIC if route.method == "GET" else NO_STORE, takes_self=True
    )
    tags: tuple[str, ...] = ()
    limits: tuple[str, ...] = Factory(lambda route: _usual_limits(route.path), takes_self=True)

    @property
    def is_done_once(self) -> bool:
        """Whether it heeds an Idempotency-Key: tokens are not to be kept anywhere."""
        return self.method == "POST" and self.permission is not Credential.KEY

    def needs(self, request: falcon.Request) -> Need | None:
        """Return what a request needs."""
        if not request.query_string or self.permission is not None:
            return self.permission
        closed = (one for name, one in self.closed_parameters.items() if name in request.params)
        return next(closed, None)


def install(
    app: "falcon.App[Any, Any]", routes: Iterable[Route], shop: Shop, config: HttpConfig
) -> None:
    """Have an app serve the routes, HEAD wherever there is GET, and OPTIONS everywhere."""
    app.router_options.converters["slug"] = SlugConverter
    app.router_options.converters["id"] = IdConverter
    app.router_options.converters["image"] = ImageConverter
    app.router_options.converters["public_id"] = PublicIdConverter
    limiter = Limiter(shop.authenticator, config.rate_counter, config.rate_limits)
    responders: dict[str, dict[str, Responder]] = defaultdict(dict)
    for route in routes:
        responders[route.path][route.method] = _responder(route, shop, config, limiter)
    for path, by_method in responders.items():
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
        by_method["OPTIONS"] = options(sorted({*by_method, "OPTIONS"}))
        named = {f"on_{method.lower()}": one for method, one in by_method.items()}
        app.add_route(template(path), SimpleNamespace(path=shown(path), **named))
    app.add_middleware(_Matching())


class _Matching:
    """Writes down which route a request matched, whatever its method: the layers around ask."""

    def process_resource(
        self, request: falcon.Request, _response: object, resource: object, _path: object
    ) -> None:
        if isinstance(resource, SimpleNamespace):
            request.env[ENDPOINT] = resource.path


def _responder(route: Route, shop: Shop, config: HttpConfig, limiter: Limiter) -> Responder:
    handler = partial(route.handler, config=config) if route.takes_config else route.handler
    if route.is_done_once and shop.idempotency is not None:
        handler = once(handler, shop.idempotency, Clients(config.trusted_proxies))
    answered = kept_answers(handler, route.tags, config.cache)
    visits = visitor(config.trusted_proxies, limiter, route.limits)
    needs = _needs(route, config)
    kept = _kept(route.cache_control, config.cdn_ttl)

    def respond(request: falcon.Request, response: falcon.Response, **path: object) -> None:
        needed = needs(request)
        with visits(request, response, needed) as visit:
            if visit.user is not None:
                request.env[USER] = visit.user.id
            visit.admit(needed)
            if route.media_type == JSON:
                require_json_accepted(request)
            handle = answered if needed is None else handler
            answer = handle(shop, request, **path)
        response.set_headers(answer.headers)
        response.set_header("cache-control", kept if needed is None else NO_STORE)
        if route.method == "GET" and is_known(answer, request):
            response.status = 304
            if answer.file is not None:
                answer.file.stream.close()
        else:
            response.status = answer.status or route.success
            send(answer, request, response)

    return respond


def _needs(route: Route, config: HttpConfig) -> Callable[[falcon.Request], Need | None]:
    if route.free_within is None:
        return route.needs
    clients, networks = Clients(config.trusted_proxies), route.free_within(config)

    def needs(request: falcon.Request) -> Need | None:
        return None if clients.is_within(request.env, networks) else route.needs(request)

    return needs


def _usual_limits(path: str) -> tuple[str, ...]:
    is_counted = path.startswith("/api/") and not path.startswith("/api/health")
    return (STANDARD,) if is_counted else ()


def _kept(cache_control: str, cdn_ttl: int) -> str:
    """Return how long an answer may be kept: by a CDN, one for everybody, for some seconds."""
    if cache_control != PUBLIC or not cdn_ttl:
        return cache_control
    return f"{PUBLIC}, s-maxage={cdn_ttl}, stale-while-revalidate={cdn_ttl}"


def options(methods: Iterable[str]) -> Responder:
    """Return what answers OPTIONS where these methods are taken."""
    allow = ", ".join(methods)

    def respond(_request: falcon.Request, response: falcon.Response, **_path: object) -> None:
        response.status = 204
        response.set_header("allow", allow)

    return respond
