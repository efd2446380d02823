"""Property tests: no request causes a server error, and every error is problem JSON."""

import io
import json
from typing import Any
from wsgiref.types import WSGIApplication

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, composite

from eggypro_adapters.contracts import strategies
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_http.app import ROUTES, create_app
from tests.support.builders import make_shop, product_values, review_values, variant_values
from tests.support.multipart import BOUNDARY, CONTENT_TYPE, JPG, PNG, encode_form, encode_part
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, Reply, sample_path, send_request

METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW"])
LATIN = st.text(st.characters(max_codepoint=255))
ROUTE_PATHS = sorted({sample_path(route.path) for route in ROUTES})
PATHS = st.one_of(
    st.sampled_from(ROUTE_PATHS),
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
            "HTTP_ORIGIN",
            "HTTP_ACCESS_CONTROL_REQUEST_METHOD",
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
    """Products with some valid and some arbitrary fields."""
    fields = (
        *product_values(),
        "slug",
        "sku",
        "attributes",
        "images",
        "stock_quantity",
        "seo_title",
    )
    return product_values() | draw(st.dictionaries(st.sampled_from(fields), JSON, max_size=3))


STOCKS = st.dictionaries(
    st.sampled_from(["delta", "set", "by"]), st.integers() | st.sampled_from([-1, 1, None])
)
EDITS = st.dictionaries(
    st.sampled_from([*product_values(), "slug", "attributes", "is_active"]), JSON
)
VARIANTS = st.dictionaries(
    st.sampled_from(["options", "price", "sku", "position", "is_active", "image"]),
    JSON | st.sampled_from([{"Size": "1"}, {"A": "1", "B": "2"}, "5", "S"]),
).map(lambda fields: variant_values() | fields)
REVIEWS = st.dictionaries(
    st.sampled_from(["reviewer_name", "rating", "comment", "image_url", "is_verified"]),
    JSON | st.sampled_from([5, "Ada", True]),
).map(lambda fields: review_values() | fields)
CATEGORIES = st.dictionaries(
    st.sampled_from(["name", "slug", "parent", "description", "is_active"]),
    JSON | st.sampled_from(["Food", "food", "egg-white-protein", None, True]),
).map(lambda fields: {"name": "Bars"} | fields)
IMAGE_ORDERS = st.lists(
    st.sampled_from(["https://x.example/1.jpg", "eggypro-products/egg", "/images/egg/original"])
    | st.fixed_dictionaries({"ref": JSON, "alt": JSON})
    | JSON
).map(lambda images: {"images": images})
UPLOADS = st.sampled_from([{"product": "egg-white-protein"}, {"product": "no"}, {"product": ""}])
TOKEN_REQUESTS = st.dictionaries(
    st.sampled_from(["permissions", "ttl_seconds", "ttl"]),
    JSON | st.sampled_from([["products:read"], ["products:bake"], 60, 86_401]),
)
BOXED = f"{PRODUCTS}/boxed/variants"
BODIES = st.one_of(
    st.binary(),
    st.one_of(
        products(),
        CATEGORIES,
        REVIEWS,
        VARIANTS,
        STOCKS,
        EDITS,
        IMAGE_ORDERS,
        UPLOADS,
        TOKEN_REQUESTS,
        strategies.edits(),
        JSON,
    ).map(lambda body: json.dumps(body, default=str).encode()),
)
WRITES = st.sampled_from(
    [
        ("POST", PRODUCTS),
        *((method, path) for method in ("PUT", "PATCH", "DELETE") for path in (EGG, f"{EGG}-2")),
        ("POST", f"{EGG}/stock"),
        ("POST", f"{EGG}/variants"),
        ("POST", BOXED),
        *((method, f"{BOXED}/{number}") for method in ("PUT", "PATCH") for number in (1, 3, 4)),
        ("DELETE", f"{BOXED}/9"),
        ("POST", f"{EGG}/reviews"),
        *(("PATCH", f"/api/reviews/{number}") for number in (1, 4)),
        ("POST", "/api/categories"),
        *((method, "/api/categories/food") for method in ("PUT", "DELETE")),
        *((method, f"{EGG}/categories/food") for method in ("PUT", "DELETE")),
        ("PUT", f"{EGG}/images"),
        ("DELETE", f"{EGG}/images/eggypro-products/egg"),
        ("POST", "/api/images/uploads"),
        ("POST", "/api/images/uploads/egg/complete"),
        ("POST", f"{BOXED}/1/stock"),
        ("POST", f"{BOXED}/3/stock"),
        ("POST", "/api/auth/admin"),
    ]
)
CELLS = st.sampled_from(["", "5", "-1", "Egg White Protein", "S", "a > b", '"'])
CELL_TEXTS = st.one_of(CELLS, st.text(max_size=8).filter(lambda text: text < "\ud800"))
COLUMNS = st.lists(
    st.sampled_from(
        ["name", "slug", "sku", "price", "stock_quantity", "categories", "images", "option.Size"]
    ),
    min_size=1,
    max_size=5,
)
TABLES = st.builds(
    lambda header, rows: "\n".join(",".join(row) for row in (header, *rows)).encode(),
    st.just(["name", "price"]) | COLUMNS,
    st.lists(st.lists(CELL_TEXTS, max_size=6), max_size=5),
)
RECORDS = st.lists(products() | JSON, max_size=4).map(
    lambda records: "\n".join(json.dumps(each, default=str) for each in records).encode()
)
IMPORT_QUERIES = st.one_of(
    st.just(""),
    st.lists(
        st.sampled_from(
            [
                "dry_run=true",
                "keep_going=true",
                "on_conflict=fail",
                "format=shopify",
                "format=jsonl",
                "map=name:price",
                "map=name",
                "source=x",
                "no_stock=true",
                "keep_variants=1",
                "missing_stock=sold-out",
            ]
        ),
        max_size=3,
    ).map("&".join),
    ENCODED,
)
PARTS = st.one_of(
    st.sampled_from(
        [
            encode_part(JPG),
            encode_part(PNG),
            encode_part(b"no image"),
            encode_part(b"x", "alt", None),
        ]
    ),
    st.builds(
        lambda head, body: f"--{BOUNDARY}\r\n".encode() + head + b"\r\n\r\n" + body + b"\r\n",
        st.binary(max_size=80)
        | LATIN.map(lambda text: f'Content-Disposition: form-data; name="{text}"'.encode()),
        st.binary(max_size=200),
    ),
    st.binary(max_size=200),
)
FORMS = st.lists(PARTS, max_size=12).map(encode_form)
TRUNCATED_FORMS = st.builds(lambda body, end: body[: end % (len(body) + 1)], FORMS, st.integers(0))
FORM_TYPES = st.one_of(
    st.just(CONTENT_TYPE),
    LATIN.map(lambda text: f"multipart/form-data; boundary={text}"),
    st.sampled_from(
        ["multipart/form-data", "image/png", f'multipart/form-data; boundary="{BOUNDARY}"']
    ),
)
TAGS = st.none() | st.sampled_from(["*", '"1.x"', '"2.x"']) | LATIN


def admin(app: WSGIApplication, method: str, path: str, body: bytes, tag: str | None) -> Reply:
    return send_request(
        app,
        path,
        REQUEST_METHOD=method,
        HTTP_AUTHORIZATION=ADMIN["Authorization"],
        HTTP_IF_MATCH=tag,
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )


def check(reply: Reply) -> None:
    assert reply.status < 500, reply
    assert {"x-request-id", "x-content-type-options", "referrer-policy"} <= set(reply.headers)
    assert reply.headers["vary"].endswith("Origin")
    if reply.status >= 400:
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["cache-control"] == "no-store"
        if reply.body:
            assert orjson.loads(reply.body)["status"] == reply.status


@pytest.fixture(params=["memory", "postgres"])
def app(request: pytest.FixtureRequest) -> WSGIApplication:
    """The app over a shop in memory or in Postgres."""
    shop = make_shop()
    if request.param == "postgres":
        database = request.getfixturevalue("database")
        shop = make_shop(
            PostgresProductStore(database),
            PostgresVariantStore(database),
            PostgresReviewStore(database),
            PostgresCategoryStore(database),
            PostgresZeroResultStore(database),
            image_registry=PostgresImageRegistry(database),
        )
    shop.products.create(product_values())
    slug = shop.products.create(product_values(name="Boxed")).slug
    shop.variants.create(slug, variant_values())
    shop.reviews.create(slug, review_values())
    for name in ("Food", "Egg White Protein"):
        shop.categories.create({"name": name})
    return create_app(shop)


def test_any_request_is_accepted_or_rejected(app: WSGIApplication) -> None:
    @given(METHODS, PATHS, QUERIES, HEADERS, st.binary())
    def holds(method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> None:
        environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), **headers}
        check(
            send_request(
                app, "/", REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING=query, **environ
            ),
        )

    holds()


def test_any_admin_write_is_accepted_or_rejected(app: WSGIApplication) -> None:
    statuses: set[int] = set()

    @settings(max_examples=150)
    @given(WRITES, BODIES, TAGS)
    @example(("PATCH", "/api/products/egg-white-protein"), b"{}", None)
    @example(("PATCH", "/api/products/egg-white-protein"), b"{", None)
    @example(("PATCH", "/api/products/egg-white-protein"), b'{"x": 1}', None)
    def holds(write: tuple[str, str], body: bytes, tag: str | None) -> None:
        method, path = write
        reply = admin(app, method, path, body, tag)
        check(reply)
        # 308: an earlier example changed the slug of the product
        assert reply.status in {200, 201, 204, 308, 400, 404, 409, 412, 422}
        statuses.add(reply.status)

    holds()
    assert {200, 400, 422} <= statuses  # neither all rejected nor all accepted


def test_any_admin_parameters_are_accepted_or_rejected(app: WSGIApplication) -> None:
    @given(st.sampled_from(ROUTE_PATHS), st.lists(st.tuples(NAMES, ENCODED), max_size=5))
    def holds(path: str, pairs: list[tuple[str, str]]) -> None:
        query = "&".join(f"{name}={value}" for name, value in [*pairs, ("status", "all")])
        response = send_request(
            app, path, QUERY_STRING=query, HTTP_AUTHORIZATION=ADMIN["Authorization"]
        )
        check(response)
        assert response.status in {200, 400, 404, 405, 422}

    holds()


def test_any_import_is_accepted_or_rejected(app: WSGIApplication) -> None:
    statuses: set[int] = set()

    @settings(max_examples=100)
    @given(TABLES | RECORDS | st.binary(), IMPORT_QUERIES, st.none() | st.just("3f2a") | LATIN)
    @example(b"name,price\nTea,2\n", "", None)
    @example(b"name,price\nTea,x\n", "", "3f2a")
    @example(b'{"name": "Tea", "price": "2", "slug": "a\\u0000b"}', "", None)
    @example(b"", "", None)
    def holds(body: bytes, query: str, key: str | None) -> None:
        reply = send_request(
            app,
            "/api/imports",
            REQUEST_METHOD="POST",
            QUERY_STRING=query,
            HTTP_AUTHORIZATION=ADMIN["Authorization"],
            HTTP_IDEMPOTENCY_KEY=key,
            CONTENT_LENGTH=str(len(body)),
            **{"wsgi.input": io.BytesIO(body)},
        )
        check(reply)
        assert reply.status in {200, 400, 422}
        statuses.add(reply.status)

    holds()
    assert statuses == {200, 400, 422}


@pytest.mark.parametrize("path", [f"{EGG}/images", "/images/uploads"])
def test_any_admin_form_is_accepted_or_rejected(app: WSGIApplication, path: str) -> None:
    statuses: set[int] = set()

    @settings(max_examples=100)
    @given(FORMS | TRUNCATED_FORMS | st.binary(), FORM_TYPES, st.none() | st.integers(-1, 5000))
    @example(encode_form([encode_part(JPG)]), CONTENT_TYPE, None)
    @example(encode_form([encode_part(JPG)])[:-9], CONTENT_TYPE, None)
    @example(encode_form([encode_part(b"no image")]), CONTENT_TYPE, None)
    @example(b"", "image/png", None)
    def holds(body: bytes, content_type: str, length: int | None) -> None:
        response = send_request(
            app,
            path,
            REQUEST_METHOD="POST",
            HTTP_AUTHORIZATION=ADMIN["Authorization"],
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH=str(len(body) if length is None else length),
            **{"wsgi.input": io.BytesIO(body)},
        )
        check(response)
        assert response.status in {201, 400, 404, 409, 411, 413, 415, 422}
        statuses.add(response.status)

    holds()
    assert {400, 415, 422} <= statuses
