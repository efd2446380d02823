import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts import review_store
from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.contracts.import_matching import ImportMatchingContract
from eggypro_adapters.contracts.product_store import ProductStoreContract, make_draft, set_field
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

_IGNORE_WRITES = """
    CREATE FUNCTION ignore_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER ignored BEFORE INSERT OR UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION ignore_write()
"""
"""Makes a write to products change no row, as if another writer were always faster."""


class TestPostgresProductStore(ProductStoreContract, ImportMatchingContract):
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
    """The statements of all transactions in the database, in order."""
    statements = list[str]()

    @sa.event.listens_for(database.engine, "before_cursor_execute")
    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    return statements


@pytest.mark.parametrize(
    ("changes", "count", "columns"),
    [
        ({"price": "9.99"}, 2, {"price"}),
        ({"stock_quantity": 7}, 2, {"stock_quantity"}),
        ({"seo_title": "Eggs"}, 2, {"seo_title"}),
        ({"name": "EGG white protein"}, 2, {"name"}),  # the same words
        ({"details": "<p>Protein</p>"}, 5, {"details"}),  # other words, all in the vocabulary
        ({"name": "Egg Yolk"}, 6, {"name", "name_key"}),
        ({"sku": "EGG-2"}, 3, {"sku"}),
        ({"sku": None}, 2, {"sku"}),
        ({"slug": "yolk"}, 5, {"slug"}),
        ({"price": "24.99"}, 1, set()),  # no change
    ],
)
def test_update_reads_the_product_and_writes_only_changed_columns(
    database: Database,
    statements: list[str],
    changes: dict[str, object],
    count: int,
    columns: set[str],
) -> None:
    products = make_shop(PostgresProductStore(database)).products
    slug = products.create(product_values(sku="EGG-1")).slug
    statements.clear()
    products.update(slug, changes)
    assert len(statements) == count, statements
    updates = [
        statement.split(" WHERE ")[0]
        for statement in statements
        if statement.startswith("UPDATE products")
    ]
    names = set(re.findall(r"(\w+)=", " ".join(updates)))
    assert names == (columns | {"version", "updated_at"} if columns else set())


def test_stock_change_is_one_statement(database: Database, statements: list[str]) -> None:
    products = make_shop(PostgresProductStore(database)).products
    slug = products.create(product_values(stock_quantity=5)).slug
    statements.clear()
    assert [products.adjust_stock(slug, -2), products.set_stock(slug, 7)] == [3, 7]
    assert len(statements) == 2, statements


@pytest.mark.parametrize(
    ("changes", "count"),
    [({"price": "9.99"}, 4), ({"sku": "EGG-2"}, 5), ({"options": {"Size": "2 kg"}}, 10)],
)
def test_variant_update_checks_options_and_sku_only_if_they_change(
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
def test_stock_beyond_the_integer_range_is_a_conflict(database: Database, delta: int) -> None:
    shop = make_shop(PostgresProductStore(database), PostgresVariantStore(database))
    slug, other = (
        shop.products.create(product_values()).slug,
        shop.products.create(product_values()).slug,
    )
    variant = shop.variants.create(other, variant_values())
    with pytest.raises(ConflictError) as product_error:
        shop.products.update_stock(slug, {"delta": delta})
    with pytest.raises(ConflictError) as variant_error:
        shop.variants.update_stock(other, variant.id, {"delta": delta})
    assert product_error.value.field == variant_error.value.field == "stock_quantity"


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("slug", "UPDATE products SET slug = 'claimed' WHERE slug = 'one'"),
        ("sku", "UPDATE products SET sku = 'claimed' WHERE slug = 'one'"),
        (
            "sku",
            (
                "INSERT INTO variants (product_id, sku, options, combination, price)"
                " SELECT id, 'claimed', '{}', 'a', 1 FROM products WHERE slug = 'one'"
            ),
        ),
    ],
)
def test_update_waits_for_concurrent_claim_of_slug_or_sku(
    database: Database, field: str, claim: str, *, fails: bool
) -> None:
    store = PostgresProductStore(database)
    for name in ("one", "two"):
        store.create(make_draft(name), NOON)
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text(claim))
            update = threads.submit(store.update, "two", set_field(field, "claimed"))
            wait_until_blocked(database, update)
            if fails:
                connection.rollback()
        if fails:
            assert getattr(update.result(), field) == "claimed"
            return
        with pytest.raises(ConflictError) as raised:
            update.result()
    assert raised.value.field == field
    assert getattr(store.get("two"), field) != "claimed"


def test_write_that_other_writers_always_precede_is_a_conflict(database: Database) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(), NOON).slug
    with database.short_transaction() as connection:
        connection.execute(sa.text(_IGNORE_WRITES))
    with pytest.raises(ConflictError, match="Try again"):
        store.create(make_draft(), NOON)
    with pytest.raises(ConflictError, match="Try again"):
        store.set_stock(slug, 7)


@pytest.mark.parametrize("slug", ["a\0", "\ud800", "A b"])
def test_variants_of_invalid_slug_are_not_found(emptied_database: Database, slug: str) -> None:
    service = VariantService(PostgresVariantStore(emptied_database), FakeClock())
    with pytest.raises(NotFoundError):
        service.list(VariantQuery(product=slug))


def test_facets_of_many_matches_are_sampled(database: Database) -> None:
    store = PostgresProductStore(database)
    drafts = [
        make_draft("x", slug=f"x{n}", stock_quantity=n % 4) for n in range(MAX_EXACT_TOTAL + 1)
    ]
    with store.begin_import() as session:
        session.write_products(drafts, [], NOON)
        session.commit()
    with database.long_transaction() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    for query in (ProductQuery(), ProductQuery(search="x")):
        facets = store.get_facets(query, allow_sample=True)
        assert facets.is_sampled
        assert facets.in_stock_count == pytest.approx(MAX_EXACT_TOTAL * 3 / 4, rel=0.1)
        assert (facets.min_price, facets.max_price) == (Decimal("24.99"), Decimal("24.99"))
