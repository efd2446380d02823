"""Tests of JSON representations of products, pages and reports."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.domain.image import no_image_url
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    READ_ONLY_FIELDS,
    CategoryName,
    Image,
    ListedProduct,
    Product,
    Rating,
)
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import ImportDifference, ImportMessage, ImportReport
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.search.results import ProductListing
from eggypro_core.serializers import (
    ProductSerializer,
    import_report_body,
    timestamp,
)

PRODUCT = Product(
    id=7,
    name="Egg White",
    slug="egg-white",
    sku="EW",
    gtin="96385074",
    brand="Eggy",
    tags=("vegan", "new"),
    weight_grams=500,
    description="White",
    details="<p>Egg</p>",
    price=Decimal("24.90"),
    compare_at_price=Decimal("30.00"),
    images=(Image("https://x.example/1.jpg", "A tin"), Image("https://x.example/2.jpg")),
    ingredients=("egg", "salt"),
    attributes={"protein": "80 g", "fat": "1 g"},
    seo_title="Title",
    seo_description="Words",
    stock_quantity=3,
    track_stock=True,
    is_active=False,
    is_listed=False,
    created_at=NOON,
    updated_at=NOON + timedelta(microseconds=1),
    categories=(CategoryName("powders", "Powders"),),
    variant_count=2,
    rating=Rating(Decimal("4.50"), 2),
    version=4,
)
LISTED = {
    "id": 7,
    "name": "Egg White",
    "slug": "egg-white",
    "sku": "EW",
    "gtin": "96385074",
    "brand": "Eggy",
    "tags": ["vegan", "new"],
    "weight_grams": 500,
    "description": "White",
    "price": "24.90",
    "compare_at_price": "30.00",
    "currency": "CHF",
    "images": ["https://x.example/1.jpg", "https://x.example/2.jpg"],
    "ingredients": ["egg", "salt"],
    "seo_title": "Title",
    "seo_description": "Words",
    "stock_quantity": 3,
    "track_stock": True,
    "is_active": False,
    "is_listed": False,
    "created_at": "2026-01-01T12:00:00.000000Z",
    "updated_at": "2026-01-01T12:00:00.000001Z",
    "categories": [{"slug": "powders", "name": "Powders"}],
    "variant_count": 2,
    "rating": {"average": "4.50", "count": 2},
}


def decode(body: object) -> object:
    """Return the body after a JSON round trip."""
    return json.loads(json.dumps(body))


def make_page(next_: ProductQuery | None = None, *, capped: bool = False) -> dict[str, object]:
    page = Page(items=(PRODUCT.to_listed(),), total=1, total_capped=capped, next_query=next_)
    query = ProductQuery(limit=5, offset=3)
    return dict(ProductSerializer("CHF", no_image_url).page(ProductListing(page), query))


def test_a_listed_product_omits_details() -> None:
    assert (
        decode(ProductSerializer("CHF", no_image_url).listed_product(PRODUCT.to_listed())) == LISTED
    )


def test_a_single_product_has_all_members() -> None:
    body = ProductSerializer("CHF", no_image_url).product(PRODUCT)
    sets = body.pop("image_sets")
    assert decode(body) == {
        **LISTED,
        "details": "<p>Egg</p>",
        "attributes": {"protein": "80 g", "fat": "1 g"},
        "variants": [],
    }
    first = "https://x.example/1.jpg"
    assert decode(sets)[0] == {  # type: ignore[index]  # a list, as decoded from JSON
        "public_id": None,
        "original": first,
        "optimized": first,
        "thumbnail": first,
        "responsive": {"400w": first, "800w": first, "1200w": first},
        "width": None,
        "height": None,
        "format": None,
        "size": None,
        "alt": "A tin",
    }


def test_attributes_keep_their_order_in_json() -> None:
    reordered = evolve(PRODUCT, attributes={"fat": "1 g", "protein": "80 g"})
    assert '{"fat": "1 g", "protein": "80 g"}' in json.dumps(
        ProductSerializer("EUR", no_image_url).product(reordered)
    )


def test_missing_values_are_null() -> None:
    minimal = evolve(
        PRODUCT, sku=None, compare_at_price=None, seo_title=None, images=(), rating=Rating()
    )
    body = ProductSerializer("EUR", no_image_url).product(minimal)
    assert [body[name] for name in ("sku", "compare_at_price", "seo_title")] == [None] * 3
    assert (body["images"], body["image_sets"]) == ([], [])
    assert body["rating"] == {"average": None, "count": 0}


def test_every_member_of_a_product_is_writable_or_read_only() -> None:
    writable = {definition.name for definition in PRODUCT_FIELDS}
    assert (
        ProductSerializer("EUR", no_image_url).product(PRODUCT).keys()
        == writable | READ_ONLY_FIELDS
    )


def test_the_last_page_has_a_total_and_no_next() -> None:
    assert decode(make_page()) == {
        "items": [LISTED],
        "total": 1,
        "limit": 5,
        "offset": 3,
        "next": None,
    }


def test_a_capped_total_is_marked() -> None:
    assert make_page(capped=True)["total_capped"] is True


def test_the_next_url_parses_to_the_next_query() -> None:
    next_query = ProductQuery(search="egg & wéiß+", sort=Sort.NAME, limit=5).after_item(PRODUCT)
    url = urlsplit(str(make_page(next_query)["next"]))
    assert (url.scheme, url.netloc, url.path) == ("", "", "/api/products")
    assert ProductQuery.parse(dict(parse_qsl(url.query))) == next_query


def test_a_page_at_a_cursor_has_no_offset() -> None:
    page: Page[ListedProduct, ProductQuery] = Page(
        items=(), total=0, total_capped=False, next_query=None
    )
    query = ProductQuery().after_item(PRODUCT)
    body = ProductSerializer("EUR", no_image_url).page(ProductListing(page), query)
    assert body["offset"] is None


def test_an_import_report_lists_its_notices_by_line() -> None:
    report = ImportReport(
        created=1,
        changed=2,
        unchanged=3,
        refused=(ImportMessage(4, "price", "Price too high", "Net price", "1e9"),),
        warnings=(ImportMessage(5, "", "Careful"),),
        differences=(ImportDifference("egg", "created", {"price": (None, "2.00")}),),
        new_categories=("Food",),
        refused_total=1001,
        warning_total=1,
        difference_total=3,
        dry_run=True,
    )
    refused = {"line": 4, "column": "Net price", "field": "price", "value": "1e9"}
    assert decode(import_report_body(report)) == {
        "batch": None,
        "applied": False,
        "created": 1,
        "changed": 2,
        "unchanged": 3,
        "refused": [{**refused, "message": "Price too high"}],
        "refused_total": 1001,
        "warnings": [{"line": 5, "column": "", "field": "", "value": "", "message": "Careful"}],
        "warnings_total": 1,
        "changes": [{"slug": "egg", "action": "created", "fields": {"price": [None, "2.00"]}}],
        "changes_total": 3,
        "new_categories": ["Food"],
        "dry_run": True,
    }


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (NOON, "2026-01-01T12:00:00.000000Z"),
        (NOON.replace(microsecond=5), "2026-01-01T12:00:00.000005Z"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "2026-01-01T12:00:00.000000Z"),
    ],
)
def test_a_timestamp_is_in_utc_with_six_decimals(time: datetime, text: str) -> None:
    assert timestamp(time) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_is_exact(time: datetime) -> None:
    assert datetime.fromisoformat(timestamp(time)) == time
