"""Contract suite of `CategoryStore` and the product store of the same shop."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from attrs import evolve, frozen

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_product_slug
from eggypro_core.domain.category import (
    MAX_DEPTH,
    NO_PARENT,
    Category,
    CategoryDraft,
    CategoryQuery,
)
from eggypro_core.domain.product import CategoryName
from eggypro_core.domain.product_files import StoredProduct
from eggypro_core.domain.product_query import ALL_PRODUCTS, ProductQuery
from eggypro_core.errors import ConflictError, NotFoundError, SlugMovedError, ValidationError
from eggypro_core.ports import CategoryStore, ProductStore
from eggypro_core.validation.parameters import Status

Change = Callable[[Category], Category]


@frozen
class CategoryStores:
    """The empty stores of one shop."""

    categories: CategoryStore
    products: ProductStore

    def create_categories(self, *paths: str) -> None:
        """Create a category for each path, whose parts are slugs; ancestors must exist."""
        for path in paths:
            ancestors, _, name = path.rpartition("/")
            parent = ancestors.rpartition("/")[2] or None
            self.categories.create(CategoryDraft(name=name, slug=name, parent=parent), NOON)

    def create_products(self, **categories: str) -> None:
        """Create products by name, each in space-separated categories."""
        for name, slugs in categories.items():
            self.products.create(make_draft(name, categories=tuple(slugs.split())), NOON)

    def path(self, slug: str) -> str:
        return "/".join(self.categories.get(slug).path)

    def list_slugs(self, query: CategoryQuery) -> list[str]:
        """Return the slugs of all pages, following `next_query`."""
        slugs: list[str] = []
        next_query: CategoryQuery | None = query
        while next_query is not None:
            page = self.categories.list(next_query)
            slugs += [category.slug for category in page.items]
            next_query = page.next_query
        return slugs

    def list_facets(
        self, query: ProductQuery
    ) -> tuple[list[tuple[str, int]], tuple[Decimal | None, Decimal | None], int]:
        """Return category counts, lowest and highest price, and the count of products in stock."""
        facets = self.products.get_facets(query, allow_sample=False)
        assert not facets.is_sampled
        counts = [(facet.slug, facet.count) for facet in facets.categories]
        return counts, (facets.min_price, facets.max_price), facets.in_stock_count

    def product_counts(self) -> dict[str, int]:
        """Return the product count of each category; `get` and `list` must agree."""
        page = self.categories.list(CategoryQuery(status=Status.ALL, limit=1000))
        for category in page.items:
            assert self.categories.get(category.slug) == category
        return {category.slug: category.product_count for category in page.items}

    def product_slugs_in(self, category: str, **filters: Any) -> list[str]:
        """Return the slugs of the listed products of a category."""
        query = evolve(ProductQuery(category=category), **filters)
        page = self.products.list(query)
        assert page.total == len(page.items)
        return [product.slug for product in page.items]


def move_below(parent: str | None) -> Change:
    """Return the change that moves a category below a parent, or to the roots."""
    return lambda category: evolve(category, parent=parent)


def set_active(*, is_active: bool) -> Change:
    """Return the change that restores or archives a category."""
    return lambda category: evolve(category, is_active=is_active)


def set_slug(slug: str) -> Change:
    """Return the change that sets the slug of a category."""
    return lambda category: evolve(category, slug=slug)


ARCHIVE, RESTORE = set_active(is_active=False), set_active(is_active=True)


class CategoryStoreContract:
    """Subclasses provide the fixture `stores`: two empty stores of one shop."""

    def test_facets_count_matches_per_visible_category_and_its_ancestors(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("food", "food/bars", "food/bars/nuts", "drinks", "old")
        stores.create_products(a="bars nuts", b="nuts", c="drinks old", d="food", e="")
        stores.categories.update("old", lambda category: evolve(category, is_active=False))
        for slug, cents in zip("abcde", range(100, 600, 100), strict=True):
            stores.products.update(slug, partial(evolve, price=Decimal(cents) / 100))
        stores.products.set_stock("a", 5)
        assert stores.list_facets(ProductQuery()) == (
            [("food", 3), ("bars", 2), ("nuts", 2), ("drinks", 1)],
            (Decimal(1), Decimal(5)),
            1,
        )
        assert stores.list_facets(ProductQuery(category="bars", in_stock=False)) == (
            [("bars", 1), ("food", 1), ("nuts", 1)],
            (Decimal(2), Decimal(2)),
            0,
        )
        expected = ([("drinks", 1)], (Decimal(3), Decimal(3)), 0)
        assert stores.list_facets(ProductQuery(search="drinks")) == expected
        assert stores.list_facets(ProductQuery(search="drnks", limit=1, offset=5)) == expected
        assert stores.list_facets(ProductQuery(search="nothing")) == ([], (None, None), 0)
        assert stores.list_facets(ProductQuery(max_price=Decimal("0.5"))) == ([], (None, None), 0)

    def test_get_returns_all_fields(self, stores: CategoryStores) -> None:
        stores.create_categories("food")
        draft = CategoryDraft(
            name="Crème Brûlée", description="Two\nlines", parent="food", is_active=False
        )
        category = stores.categories.create(draft, NOON)
        assert stores.categories.get("creme-brulee") == category
        assert category == Category(
            id=category.id,
            name="Crème Brûlée",
            slug="creme-brulee",
            description="Two\nlines",
            parent="food",
            path=("food", "creme-brulee"),
            is_active=False,
            is_visible=False,
            product_count=0,
            created_at=NOON,
        )

    def test_unknown_slugs_are_not_found(self, stores: CategoryStores) -> None:
        stores.create_categories("food")
        stores.create_products(egg="")
        actions: list[Callable[[], object]] = [
            partial(stores.categories.get, "no-such"),
            partial(stores.categories.update, "no-such", ARCHIVE),
            partial(stores.categories.delete, "no-such"),
            partial(stores.categories.link, "egg", "no-such"),
            partial(stores.categories.link, "no-such", "food"),
        ]
        for action in actions:
            with pytest.raises(NotFoundError, match="no-such"):
                action()
        stores.categories.unlink("no-such", "food")
        stores.categories.unlink("egg", "no-such")

    def test_an_unknown_parent_is_refused(self, stores: CategoryStores) -> None:
        stores.create_categories("food")
        actions: list[Callable[[], object]] = [
            partial(stores.categories.create, CategoryDraft(name="x", parent="no-such"), NOON),
            partial(stores.categories.update, "food", move_below("no-such")),
        ]
        for action in actions:
            with pytest.raises(ValidationError) as exc_info:
                action()
            assert [error.field for error in exc_info.value.errors] == ["parent"]
        assert stores.list_slugs(CategoryQuery(status=Status.ALL)) == ["food"]

    def test_generated_slugs_are_numbered_and_taken_slugs_are_refused(
        self, stores: CategoryStores
    ) -> None:
        names = ["Bars", "bars!", "Bars", "None", "..."]
        slugs = [stores.categories.create(CategoryDraft(name=name), NOON).slug for name in names]
        assert slugs == ["bars", "bars-2", "bars-3", "none-2", "category"]
        with pytest.raises(ConflictError) as exc_info:
            stores.categories.create(CategoryDraft(name="x", slug="bars-2", parent="bars-2"), NOON)
        assert (exc_info.value.field, exc_info.value.code) == ("slug", "slug-taken")
        with pytest.raises(ConflictError, match="another"):
            stores.categories.update("bars", set_slug("bars-2"))
        stores.categories.update("bars-2", ARCHIVE)
        with pytest.raises(ConflictError, match="archived"):
            stores.categories.update("bars", set_slug("bars-2"))

    def test_generated_slugs_stay_within_the_limit(self, stores: CategoryStores) -> None:
        for name in ("x" * 100, "word " * 20, "щ" * 100):
            slugs = [
                stores.categories.create(CategoryDraft(name=name), NOON).slug for _ in range(12)
            ]
            assert len(set(slugs)) == 12
            assert max(map(len, slugs)) <= 100

    def test_an_update_stores_all_fields(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "b")
        changed = stores.categories.update(
            "a",
            lambda category: evolve(
                category, name="Neu", slug="new", description="Text", parent="b", is_active=False
            ),
        )
        assert stores.categories.get("new") == changed
        assert (changed.name, changed.description, changed.parent) == ("Neu", "Text", "b")
        assert (changed.path, changed.is_active, changed.created_at) == (("b", "new"), False, NOON)
        with pytest.raises(NotFoundError):
            stores.categories.get("a")

    def test_a_failed_update_stores_nothing(self, stores: CategoryStores) -> None:
        stores.create_categories("a")

        def fail(category: Category) -> Category:
            raise ZeroDivisionError(category.name)

        with pytest.raises(ZeroDivisionError):
            stores.categories.update("a", fail)
        assert stores.path("a") == "a"

    def test_descendants_follow_a_moved_or_renamed_category(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "a/b/c/d", "x", "x/y")
        stores.categories.update("b", move_below("y"))
        assert stores.path("d") == "x/y/b/c/d"
        stores.categories.update("x", set_slug("z"))
        assert stores.path("d") == "z/y/b/c/d"
        assert stores.categories.get("y").parent == "z"
        stores.categories.update("c", move_below(None))
        assert [stores.path(slug) for slug in "abcd"] == ["a", "z/y/b", "c", "c/d"]

    def test_a_category_cannot_be_its_own_descendant(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "a/b", "a/b/c")
        for parent in "abc":
            with pytest.raises(ConflictError) as exc_info:
                stores.categories.update("a", move_below(parent))
            assert exc_info.value.field == "parent"
        with pytest.raises(ConflictError):
            stores.categories.update("a", lambda category: evolve(category, slug="new", parent="a"))
        assert stores.path("c") == "a/b/c"

    def test_the_depth_of_the_tree_is_limited(self, stores: CategoryStores) -> None:
        stores.create_categories(
            "s1", *(f"s{n - 1}/s{n}" for n in range(2, MAX_DEPTH + 1)), "x", "x/y"
        )
        assert len(stores.categories.get(f"s{MAX_DEPTH}").path) == MAX_DEPTH
        for action in (
            lambda: stores.create_categories(f"s{MAX_DEPTH}/deeper"),
            lambda: stores.categories.update("x", move_below(f"s{MAX_DEPTH - 1}")),
            lambda: stores.categories.update("s1", move_below("y")),
        ):
            with pytest.raises(ConflictError) as exc_info:
                action()
            assert exc_info.value.field == "parent"
        stores.categories.update("x", move_below(f"s{MAX_DEPTH - 2}"))
        stores.categories.update("x", move_below("s3"))
        assert stores.path("y") == "s1/s2/s3/x/y"

    def test_an_archived_category_hides_its_descendants_until_restored(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "x")
        stores.create_products(egg="c x", bacon="a")
        stores.categories.update("a", ARCHIVE)
        categories = [stores.categories.get(slug) for slug in "abcx"]
        assert [category.is_visible for category in categories] == [False, False, False, True]
        assert [category.is_active for category in categories] == [False, True, True, True]
        assert stores.list_slugs(CategoryQuery()) == ["x"]
        assert stores.list_slugs(CategoryQuery(status=Status.ARCHIVED)) == ["a", "b", "c"]
        assert stores.list_slugs(CategoryQuery(status=Status.ALL)) == ["a", "b", "c", "x"]
        assert stores.list_slugs(CategoryQuery(parent="a")) == []
        assert stores.product_slugs_in("a") == stores.product_slugs_in("c") == []
        assert stores.product_slugs_in("c", status=Status.ALL) == []
        assert stores.products.get("egg").categories == (CategoryName("x", "x"),)
        stores.categories.update("c", ARCHIVE)
        stores.categories.update("a", RESTORE)
        assert stores.list_slugs(CategoryQuery()) == ["a", "b", "x"]
        stores.categories.update("c", lambda category: evolve(category, is_active=True, parent="x"))
        assert stores.list_slugs(CategoryQuery()) == ["a", "b", "c", "x"]
        stores.categories.update("a", ARCHIVE)
        stores.categories.update("b", move_below("x"))
        assert stores.list_slugs(CategoryQuery()) == ["b", "c", "x"]

    def test_a_category_created_below_an_archived_one_is_hidden(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a")
        stores.categories.update("a", ARCHIVE)
        stores.create_categories("a/b")
        assert not stores.categories.get("b").is_visible

    def test_a_deleted_category_unlinks_its_products_and_lifts_its_children(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "a/b/d", "a/b/d/e")
        stores.create_products(egg="b", bacon="b e")
        stores.categories.delete("b")
        assert [stores.path(slug) for slug in "acde"] == ["a", "a/c", "a/d", "a/d/e"]
        assert stores.products.get("egg").categories == ()
        assert stores.product_slugs_in("a") == ["bacon"]
        stores.categories.delete("a")
        assert [stores.path(slug) for slug in "cde"] == ["c", "d", "d/e"]
        stores.create_categories("d/b")
        assert stores.product_slugs_in("b") == []

    def test_children_of_a_deleted_archived_category_become_visible(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a", "a/b", "a/b/c")
        stores.categories.update("b", ARCHIVE)
        stores.categories.delete("b")
        assert stores.categories.get("c").is_visible

    def test_link_and_unlink_are_idempotent(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "b")
        stores.create_products(egg="")
        for _ in range(2):
            stores.categories.link("egg", "a")
            stores.categories.link("egg", "b")
        product = stores.products.get("egg")
        assert product.categories == (CategoryName("a", "a"), CategoryName("b", "b"))
        assert (product.version, product.updated_at) == (1, NOON)
        for _ in range(2):
            stores.categories.unlink("egg", "a")
        assert stores.products.get("egg").categories == (CategoryName("b", "b"),)
        assert stores.product_slugs_in("a") == []

    def test_a_former_product_slug_redirects(self, stores: CategoryStores) -> None:
        stores.create_categories("a")
        stores.create_products(egg="")
        stores.products.update("egg", set_product_slug("new"))
        for action in (stores.categories.link, stores.categories.unlink):
            for category in ("a", "no-such"):
                with pytest.raises(SlugMovedError) as exc_info:
                    action("egg", category)
                assert exc_info.value.slug == "new"
        assert stores.products.get("new").categories == ()

    def test_products_return_their_categories_sorted_by_name(self, stores: CategoryStores) -> None:
        for name in ("zebra", "Éclair", "apple", "Äpfel", "apple"):
            stores.categories.create(CategoryDraft(name=name), NOON)
        product = stores.products.create(
            make_draft("egg", categories=("zebra", "apple-2", "apfel", "eclair", "apple")), NOON
        )
        slugs = ["apfel", "apple", "apple-2", "eclair", "zebra"]
        assert [category.slug for category in product.categories] == slugs
        assert product.categories[0] == CategoryName("apfel", "Äpfel")
        assert stores.products.get("egg") == product
        [listed] = stores.products.list(ProductQuery()).items
        assert listed == product.to_listed()
        changed = stores.products.update("egg", partial(evolve, name="Egg", version=2))
        assert changed.categories == product.categories
        [match] = stores.products.list(ProductQuery(search="egg")).items
        assert match.categories == product.categories
        with stores.products.begin_import() as session:
            stored = StoredProduct(evolve(changed, categories=()), frozenset(slugs))
            assert session.get_products([changed.id]) == {changed.id: stored}
            session.write_products([], [(changed, evolve(changed, name="New", version=3))], NOON)
            session.commit()
        assert stores.products.get("egg").categories == product.categories

    def test_a_product_with_an_unknown_category_is_refused(self, stores: CategoryStores) -> None:
        stores.create_categories("a")
        with pytest.raises(ValidationError) as exc_info:
            stores.create_products(egg="no-such a nor-this")
        assert [error.field for error in exc_info.value.errors] == ["categories"] * 2
        assert "no-such" in exc_info.value.errors[0].message
        with pytest.raises(NotFoundError):
            stores.products.get("egg")
        assert stores.product_counts() == {"a": 0}

    def test_an_unknown_category_is_reported_before_a_conflict(
        self, stores: CategoryStores
    ) -> None:
        stores.products.create(make_draft("egg", sku="S"), NOON)
        for taken in ({"slug": "egg"}, {"sku": "S"}):
            with pytest.raises(ValidationError):
                stores.products.create(make_draft("x", categories=("no-such",), **taken), NOON)

    def test_a_category_lists_products_of_its_descendants_once(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "a/d", "x")
        stores.create_products(deep="c", twice="b c d", top="a", other="x", none="")
        assert stores.product_slugs_in("a") == ["deep", "top", "twice"]
        assert stores.product_slugs_in("b") == ["deep", "twice"]
        assert stores.product_slugs_in("c", search="deep") == ["deep"]
        assert stores.product_slugs_in("no-such") == []
        first = stores.products.list(ProductQuery(category="a", limit=2))
        assert first.next_query is not None
        assert [product.slug for product in stores.products.list(first.next_query).items] == [
            "twice"
        ]
        stores.categories.update("b", move_below("x"))
        assert stores.product_slugs_in("a") == ["top", "twice"]
        assert stores.product_slugs_in("x") == ["deep", "other", "twice"]

    def test_product_counts_are_of_public_products_in_visible_categories(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "a/d", "x")
        stores.create_products(deep="c", twice="b c d", top="a", other="x")
        assert stores.product_counts() == {"a": 3, "b": 2, "c": 2, "d": 1, "x": 1}
        stores.products.update("deep", partial(evolve, is_active=False))
        assert stores.product_counts() == {"a": 2, "b": 1, "c": 1, "d": 1, "x": 1}
        stores.products.update("other", partial(evolve, is_listed=False))
        assert stores.product_counts()["x"] == 0
        stores.products.update("other", partial(evolve, is_listed=True))
        stores.categories.update("d", ARCHIVE)
        stores.categories.unlink("twice", "b")
        stores.categories.update("c", ARCHIVE)
        assert stores.product_counts() == {"a": 1, "b": 0, "c": 1, "d": 1, "x": 1}
        stores.products.delete("top", lambda _: None)
        assert stores.product_counts() == {"a": 0, "b": 0, "c": 1, "d": 1, "x": 1}

    def test_pages_sort_names_naturally_and_repeat_no_category(
        self, stores: CategoryStores
    ) -> None:
        for name in ("banana", "Éclair", "Zebra", "apple", "eclair", "Ähre", "apple"):
            stores.categories.create(CategoryDraft(name=name), NOON)
        expected = ["ahre", "apple", "apple-2", "banana", "eclair", "eclair-2", "zebra"]
        for limit in (1, 2, 3, 7, 100):
            assert stores.list_slugs(CategoryQuery(limit=limit)) == expected
        page = stores.categories.list(CategoryQuery(limit=2, offset=3))
        assert [category.slug for category in page.items] == ["banana", "eclair"]
        assert page.next_query is not None
        assert stores.list_slugs(page.next_query) == ["eclair-2", "zebra"]
        beyond = stores.categories.list(CategoryQuery(offset=100))
        assert (beyond.items, beyond.total, beyond.next_query) == ((), 7, None)

    def test_a_list_can_be_of_roots_or_children(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "a/b", "a/b/c", "a/d", "x")
        for parent, expected in (
            (None, ["a", "b", "c", "d", "x"]),
            (NO_PARENT, ["a", "x"]),
            ("a", ["b", "d"]),
            ("c", []),
            ("no-such", []),
        ):
            query = CategoryQuery(parent=parent, limit=1)
            assert stores.list_slugs(query) == expected, parent
            assert stores.categories.list(query).total == len(expected)

    def test_create_many_is_atomic(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "a/b")
        names = ("c", "c", "d")
        drafts = [CategoryDraft(name=name, parent="b") for name in names]
        below_new = CategoryDraft(name="e", parent="c-2", is_active=False, description="Text")
        stores.categories.create_many(
            [*drafts, below_new, CategoryDraft(name="f", parent="e")], NOON
        )
        assert stores.path("c") == "a/b/c"
        assert stores.path("f") == "a/b/c-2/e/f"
        assert stores.list_slugs(CategoryQuery()) == ["a", "b", "c", "c-2", "d"]
        category = stores.categories.get("e")
        assert (category.description, category.parent, category.created_at) == ("Text", "c-2", NOON)
        for invalid, error in (
            (CategoryDraft(name="x", parent="no-such"), ValidationError),
            (CategoryDraft(name="x", slug="d"), ConflictError),
        ):
            with pytest.raises(error):
                stores.categories.create_many([CategoryDraft(name="new"), invalid], NOON)
        stores.categories.update("e", RESTORE)
        expected = ["a", "b", "c", "c-2", "d", "e", "f"]
        assert stores.list_slugs(CategoryQuery(status=Status.ALL)) == expected

    def test_two_concurrent_moves_never_make_a_cycle(self, stores: CategoryStores) -> None:
        stores.create_categories("a", "b")
        with ThreadPoolExecutor(2) as threads:
            for _ in range(40):
                stores.categories.update("a", move_below(None))
                stores.categories.update("b", move_below(None))
                barrier = threading.Barrier(2)

                def move(pair: str, barrier: threading.Barrier = barrier) -> bool:
                    barrier.wait()
                    return not _is_refused(
                        lambda: stores.categories.update(pair[0], move_below(pair[1]))
                    )

                assert sum(threads.map(move, ("ab", "ba"))) == 1
        assert {stores.path("a"), stores.path("b")} in ({"a", "a/b"}, {"b", "b/a"})

    def test_three_concurrent_moves_never_make_a_cycle(self, stores: CategoryStores) -> None:
        stores.create_categories(*"abcdef")
        pairs = ("ab", "bc", "ca", "de", "ef", "fd")
        with ThreadPoolExecutor(6) as threads:
            for _ in range(15):
                for slug in "abcdef":
                    stores.categories.update(slug, move_below(None))

                def move(pair: str) -> bool:
                    return not _is_refused(
                        lambda: stores.categories.update(pair[0], move_below(pair[1]))
                    )

                results = list(threads.map(move, pairs))
                assert (sum(results[:3]), sum(results[3:])) == (2, 2)
                assert sorted(len(stores.path(slug)) for slug in "abcdef") == [1, 1, 3, 3, 5, 5]

    def test_a_child_created_while_its_parent_moves_has_the_right_path(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("top", "a", "a/b")
        with ThreadPoolExecutor(2) as threads:
            for number in range(15):
                parent = "top" if number % 2 else None
                move = threads.submit(stores.categories.update, "a", move_below(parent))
                stores.create_categories(f"b/s{number}")
                move.result()
        for number in range(15):
            assert stores.path(f"s{number}") == f"{stores.path('b')}/s{number}"

    def test_create_many_reports_a_slug_of_an_archived_category(
        self, stores: CategoryStores
    ) -> None:
        archived = CategoryDraft(name="A", is_active=False)
        with pytest.raises(ConflictError, match="archived"):
            stores.categories.create_many([archived, CategoryDraft(name="B", slug="a")], NOON)
        assert stores.list_slugs(CategoryQuery(status=Status.ALL)) == []

    def test_concurrent_creates_with_one_name_get_distinct_slugs(
        self, stores: CategoryStores
    ) -> None:
        with ThreadPoolExecutor(8) as threads:
            categories = list(
                threads.map(
                    lambda _: stores.categories.create(CategoryDraft(name="Bars"), NOON), range(24)
                )
            )
        assert len({category.slug for category in categories}) == 24

    def test_links_concurrent_with_deletes_leave_no_orphans(self, stores: CategoryStores) -> None:
        stores.create_products(egg="")
        with ThreadPoolExecutor(3) as threads:
            for number in range(20):
                slug = f"s{number}"
                stores.create_categories(slug)
                deletion = threads.submit(stores.categories.delete, slug)
                links = [
                    threads.submit(_is_refused, partial(stores.categories.link, "egg", slug))
                    for _ in range(2)
                ]
                deletion.result()
                assert {link.result() for link in links} <= {True, False}
        assert stores.products.get("egg").categories == ()

    def test_a_product_created_while_its_category_is_deleted_has_no_orphan_link(
        self, stores: CategoryStores
    ) -> None:
        with ThreadPoolExecutor(2) as threads:
            for number in range(15):
                slug = f"s{number}"
                stores.create_categories(slug)
                deletion = threads.submit(stores.categories.delete, slug)
                _is_refused(partial(stores.create_products, egg=slug))
                deletion.result()
        for product in stores.products.list(ProductQuery(limit=100)).items:
            assert product.categories == ()

    def test_an_import_creates_categories_and_links_products(self, stores: CategoryStores) -> None:
        stores.create_categories("food", "food/bars", "z", "old")
        stores.categories.update("old", ARCHIVE)
        stores.create_products(egg="bars old", ham="food", tea="")
        with stores.products.begin_import() as session:
            drafts = [
                (draft.slug, draft.parent, draft.is_active) for draft in session.list_categories()
            ]
            assert drafts == [
                ("food", None, True),
                ("bars", "food", True),
                ("old", None, False),
                ("z", None, True),
            ]
            ids = [stores.products.get(slug).id for slug in ("egg", "ham", "tea")]
            stored = session.get_products([*ids, -1])
            assert [stored[product_id].categories for product_id in ids] == [
                {"bars", "old"},
                {"food"},
                set(),
            ]
            new_drafts = [
                CategoryDraft(name="New", slug="new", parent="bars", description="Text"),
                CategoryDraft(name="Newer", slug="newer", parent="new", is_active=False),
            ]
            session.create_categories(new_drafts, NOON)
            session.write_products([make_draft(slug="pie")], [], NOON)
            session.set_categories({"egg": ["new", "bars", "z"], "pie": ["new", "old"], "ham": []})
            session.commit()
        assert stores.path("newer") == "food/bars/new/newer"
        assert stores.categories.get("new").description == "Text"
        assert not stores.categories.get("newer").is_visible
        links = {
            product.slug: [category.slug for category in product.categories]
            for product in stores.products.list(ProductQuery()).items
        }
        assert links == {"egg": ["bars", "new", "z"], "ham": [], "pie": ["new"], "tea": []}
        assert stores.products.get("egg").version == 1
        assert stores.list_slugs(CategoryQuery(parent="bars")) == ["new"]
        assert stores.product_slugs_in("old") == []
        stores.categories.update("old", RESTORE)
        assert stores.product_slugs_in("old") == ["pie"]

    def test_an_imported_product_is_searchable_by_its_new_category(
        self, stores: CategoryStores
    ) -> None:
        stores.create_products(egg="")
        with stores.products.begin_import() as session:
            session.create_categories([CategoryDraft(name="Breakfast", slug="early")], NOON)
            draft = make_draft("Ham", slug="ham", categories=("early",))
            session.write_products([draft], [], NOON)
            session.set_categories({"egg": ["early"], "ham": ["early"]})
            session.commit()
        items = stores.products.list(ProductQuery(search="breakfast")).items
        assert {product.slug for product in items} == {"egg", "ham"}
        with stores.products.begin_import() as session:
            session.set_categories({"egg": [], "ham": ["early"]})
            session.commit()
        items = stores.products.list(ProductQuery(search="breakfast")).items
        assert {product.slug for product in items} == {"ham"}

    def test_an_uncommitted_import_leaves_the_categories_unchanged(
        self, stores: CategoryStores
    ) -> None:
        stores.create_categories("food")
        stores.create_products(egg="")
        with stores.products.begin_import() as session:
            session.create_categories([CategoryDraft(name="New", slug="new")], NOON)
            session.set_categories({"egg": ["food", "new"]})
        assert stores.list_slugs(CategoryQuery()) == ["food"]
        assert stores.products.get("egg").categories == ()

    @pytest.mark.parametrize("taken", ["food", "old"])
    def test_an_import_refuses_taken_slugs_and_unknown_categories(
        self, stores: CategoryStores, taken: str
    ) -> None:
        stores.create_categories("food", "old")
        stores.create_products(egg="")
        with stores.products.begin_import() as session, pytest.raises(ConflictError):
            session.create_categories([CategoryDraft(name="x", slug=taken)], NOON)
        with stores.products.begin_import() as session, pytest.raises(ValidationError):
            session.set_categories({"egg": ["food", "no-such"]})
        assert stores.products.get("egg").categories == ()

    def test_an_import_concurrent_with_deletes_leaves_no_orphan_links(
        self, stores: CategoryStores
    ) -> None:
        stores.create_products(egg="")

        def import_link(slug: str) -> None:
            with stores.products.begin_import() as session:
                session.set_categories({"egg": [slug]})
                session.commit()

        with ThreadPoolExecutor(2) as threads:
            for number in range(15):
                slug = f"s{number}"
                stores.create_categories(slug)
                deletion = threads.submit(stores.categories.delete, slug)
                _is_refused(partial(import_link, slug))
                deletion.result()
        assert stores.products.get("egg").categories == ()

    def test_an_export_contains_the_whole_tree_and_all_links(self, stores: CategoryStores) -> None:
        stores.create_categories("food", "food/bars", "old", "old/below")
        stores.categories.update("old", ARCHIVE)
        stores.create_products(egg="below bars", ham="")
        with stores.products.export_products(ALL_PRODUCTS) as export:
            assert [(draft.slug, draft.parent) for draft in export.categories] == [
                ("food", None),
                ("bars", "food"),
                ("old", None),
                ("below", "old"),
            ]
            stores.categories.delete("bars")
            egg, ham = export.products
        assert [category.slug for category in egg.categories] == ["bars", "below"]
        assert ham.categories == ()


def _is_refused(action: Callable[[], object]) -> bool:
    try:
        action()
    except (ConflictError, ValidationError, NotFoundError):
        return True
    return False
