"""Whatever is sent, the answer is no failure, and no refusal is anything but a problem."""

import io
import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from eggypro_http.app import create_app
from tests.builders import a_product, an_eggypro
from tests.http.wire import ADMIN, CATEGORIES, EGG, PRODUCTS, Reply, ask

SHOP = an_eggypro()
SHOP.catalog.add(a_product())
SHOP.taxonomy.add({"name": "Protein"})
APP = create_app(SHOP)

METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW"])
LATIN = st.text(st.characters(max_codepoint=255))
PATHS = st.one_of(
    st.sampled_from([EGG, PRODUCTS, f"{PRODUCTS}/search", "/api/health/live"]),
    st.sampled_from([CATEGORIES, f"{CATEGORIES}/protein", f"{EGG}/categories/protein"]),
    LATIN.map(lambda text: f"{CATEGORIES}/{text}"),
    LATIN.map(lambda text: f"{PRODUCTS}/{text}"),
    LATIN.map(lambda text: f"/{text}"),
)
NAMES = st.sampled_from(
    ["q", "search", "category", "in_stock", "min_price", "sort", "limit", "offset", "cursor"]
)
ENCODED = st.text("0123456789abcdefABCDEF%+&=.,;-_\x00\xe4 ", max_size=20)
QUERIES = st.one_of(
    LATIN,
    ENCODED,
    st.lists(st.tuples(NAMES, ENCODED), max_size=4).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
    ),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "HTTP_ACCEPT",
            "HTTP_AUTHORIZATION",
            "HTTP_CONTENT_ENCODING",
            "HTTP_HOST",
            "HTTP_IF_MATCH",
            "HTTP_IF_NONE_MATCH",
            "HTTP_IF_MODIFIED_SINCE",
            "HTTP_TRANSFER_ENCODING",
            "HTTP_X_REQUEST_ID",
            "HTTP_RANGE",
            "HTTP_COOKIE",
            "CONTENT_TYPE",
            "CONTENT_LENGTH",
        ]
    ),
    st.one_of(LATIN, st.sampled_from(["*", "application/json", "7", "chunked", '"a', "W/"])),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.decimals(allow_nan=False).map(str),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@composite
def products(draw: DrawFn) -> dict[str, Any]:
    """Products of which some fields are as they should be, and some anything at all."""
    fields = (
        *a_product(),
        "categories",
        "slug",
        "sku",
        "attributes",
        "images",
        "stock_quantity",
        "seo_title",
    )
    return a_product() | draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=3))


def check(reply: Reply) -> None:
    assert reply.status < 500, reply
    assert {"x-request-id", "x-content-type-options", "referrer-policy"} <= set(reply.headers)
    if reply.status >= 400:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["cache-control"] == "no-store"
        if reply.body:
            assert orjson.loads(reply.body)["status"] == reply.status


@given(METHODS, PATHS, QUERIES, HEADERS, st.binary())
def test_any_request_is_answered_or_refused(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **headers}
    check(
        ask(APP, "/", REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query, **environ),
    )


@given(st.one_of(st.binary(), products().map(lambda one: json.dumps(one).encode())))
def test_any_body_of_an_admin_is_answered_or_refused(body: bytes) -> None:
    reply = ask(
        create_app(an_eggypro()),
        PRODUCTS,
        REQUEST_METHOD="POST",
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )
    check(reply)
    assert reply.status in {201, 400, 422}


@composite
def categories(draw: DrawFn) -> dict[str, Any]:
    """Categories of which some fields are as they should be, and some anything at all."""
    fields = ("name", "slug", "description", "parent", "is_active", "path")
    return {"name": "Bars"} | draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=3))


@given(categories().map(lambda one: json.dumps(one).encode()), st.sampled_from(["POST", "PUT"]))
def test_any_category_of_an_admin_is_answered_or_refused(body: bytes, method: str) -> None:
    shop = an_eggypro()
    shop.taxonomy.add({"name": "Protein"})
    reply = ask(
        create_app(shop),
        CATEGORIES if method == "POST" else f"{CATEGORIES}/protein",
        REQUEST_METHOD=method,
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )
    check(reply)
    assert reply.status in {200, 201, 400, 409, 422}


@given(st.lists(st.tuples(NAMES, ENCODED), max_size=5))
def test_any_parameters_of_an_admin_are_answered_or_refused(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in [*pairs, ("status", "all")])
    reply = ask(APP, PRODUCTS, QUERY_STRING=query, HTTP_AUTHORIZATION=ADMIN["Authorization"])
    check(reply)
    assert reply.status in {200, 400, 422}
