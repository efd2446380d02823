"""Ready responses: they are what the application sends, and are sent without running it."""

import random
from ipaddress import ip_network
from typing import Any

import pytest
from attrs import Factory, define, field
from falcon.testing import create_environ
from hypothesis import given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import (
    MemoryCache,
    MemoryInvalidationFeed,
    MemoryProductStore,
    MemoryRateCounter,
)
from eggypro_core.access.rate_limiting import STANDARD, RateLimitPolicy, rate_limit_policies
from eggypro_core.caching.entries import ALL_TAGS, CachedResponse
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import ListedProduct, Product
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from eggypro_http import app
from eggypro_http.config import HttpConfig
from eggypro_http.middleware.ready_responses import (
    INPUTS,
    MAX_READY_RESPONSES,
    ReadyResponses,
)
from eggypro_http.response_cache import CACHE_HIT_KEY, CacheHit
from tests.support.builders import make_shop, product_values
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, PRODUCTS

ORIGIN = "http://shop.example"
LIMIT, WINDOW_SECONDS, TTL_SECONDS = 8, 60, 300
PROXY = "192.0.2.200"
Response = tuple[str, list[tuple[str, str]], bytes]


class FragileStore(MemoryProductStore):
    """A store that can be unavailable."""

    is_down = False

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        self._check()
        return super().get(slug, variant_status)

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        self._check()
        return super().list(query)

    def _check(self) -> None:
        if self.is_down:
            raise UnavailableError("down")


@define
class Server:
    """An API over a shop: its requests are recorded."""

    shop: Shop
    feed: MemoryInvalidationFeed
    clock: FakeMonotonicClock
    limits: dict[str, RateLimitPolicy]
    max_responses: int | None
    """The maximum number of ready responses; None for an API without them."""
    records: list[tuple[object, ...]] = field(factory=list)
    responses: ReadyResponses | None = None
    runs: int = 0
    """Requests that reached the application behind the ready responses."""
    cache: ReadCache = Factory(
        lambda server: ReadCache(
            MemoryCache(server.clock),
            None,
            server.feed,
            ttl_seconds=TTL_SECONDS,
            clock=server.clock,
        ),
        takes_self=True,
    )
    _app: Any = None

    def __attrs_post_init__(self) -> None:
        config = HttpConfig(
            cache=self.cache,
            rate_limits=self.limits,
            rate_counter=MemoryRateCounter(self.clock),
            recorders=(self,),
            cors_origins=(ORIGIN,),
            trusted_proxies=(ip_network(PROXY),),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(app, "ReadyResponses", self._ready_responses)
            self._app = app.create_app(self.shop, config)

    def _ready_responses(self, application: Any, cache: ReadCache) -> Any:
        if self.max_responses is None:
            return application

        def counted(*request: Any) -> Any:
            self.runs += 1
            return application(*request)

        self.responses = ReadyResponses(counted, cache, self.max_responses)
        return self.responses

    def record(self, request: RequestRecord) -> None:
        self.records.append(
            (
                request.endpoint,
                request.method,
                request.status,
                request.network,
                request.user_agent,
                request.request_id,
            )
        )

    def send(self, **environ: Any) -> Response:
        """Return status, headers and body of the response to a request."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            started.append((status, headers))

        random.seed(0)  # servers that do the same then draw the same request ids and lifetimes
        request = {**create_environ(), "REMOTE_ADDR": "192.0.2.1", **environ}
        body = b"".join(
            self._app({key: value for key, value in request.items() if value is not None}, start)
        )
        [(status, headers)] = started
        return status, headers, body


@pytest.fixture
def feed() -> MemoryInvalidationFeed:
    return MemoryInvalidationFeed()


@pytest.fixture
def server(feed: MemoryInvalidationFeed) -> Server:
    return make_servers(feed, FragileStore(), FakeMonotonicClock(), 10_000)[0]


def make_servers(
    feed: MemoryInvalidationFeed,
    store: FragileStore,
    clock: FakeMonotonicClock,
    limit: int,
    max_responses: int = MAX_READY_RESPONSES,
    **policy: bool,
) -> tuple[Server, Server]:
    """Return two servers of one shop: with ready responses, and without."""
    shop = make_shop(store)
    shop.products.create(product_values())
    shop.products.create(product_values(name="Salt"))
    shop.products.update("salt", {"slug": "fine-salt"})
    limits = rate_limit_policies(limit, WINDOW_SECONDS * 1000)
    if policy:
        limits[STANDARD] = RateLimitPolicy(STANDARD, limit, WINDOW_SECONDS, **policy)
    ready = Server(shop, feed, clock, limits, max_responses)
    return ready, Server(shop, feed, clock, limits, None)


def run_count(server: Server, **environ: Any) -> int:
    """Return how often two equal requests ran the application."""
    assert server.responses is not None
    before = server.runs
    for _ in range(2):
        server.send(**environ)
    return server.runs - before


HEADERS: dict[str, list[Any]] = {
    "HTTP_HOST": ["shop", "shop,shop", None],
    "HTTP_ACCEPT": [None, "*/*", "application/json;q=0.5", "text/html"],
    "HTTP_ORIGIN": [None, ORIGIN, "http://other.example"],
    "HTTP_IF_NONE_MATCH": [None, "*", '"x"', "ETAG", 'W/ETAG, "x"'],
    "HTTP_AUTHORIZATION": [None, ADMIN["Authorization"], "Bearer wrong", "Basic x"],
    "HTTP_X_REQUEST_ID": [None, "mine", "not valid"],
    "HTTP_X_FORWARDED_FOR": [None, "198.51.100.7"],
    "HTTP_RANGE": [None, "bytes=0-9"],
    "HTTP_USER_AGENT": [None, "browser"],
    "REMOTE_ADDR": ["192.0.2.1", "192.0.2.2", "2001:db8::1", PROXY],
    "SERVER_PROTOCOL": ["HTTP/1.1", "HTTP/1.0"],
}
"""Values of the headers in random requests, common ones first; ETAG is the last one received."""
PATHS = [
    EGG,
    PRODUCTS,
    CATEGORIES,
    f"{EGG}/variants",
    f"{EGG}/reviews",
    f"{PRODUCTS}/search",
    f"{PRODUCTS}/suggest",
    f"{PRODUCTS}/nothing",
    f"{PRODUCTS}/salt",
    f"{EGG}/",
    f"/{EGG}",
    "/api/health/live",
]
QUERIES = ["", "limit=1", "q=egg", "q=duck", "status=all", "limit=0", "limit=1&limit=1", "q=%ff"]
EVENTS = ["write", "second", "expire", "feed", "outage"]


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the environ of a request. Most headers have the common value."""
    names = draw(st.sets(st.sampled_from(sorted(HEADERS)), max_size=3))
    return {
        "PATH_INFO": draw(st.sampled_from(PATHS[:2]) | st.sampled_from(PATHS)),
        "QUERY_STRING": draw(st.just("") | st.sampled_from(QUERIES)),
        "REQUEST_METHOD": draw(st.just("GET") | st.sampled_from(["HEAD", "OPTIONS", "POST"])),
        **{name: HEADERS[name][0] for name in HEADERS},
        **{name: draw(st.sampled_from(HEADERS[name])) for name in sorted(names)},
    }


def happen(event: str, server: Server, store: FragileStore) -> None:
    """Let an event happen to both servers, which share the shop, the feed and the clock."""
    match event:
        case "write":
            server.shop.products.update_stock("egg-white-protein", {"delta": 1})
            server.feed.invalidate(ALL_TAGS)
        case "second":
            server.clock.now += 1
        case "expire":
            server.clock.now += 0.95 * TTL_SECONDS
        case "feed":
            server.feed.is_connected = not server.feed.is_connected
        case "outage":
            store.is_down = not store.is_down


@pytest.mark.parametrize("policy", [{}, {"counts_failures": False}, {"counts_successes": False}])
@settings(max_examples=60)
@given(data=st.data())
def test_responses_are_those_of_the_application(data: st.DataObject, policy: Any) -> None:
    feed, store, clock = MemoryInvalidationFeed(), FragileStore(), FakeMonotonicClock()
    ready, plain = make_servers(feed, store, clock, LIMIT, **policy)
    etag = '"none"'
    pool = data.draw(st.lists(requests(), min_size=1, max_size=4))
    steps = st.sampled_from(pool) | st.sampled_from(pool) | st.sampled_from(EVENTS)
    for step in data.draw(st.lists(steps, min_size=10, max_size=40)):
        if isinstance(step, str):
            happen(step, ready, store)
            continue
        condition = step["HTTP_IF_NONE_MATCH"]
        request = {**step, "HTTP_IF_NONE_MATCH": condition and condition.replace("ETAG", etag)}
        response = ready.send(**request)
        assert response == plain.send(**request)
        assert ready.records[-1] == plain.records[-1]
        assert ready.cache.counts == plain.cache.counts
        etag = dict(response[1]).get("etag", etag)


@pytest.mark.parametrize("path", [EGG, PRODUCTS])
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in HEADERS.items() for value in values]
)
def test_requests_that_differ_in_one_header_get_their_own_response(
    feed: MemoryInvalidationFeed, path: str, name: str, value: str | None
) -> None:
    ready, plain = make_servers(feed, FragileStore(), FakeMonotonicClock(), 10_000)
    usual: dict[str, Any] = {
        "PATH_INFO": path,
        "HTTP_HOST": "shop",
        "HTTP_AUTHORIZATION": None,
        "HTTP_ACCEPT": None,
    }
    etag = dict(plain.send(**usual)[1])["etag"]
    ready.send(**usual)
    other = {**usual, name: value and value.replace("ETAG", etag)}
    head = {"REQUEST_METHOD": "HEAD"}
    for request in (usual, usual, other, other, usual, other | head, other | head, other):
        assert ready.send(**request) == plain.send(**request)
        assert ready.records[-1] == plain.records[-1]


@pytest.mark.parametrize(
    "request_headers",
    [
        {},
        {"REQUEST_METHOD": "HEAD"},
        {"HTTP_ORIGIN": ORIGIN},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_AUTHORIZATION": ADMIN["Authorization"]},
        {"HTTP_AUTHORIZATION": "Basic x", "HTTP_X_REQUEST_ID": "mine"},
        {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "198.51.100.7"},
    ],
)
@pytest.mark.parametrize("path", [EGG, PRODUCTS])
def test_ready_responses_do_not_run_the_application(
    server: Server, path: str, request_headers: dict[str, str]
) -> None:
    environ = {"PATH_INFO": path, **request_headers}
    assert run_count(server, **environ) == 2  # a miss and the first hit
    assert run_count(server, **environ) == 0


def test_host_is_required_of_http_1_1_only(server: Server) -> None:
    without_host = {"PATH_INFO": EGG, "HTTP_HOST": None}
    assert run_count(server, **without_host, SERVER_PROTOCOL="HTTP/1.0") == 2
    assert server.send(**without_host, SERVER_PROTOCOL="HTTP/1.1")[0] == "400 Bad Request"


def test_ready_response_ends_with_its_cached_response(
    server: Server, feed: MemoryInvalidationFeed
) -> None:
    run_count(server, PATH_INFO=EGG)
    feed.invalidate(ALL_TAGS)
    assert run_count(server, PATH_INFO=EGG) == 2
    assert run_count(server, PATH_INFO=EGG) == 0


def test_error_after_a_hit_is_not_kept_ready(server: Server) -> None:
    def failing_app(environ: Any, start: Any) -> list[bytes]:
        environ[CACHE_HIT_KEY] = CacheHit("key", CachedResponse(b""))
        start("500 Internal Server Error", [("x-request-id", "mine")])
        return [b"error"]

    def ignore(*_: object) -> Any:
        return None

    responses = ReadyResponses(failing_app, server.cache)
    assert list(responses(create_environ(), ignore)) == [b"error"]
    assert len(responses) == 0


def test_clients_cannot_fill_the_memory(feed: MemoryInvalidationFeed) -> None:
    store, clock = FragileStore(), FakeMonotonicClock()
    server = make_servers(feed, store, clock, 10_000, max_responses=2)[0]
    for number in range(5):
        run_count(server, PATH_INFO=EGG, HTTP_HOST=f"shop{number}")
        assert server.responses is not None
        assert 1 <= len(server.responses) <= 2
    assert run_count(server, PATH_INFO=EGG, HTTP_HOST="h" * 1001) == 2
    assert run_count(server, PATH_INFO=EGG, HTTP_HOST="h" * 1001) == 2


def test_inputs_contain_all_headers_by_which_responses_vary(server: Server) -> None:
    _, headers, _ = server.send(PATH_INFO=EGG)
    names = {
        f"HTTP_{name.strip().upper().replace('-', '_')}"
        for name in dict(headers)["vary"].split(",")
    }
    assert names <= {*INPUTS}
