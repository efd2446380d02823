import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts import review_store
from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.contracts.product_store import NOON, ProductStoreContract, edited, make_draft
from eggypro_adapters.contracts.variant_store import VariantStoreContract, VariantStores
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import VariantQuery
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.ports import ProductStore
from eggypro_core.services.variants import VariantService
from tests.support.builders import make_shop, product_values, variant_values
from tests.support.lock_waits import wait_until_blocked


class TestPostgresProductStore(ProductStoreContract):
    @pytest.fixture
    def store(self, emptied_database: Database) -> ProductStore:
        return PostgresProductStore(emptied_database)


class TestPostgresVariantStore(VariantStoreContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> VariantStores:
        return VariantStores(
            PostgresProductStore(emptied_database), PostgresVariantStore(emptied_database)
        )


class TestPostgresReviewStore(review_store.ReviewStoreContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> review_store.ReviewStores:
        return review_store.ReviewStores(
            PostgresProductStore(emptied_database), PostgresReviewStore(emptied_database)
        )


@pytest.fixture
def statements(database: Database) -> list[str]:
    """The statements of all transactions in the database, as they come."""
    run = list[str]()

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    return run


@pytest.mark.parametrize(
    ("changes", "count", "columns"),
    [
        ({"price": "9.99"}, 2, {"price"}),
        ({"stock_quantity": 7}, 2, {"stock_quantity"}),
        ({"seo_title": "Eggs"}, 2, {"seo_title"}),
        ({"name": "EGG white protein"}, 2, {"name"}),  # the same words
        ({"details": "<p>Protein</p>"}, 5, {"details"}),  # other words, all of them known
        ({"name": "Egg Yolk"}, 6, {"name", "name_key"}),
        ({"sku": "EGG-2"}, 3, {"sku"}),
        ({"sku": None}, 2, {"sku"}),
        ({"slug": "yolk"}, 5, {"slug"}),
        ({"price": "24.99"}, 1, set()),  # it has that price
    ],
)
def test_an_edit_reads_the_product_and_updates_what_differs(
    database: Database,
    statements: list[str],
    changes: dict[str, object],
    count: int,
    columns: set[str],
) -> None:
    catalog = make_shop(PostgresProductStore(database)).products
    slug = catalog.create(product_values(sku="EGG-1")).slug
    statements.clear()
    catalog.update(slug, changes)
    assert len(statements) == count, statements
    updates = [one.split(" WHERE ")[0] for one in statements if one.startswith("UPDATE products")]
    updated = set(re.findall(r"(\w+)=", " ".join(updates)))
    assert updated == (columns | {"version", "updated_at"} if columns else set())


def test_a_change_of_stock_is_one_statement(database: Database, statements: list[str]) -> None:
    catalog = make_shop(PostgresProductStore(database)).products
    slug = catalog.create(product_values(stock_quantity=5)).slug
    statements.clear()
    assert [catalog.adjust_stock(slug, -2), catalog.set_stock(slug, 7)] == [3, 7]
    assert len(statements) == 2, statements


@pytest.mark.parametrize(
    ("changes", "count"),
    [({"price": "9.99"}, 4), ({"sku": "EGG-2"}, 5), ({"options": {"Size": "2 kg"}}, 10)],
)
def test_an_edit_of_a_variant_asks_for_siblings_and_skus_only_where_these_change(
    database: Database, statements: list[str], changes: dict[str, object], count: int
) -> None:
    store = PostgresProductStore(database)
    shop = make_shop(store, PostgresVariantStore(database))
    slug = shop.products.create(product_values()).slug
    variant = shop.variants.create(slug, variant_values(sku="EGG-1"))
    statements.clear()
    shop.variants.update(slug, variant.id, changes)
    assert len(statements) == count, statements


@pytest.mark.parametrize("delta", [10**30, -(10**30)])
def test_a_stock_beyond_what_postgres_can_count_is_refused(database: Database, delta: int) -> None:
    shop = make_shop(PostgresProductStore(database), PostgresVariantStore(database))
    slug, other = (
        shop.products.create(product_values()).slug,
        shop.products.create(product_values()).slug,
    )
    variant = shop.variants.create(other, variant_values())
    with pytest.raises(ConflictError) as of_product:
        shop.products.update_stock(slug, {"delta": delta})
    with pytest.raises(ConflictError) as of_variant:
        shop.variants.update_stock(other, variant.id, {"delta": delta})
    assert of_product.value.field == of_variant.value.field == "stock_quantity"


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("slug", "UPDATE products SET slug = 'wanted' WHERE slug = 'one'"),
        ("sku", "UPDATE products SET sku = 'wanted' WHERE slug = 'one'"),
        (
            "sku",
            (
                "INSERT INTO variants (product_id, sku, options, combination, price)"
                " SELECT id, 'wanted', '{}', 'a', 1 FROM products WHERE slug = 'one'"
            ),
        ),
    ],
)
def test_a_change_waits_for_another_claim_that_is_not_decided(
    database: Database, field: str, claim: str, *, fails: bool
) -> None:
    store = PostgresProductStore(database)
    for name in ("one", "two"):
        store.create(make_draft(name), NOON)
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text(claim))
            late = threads.submit(store.update, "two", edited(field, "wanted"))
            wait_until_blocked(database, late)
            if fails:
                connection.rollback()
        if fails:
            assert getattr(late.result(), field) == "wanted"
            return
        with pytest.raises(ConflictError) as refused:
            late.result()
    assert refused.value.field == field
    assert getattr(store.get("two"), field) != "wanted"


@pytest.mark.parametrize("slug", ["a\0", "\ud800", "A b"])
def test_a_slug_that_postgres_could_not_even_read_has_no_variants(
    emptied_database: Database, slug: str
) -> None:
    assortment = VariantService(PostgresVariantStore(emptied_database), FakeClock())
    with pytest.raises(NotFoundError):
        assortment.list(VariantQuery(product=slug))


def test_facets_of_very_many_are_told_by_a_sample(database: Database) -> None:
    store = PostgresProductStore(database)
    drafts = [
        make_draft("x", slug=f"x{n}", stock_quantity=n % 4) for n in range(MAX_EXACT_TOTAL + 1)
    ]
    with store.begin_import() as load:
        load.write_products(drafts, [], NOON)
        load.commit()
    with database.long_transaction() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    for query in (ProductQuery(), ProductQuery(search="x")):
        facets = store.get_facets(query, allow_sample=True)
        assert facets.is_sampled
        assert facets.in_stock_count == pytest.approx(MAX_EXACT_TOTAL * 3 / 4, rel=0.1)
        assert (facets.min_price, facets.max_price) == (Decimal("24.99"), Decimal("24.99"))
