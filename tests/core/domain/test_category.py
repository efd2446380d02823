"""Tests of categories and their service on the memory store."""

import json
from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.domain.category import READ_ONLY_FIELDS, Category, CategoryChanges, CategoryQuery
from eggypro_core.domain.pagination import CursorPosition, encode_cursor
from eggypro_core.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    ParseError,
    ValidationError,
)
from eggypro_core.serializers import category_body
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status
from tests.support.builders import product_values


@pytest.fixture
def database() -> MemoryDatabase:
    return MemoryDatabase()


@pytest.fixture
def categories(database: MemoryDatabase, clock: FakeClock) -> CategoryService:
    return CategoryService(MemoryCategoryStore(database), clock)


@pytest.fixture
def products(database: MemoryDatabase, clock: FakeClock) -> ProductService:
    return ProductService(MemoryProductStore(database), NhHtmlCleaner(), clock)


def validation_errors(action: Callable[[], object]) -> list[FieldError]:
    with pytest.raises(ValidationError) as raised:
        action()
    return list(raised.value.errors)


def error_fields(action: Callable[[], object]) -> list[str]:
    return [error.field for error in validation_errors(action)]


def replacement_values(category: Category) -> dict[str, object]:
    """Return the body of a GET as the values of a PUT."""
    body: dict[str, object] = json.loads(json.dumps(category_body(category)))
    return body


def test_new_category_is_an_active_root_by_default(
    categories: CategoryService,
) -> None:
    created = categories.create({"name": "  Protein \t bars "})
    assert categories.get("protein-bars") == created
    assert (created.name, created.parent, created.description) == ("Protein bars", None, None)
    assert (created.is_active, created.created_at, created.product_count) == (True, NOON, 0)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({}, "name", "Name is required"),
        ({"name": ""}, "name", "Name is required"),
        ({"name": None}, "name", "Name is required"),
        ({"name": "a<b"}, "name", "Name contains invalid characters"),
        ({"name": "a\x00b"}, "name", "Name contains invalid characters"),
        ({"name": "x" * 101}, "name", "Name too long"),
        ({"name": "x", "slug": "A"}, "slug", None),
        ({"name": "x", "slug": "x" * 101}, "slug", "Slug too long"),
        ({"name": "x", "slug": "none"}, "slug", "Slug 'none' is reserved"),
        ({"name": "x", "slug": None}, "slug", "Slug is required"),
        ({"name": "x", "description": "x" * 5001}, "description", "Description too long"),
        ({"name": "x", "description": 1}, "description", "Description must be text"),
        ({"name": "x", "parent": 1}, "parent", "Parent must be text"),
        ({"name": "x", "parent": "no-such"}, "parent", "There is no category 'no-such'"),
        ({"name": "x", "is_active": "no"}, "is_active", "Is active must be true or false"),
        ({"name": "x", "colour": 1}, "colour", "Unknown field"),
    ],
)
def test_create_rejects_invalid_values(
    categories: CategoryService, values: dict[str, object], field: str, message: str | None
) -> None:
    [error] = validation_errors(lambda: categories.create(values))
    assert error.field == field
    assert message is None or error.message == message
    assert categories.list(CategoryQuery(status=Status.ALL)).total == 0


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_read_only_fields_are_rejected_but_ignored_by_replace(
    categories: CategoryService, name: str
) -> None:
    values = {"name": "x", name: 1}
    assert validation_errors(lambda: categories.create(values)) == [
        FieldError(name, "Cannot be set here")
    ]
    before = categories.create({"name": "x"})
    assert validation_errors(lambda: categories.update("x", values)) == [
        FieldError(name, "Cannot be set here")
    ]
    assert categories.replace("x", values) == before


def test_all_errors_are_raised_together(categories: CategoryService) -> None:
    invalid = {"name": "", "slug": "A", "parent": 1, "is_active": 1, "id": 1, "x": 1}
    assert sorted(error_fields(lambda: categories.create(invalid))) == sorted(invalid)
    assert error_fields(lambda: categories.replace("x", {})) == ["name"]


def test_update_keeps_omitted_fields(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    before = categories.create({"name": "Bars", "parent": "food", "description": "To bite"})
    assert categories.update("bars", {"name": "Big"}) == evolve(before, name="Big")
    assert categories.update("bars", {"parent": None, "description": " "}) == evolve(
        before, name="Big", parent=None, path=("bars",), description=None
    )


def test_replace_clears_omitted_fields(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    categories.create({"name": "Bars", "slug": "b", "parent": "food", "description": "To bite"})
    categories.archive("b")
    replaced = categories.replace("b", {"name": "Bars"})
    assert (replaced.parent, replaced.description) == (None, None)
    assert (replaced.slug, replaced.is_active) == ("b", False)
    assert categories.replace("b", {"name": "Bars", "is_active": True}).is_active


def test_body_of_a_get_can_be_put(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    before = categories.create({"name": "Bars", "parent": "food", "description": "a\nb"})
    assert categories.replace("bars", replacement_values(before)) == before


@given(
    st.fixed_dictionaries(
        {"name": strategies.names},
        optional={
            "slug": strategies.slugs.filter(lambda slug: slug != "none"),
            "description": st.none() | st.text("ab \n", max_size=9),
            "is_active": st.booleans(),
        },
    )
)
def test_body_of_any_category_can_be_put(values: dict[str, object]) -> None:
    categories = CategoryService(MemoryCategoryStore(MemoryDatabase()), FakeClock())
    created = categories.create(values)
    assert categories.replace(created.slug, replacement_values(created)) == created
    assert CategoryChanges.parse({"slug": created.slug}).slug == created.slug


def test_active_status_includes_only_visible_categories(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    categories.create({"name": "Bars", "parent": "food"})
    assert categories.archive("food") == categories.archive("food")
    for slug in ("food", "bars"):
        with pytest.raises(NotFoundError):
            categories.get(slug)
        assert categories.get(slug, Status.ARCHIVED) == categories.get(slug, Status.ALL)
    categories.restore("food")
    assert categories.get("bars").is_visible
    with pytest.raises(NotFoundError):
        categories.get("bars", Status.ARCHIVED)


def test_invalid_slug_is_not_found(categories: CategoryService, products: ProductService) -> None:
    products.create(product_values())
    for action in (
        lambda: categories.get("A b"),
        lambda: categories.update("\x00", {}),
        lambda: categories.delete(""),
        lambda: categories.link("egg-white-protein", "Ü"),
        lambda: categories.link("Ü", "food"),
    ):
        with pytest.raises(NotFoundError):
            action()
    categories.unlink("Ü", "A b")


def test_linking_keeps_the_version_of_the_product(
    categories: CategoryService, products: ProductService
) -> None:
    categories.create({"name": "Food"})
    products.create(product_values())
    categories.link("egg-white-protein", "food")
    product = products.get("egg-white-protein")
    assert (product.version, [category.slug for category in product.categories]) == (1, ["food"])
    changed = products.update("egg-white-protein", {"name": "New"}, version=1)
    assert (changed.version, changed.categories) == (2, product.categories)
    assert products.update("egg-white-protein", {"name": "New"}) == changed
    assert products.replace("egg-white-protein", product_values()).categories == product.categories


def test_create_many_reports_errors_by_index_and_stores_nothing(
    categories: CategoryService,
) -> None:
    invalid: list[dict[str, object]] = [
        {"name": "A"},
        {"name": "<"},
        {"name": "B", "x": 1, "slug": "-Ü"},
    ]
    assert sorted(error_fields(lambda: categories.create_many(invalid))) == [
        "1.name",
        "2.slug",
        "2.x",
    ]
    with pytest.raises(ConflictError):
        categories.create_many([{"name": "A"}, {"name": "B", "slug": "a"}])
    assert categories.list(CategoryQuery(status=Status.ALL)).total == 0
    assert categories.create_many([{"name": "A"}, {"name": "B", "parent": "a"}]) == 2
    assert categories.get("b").path == ("a", "b")
    assert categories.create_many([]) == 0


@pytest.mark.parametrize(
    "query",
    [
        CategoryQuery(),
        CategoryQuery(parent="none", limit=1000, offset=3),
        CategoryQuery(parent="bars", status=Status.ALL),
        CategoryQuery(status=Status.ARCHIVED, after=CursorPosition("é", 7)),
    ],
)
def test_query_survives_a_round_trip_through_params(query: CategoryQuery) -> None:
    assert CategoryQuery.parse(query.params()) == query


def test_cursor_is_bound_to_the_list(categories: CategoryService) -> None:
    for name in "abc":
        categories.create({"name": name})
    next_query = categories.list(CategoryQuery(limit=1)).next_query
    assert next_query is not None
    params = next_query.params()
    assert CategoryQuery.parse({**params, "limit": "7"}) == evolve(next_query, limit=7)
    for filters in ({"parent": "none"}, {"status": "all"}):
        with pytest.raises(ParseError):
            CategoryQuery.parse({**params, **filters})
    with pytest.raises(ParseError):
        CategoryQuery.parse({"cursor": params["cursor"] + "x"})


def test_forged_cursor_is_rejected() -> None:
    forged = encode_cursor(CursorPosition("a\x00", 1), CategoryQuery()._fingerprint())
    with pytest.raises(ParseError):
        CategoryQuery.parse({"cursor": forged})


def test_all_parameter_errors_are_raised_together() -> None:
    invalid = {"limit": "1001", "offset": "-1", "status": "gone", "parent": "", "colour": "red"}
    assert sorted(error_fields(lambda: CategoryQuery.parse(invalid))) == sorted(invalid)
    assert error_fields(lambda: CategoryQuery.parse({"offset": "1", "cursor": "x"})) == ["offset"]
    assert CategoryQuery.parse({"limit": "1000"}).limit == 1000
