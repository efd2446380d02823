"""Tests of zero-result searches: which are recorded, and without personal data."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore, MemoryZeroResultStore
from eggypro_core.domain.pagination import CursorPosition
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.errors import ValidationError
from eggypro_core.search.zero_results import (
    MAX_ZERO_RESULT_TERMS,
    ZeroResultSearch,
    parse_limit,
    zero_result_terms,
)
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status
from tests.support.builders import product_values


@pytest.fixture
def zero_results() -> MemoryZeroResultStore:
    return MemoryZeroResultStore()


@pytest.fixture
def products(zero_results: MemoryZeroResultStore) -> ProductService:
    service = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock(), zero_results)
    service.create(product_values())
    service.create(product_values(name="Goose", description="", details="", ingredients=["goose"]))
    service.archive("goose")
    return service


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ("duck", "duck"),
        ("Duck  EGG", "duck egg"),
        ("egg duck", "egg duck"),
        ("Crème-Brûlée!", "creme brulee"),
        ("eggs egg eggs", "eggs egg"),
        ("one two three four five", "one two three four five"),
        ("omega 3 1000 mg", "omega 3 1000 mg"),
        ("vitamin d3 2000 iu", "vitamin d 3 2000 iu"),
        ("protein 80%", "protein 80"),
        ("meat at home", "meat at home"),
        ("яйцо", "яицо"),
        ("鴨卵", "鴨 卵"),
    ],
)
def test_recorded_terms_are_normalised(search: str, words: str) -> None:
    assert zero_result_terms(ProductQuery(search=search)) == words


@pytest.mark.parametrize(
    "search",
    [
        "one two three four five six",
        "!?",
        "🥚",
        "",
        "12345",
        "order 123456",
        "a1b2c3d4e5",
        "ab123cd45",
        "12.03.1985",
        "1990-01-01",
        "٠١٢٣٤",
        "\u0967\u0968\u0969\u096a\u096b",
        "①②③④⑤",
        "555 1234",
        "+49 170 12",
        "(030) 12 34 56",
        "030/12 34 56",
        "12 34 56",
        "555_1234",
        "DE89 3704 0044",
        "ada@example.org",
        "ada lovelace @ home",
        "ada\uff20example.org",
        "ada(at)example.org",
        "ada [AT] example",
        "ada%40example.org",
        "@ada",
    ],
)
def test_possible_personal_data_is_not_recorded(search: str) -> None:
    assert zero_result_terms(ProductQuery(search=search)) is None


@given(st.text(max_size=200))
def test_recorded_terms_are_few_and_folded(search: str) -> None:
    words = zero_result_terms(ProductQuery(search=search))
    assert words is None or 1 <= len(words.split(" ")) <= 5
    assert words is None or words == words.lower()
    assert words is None or all(sum(map(str.isdigit, word)) < 5 for word in words.split(" "))


def test_zero_result_search_is_counted(
    products: ProductService, zero_results: MemoryZeroResultStore
) -> None:
    for search in ("Duck", "duck!", "DÜCK", "goose"):
        products.list(ProductQuery(search=search))
    assert zero_results.list(10) == (
        ZeroResultSearch("duck", 3, NOON),
        ZeroResultSearch("goose", 1, NOON),
    )


def test_display_parameters_do_not_matter(
    products: ProductService, zero_results: MemoryZeroResultStore
) -> None:
    products.list(ProductQuery(search="duck", sort=Sort.NEWEST, limit=1))
    products.get_listing(ProductQuery(search="duck", facets=True))
    assert zero_results.list(10) == (ZeroResultSearch("duck", 2, NOON),)


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "bars"},
        {"in_stock": False},
        {"in_stock": True},
        {"min_price": Decimal(1)},
        {"min_price": Decimal(0)},
        {"max_price": Decimal(1)},
        {"status": Status.ALL},
        {"status": Status.ARCHIVED},
        {"status": Status.ACTIVE, "listed": True},
        {"offset": 1},
        {"after": CursorPosition("1.1", 1)},
        {"search": None},
        {"search": "egg"},
        {"search": "whiet"},
        {"search": "egg", "offset": 5},
    ],
)
def test_filtered_and_successful_searches_are_not_counted(
    products: ProductService, zero_results: MemoryZeroResultStore, changes: dict[str, Any]
) -> None:
    products.list(ProductQuery(**{"search": "duck", **changes}))
    assert zero_results.list(10) == ()


def test_suggestions_and_explanations_are_not_counted(
    products: ProductService, zero_results: MemoryZeroResultStore
) -> None:
    assert products.suggest("duck") == ()
    assert not products.get_listing(ProductQuery(search="duck", explain=True)).page.items
    assert zero_results.list(10) == ()


def test_search_works_without_a_zero_result_store() -> None:
    service = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    assert service.list(ProductQuery(search="duck")).total == 0


def test_parse_limit() -> None:
    assert parse_limit({}) == 20
    assert parse_limit({"limit": str(MAX_ZERO_RESULT_TERMS)}) == MAX_ZERO_RESULT_TERMS
    for params in ({"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"offset": "1"}):
        with pytest.raises(ValidationError):
            parse_limit(params)
