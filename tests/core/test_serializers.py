"""What products, pages and reports look like on the wire."""

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
from eggypro_core.domain.product_files import ImportReport, Notice
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.search.results import ProductListing
from eggypro_core.serializers import (
    import_report_body,
    listed_product_body,
    product_body,
    product_page_body,
    timestamp,
)

PRODUCT = Product(
    id=7,
    name="Egg White",
    slug="egg-white",
    sku="EW",
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
    "created_at": "2026-01-01T12:00:00.000000Z",
    "updated_at": "2026-01-01T12:00:00.000001Z",
    "categories": [{"slug": "powders", "name": "Powders"}],
    "variant_count": 2,
    "rating": {"average": "4.50", "count": 2},
}


def decode(body: object) -> object:
    """What a reader of the JSON gets."""
    return json.loads(json.dumps(body))


def make_page(next_: ProductQuery | None = None, *, capped: bool = False) -> dict[str, object]:
    page = Page(items=(PRODUCT.to_listed(),), total=1, total_capped=capped, next_query=next_)
    return dict(
        product_page_body(
            ProductListing(page), ProductQuery(limit=5, offset=3), "CHF", no_image_url
        )
    )


def test_a_product_in_a_list_leaves_out_its_long_parts() -> None:
    assert decode(listed_product_body(PRODUCT.to_listed(), "CHF", no_image_url)) == LISTED


def test_a_product_alone_shows_everything() -> None:
    body = product_body(PRODUCT, "CHF", no_image_url)
    sets = body.pop("image_sets")
    assert decode(body) == {
        **LISTED,
        "details": "<p>Egg</p>",
        "attributes": {"protein": "80 g", "fat": "1 g"},
        "variants": [],
    }
    first = "https://x.example/1.jpg"
    assert decode(sets)[0] == {  # type: ignore[index]  # a list, as JSON gives it back
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


def test_attributes_keep_their_order_on_the_wire() -> None:
    turned = evolve(PRODUCT, attributes={"fat": "1 g", "protein": "80 g"})
    assert '{"fat": "1 g", "protein": "80 g"}' in json.dumps(
        product_body(turned, "EUR", no_image_url)
    )


def test_what_a_product_does_not_have_is_null() -> None:
    bare = evolve(
        PRODUCT, sku=None, compare_at_price=None, seo_title=None, images=(), rating=Rating()
    )
    body = product_body(bare, "EUR", no_image_url)
    assert [body[name] for name in ("sku", "compare_at_price", "seo_title")] == [None] * 3
    assert (body["images"], body["image_sets"]) == ([], [])
    assert body["rating"] == {"average": None, "count": 0}


def test_all_that_a_product_shows_can_be_written_or_is_known_as_shown_only() -> None:
    writable = {definition.name for definition in PRODUCT_FIELDS}
    assert product_body(PRODUCT, "EUR", no_image_url).keys() == writable | READ_ONLY_FIELDS


def test_a_page_says_how_much_there_is_and_that_it_is_the_last() -> None:
    assert decode(make_page()) == {
        "items": [LISTED],
        "total": 1,
        "limit": 5,
        "offset": 3,
        "next": None,
    }


def test_a_page_says_so_when_it_stopped_counting() -> None:
    assert make_page(capped=True)["total_capped"] is True


def test_a_page_leads_to_the_next_by_an_address_that_is_read_as_its_query() -> None:
    following = ProductQuery(search="egg & wéiß+", sort=Sort.NAME, limit=5).after_item(PRODUCT)
    address = urlsplit(str(make_page(following)["next"]))
    assert (address.scheme, address.netloc, address.path) == ("", "", "/api/products")
    assert ProductQuery.parse(dict(parse_qsl(address.query))) == following


def test_a_page_that_was_reached_by_its_cursor_has_no_offset() -> None:
    page: Page[ListedProduct, ProductQuery] = Page(
        items=(), total=0, total_capped=False, next_query=None
    )
    assert (
        product_page_body(
            ProductListing(page), ProductQuery().after_item(PRODUCT), "EUR", no_image_url
        )["offset"]
        is None
    )


def test_a_report_names_its_lines() -> None:
    report = ImportReport(
        created=1,
        changed=2,
        unchanged=3,
        refused=(Notice(4, "price", "Price too high"),),
        warnings=(Notice(5, "", "Careful"),),
        dry_run=True,
    )
    assert decode(import_report_body(report)) == {
        "created": 1,
        "changed": 2,
        "unchanged": 3,
        "refused": [{"line": 4, "field": "price", "message": "Price too high"}],
        "warnings": [{"line": 5, "field": "", "message": "Careful"}],
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
def test_a_time_is_in_utc_with_six_decimals(time: datetime, text: str) -> None:
    assert timestamp(time) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_written_exactly(time: datetime) -> None:
    assert datetime.fromisoformat(timestamp(time)) == time
