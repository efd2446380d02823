"""The tree of categories on the memory store: what its writes change, leave alone and refuse."""

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


def faults(call: Callable[[], object]) -> list[FieldError]:
    with pytest.raises(ValidationError) as invalid:
        call()
    return list(invalid.value.errors)


def named(call: Callable[[], object]) -> list[str]:
    return [fault.field for fault in faults(call)]


def replacement_values(category: Category) -> dict[str, object]:
    """What a PUT brings that sends what a GET showed."""
    body: dict[str, object] = json.loads(json.dumps(category_body(category)))
    return body


def test_a_new_category_is_an_active_root_where_nothing_is_said(
    categories: CategoryService,
) -> None:
    added = categories.create({"name": "  Protein \t bars "})
    assert categories.get("protein-bars") == added
    assert (added.name, added.parent, added.description) == ("Protein bars", None, None)
    assert (added.is_active, added.created_at, added.product_count) == (True, NOON, 0)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({}, "name", "Name is required"),
        ({"name": ""}, "name", "Name is required"),
        ({"name": None}, "name", "Name is required"),
        ({"name": "a|b"}, "name", "Name contains invalid characters"),
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
def test_what_breaks_a_rule_is_refused(
    categories: CategoryService, values: dict[str, object], field: str, message: str | None
) -> None:
    [fault] = faults(lambda: categories.create(values))
    assert fault.field == field
    assert message is None or fault.message == message
    assert categories.list(CategoryQuery(status=Status.ALL)).total == 0


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_what_is_only_shown_is_refused_and_passed_over_by_a_replacement(
    categories: CategoryService, name: str
) -> None:
    values = {"name": "x", name: 1}
    assert faults(lambda: categories.create(values)) == [FieldError(name, "Cannot be set here")]
    before = categories.create({"name": "x"})
    assert faults(lambda: categories.update("x", values)) == [
        FieldError(name, "Cannot be set here")
    ]
    assert categories.replace("x", values) == before


def test_all_faults_are_told_together(categories: CategoryService) -> None:
    wrong = {"name": "", "slug": "A", "parent": 1, "is_active": 1, "id": 1, "x": 1}
    assert sorted(named(lambda: categories.create(wrong))) == sorted(wrong)
    assert named(lambda: categories.replace("x", {})) == ["name"]


def test_a_change_leaves_alone_what_it_does_not_name(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    before = categories.create({"name": "Bars", "parent": "food", "description": "To bite"})
    assert categories.update("bars", {"name": "Big"}) == evolve(before, name="Big")
    assert categories.update("bars", {"parent": None, "description": " "}) == evolve(
        before, name="Big", parent=None, path=("bars",), description=None
    )


def test_a_replacement_empties_what_it_does_not_name(categories: CategoryService) -> None:
    categories.create({"name": "Food"})
    categories.create({"name": "Bars", "slug": "b", "parent": "food", "description": "To bite"})
    categories.archive("b")
    replaced = categories.replace("b", {"name": "Bars"})
    assert (replaced.parent, replaced.description) == (None, None)
    assert (replaced.slug, replaced.is_active) == ("b", False)
    assert categories.replace("b", {"name": "Bars", "is_active": True}).is_active


def test_what_was_shown_can_be_put_back(categories: CategoryService) -> None:
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
def test_whatever_was_added_can_be_put_back(values: dict[str, object]) -> None:
    taxonomy = CategoryService(MemoryCategoryStore(MemoryDatabase()), FakeClock())
    added = taxonomy.create(values)
    assert taxonomy.replace(added.slug, replacement_values(added)) == added
    assert CategoryChanges.parse({"slug": added.slug}).slug == added.slug


def test_an_active_category_is_one_that_can_be_seen(categories: CategoryService) -> None:
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


def test_what_cannot_be_a_slug_is_not_found(
    categories: CategoryService, products: ProductService
) -> None:
    products.create(product_values())
    for call in (
        lambda: categories.get("A b"),
        lambda: categories.update("\x00", {}),
        lambda: categories.delete(""),
        lambda: categories.link("egg-white-protein", "Ü"),
        lambda: categories.link("Ü", "food"),
    ):
        with pytest.raises(NotFoundError):
            call()
    categories.unlink("Ü", "A b")


def test_a_product_s_version_stays_when_it_is_linked(
    categories: CategoryService, products: ProductService
) -> None:
    categories.create({"name": "Food"})
    products.create(product_values())
    categories.link("egg-white-protein", "food")
    product = products.get("egg-white-protein")
    assert (product.version, [one.slug for one in product.categories]) == (1, ["food"])
    changed = products.update("egg-white-protein", {"name": "New"}, version=1)
    assert (changed.version, changed.categories) == (2, product.categories)
    assert products.update("egg-white-protein", {"name": "New"}) == changed
    assert products.replace("egg-white-protein", product_values()).categories == product.categories


def test_a_load_tells_every_fault_by_its_place_and_keeps_nothing(
    categories: CategoryService,
) -> None:
    wrong: list[dict[str, object]] = [
        {"name": "A"},
        {"name": "<"},
        {"name": "B", "x": 1, "slug": "-Ü"},
    ]
    assert sorted(named(lambda: categories.create_many(wrong))) == ["1.name", "2.slug", "2.x"]
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
def test_a_query_is_read_again_as_it_was(query: CategoryQuery) -> None:
    assert CategoryQuery.parse(query.params()) == query


def test_the_cursor_of_a_query_belongs_to_its_list(categories: CategoryService) -> None:
    for name in "abc":
        categories.create({"name": name})
    following = categories.list(CategoryQuery(limit=1)).next_query
    assert following is not None
    params = following.params()
    assert CategoryQuery.parse({**params, "limit": "7"}) == evolve(following, limit=7)
    for other in ({"parent": "none"}, {"status": "all"}):
        with pytest.raises(ParseError):
            CategoryQuery.parse({**params, **other})
    with pytest.raises(ParseError):
        CategoryQuery.parse({"cursor": params["cursor"] + "x"})


def test_a_cursor_that_no_page_gave_is_refused() -> None:
    forged = encode_cursor(CursorPosition("a\x00", 1), CategoryQuery()._fingerprint())
    with pytest.raises(ParseError):
        CategoryQuery.parse({"cursor": forged})


def test_wrong_parameters_are_told_together() -> None:
    wrong = {"limit": "1001", "offset": "-1", "status": "gone", "parent": "", "colour": "red"}
    assert sorted(named(lambda: CategoryQuery.parse(wrong))) == sorted(wrong)
    assert named(lambda: CategoryQuery.parse({"offset": "1", "cursor": "x"})) == ["offset"]
    assert CategoryQuery.parse({"limit": "1000"}).limit == 1000
