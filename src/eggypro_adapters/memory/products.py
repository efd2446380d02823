"""In-memory store of products."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import evolve

from eggypro_adapters.import_stage import open_import_stage
from eggypro_adapters.memory.categories import list_category_drafts
from eggypro_adapters.memory.database import MemoryDatabase, MemoryState, category_names
from eggypro_adapters.memory.import_session import MemoryImportSession, create_product
from eggypro_adapters.memory.keyset import page_of
from eggypro_adapters.memory.search import explain_rank, run_search
from eggypro_core.domain.event import (
    Subject,
    product_changed,
    product_created,
    product_deleted,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import (
    MAX_STOCK,
    ListedProduct,
    Product,
    ProductDraft,
    derived_field_error,
    insufficient_stock,
)
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.domain.product_query import (
    MAX_FACET_CATEGORIES,
    MAX_SUGGESTIONS,
    CategoryCount,
    Facets,
    ProductQuery,
    Sort,
    SortKey,
    Suggestion,
    name_sort_key,
    sort_key,
)
from eggypro_core.domain.stock_change import (
    StockKey,
    StockLevel,
    StockLine,
    changed_levels,
    level_events,
    unknown_lines,
)
from eggypro_core.search.results import ExplainedPage
from eggypro_core.validation.parameters import Status


class MemoryProductStore:
    """Store products in memory."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._database = database or MemoryDatabase()

    def get(self, slug: str, variant_status: Status = Status.ACTIVE) -> Product:
        with self._database.lock:
            state = self._database.state
            return state.with_variants_and_images(state.get(slug), variant_status)

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        with self._database.lock:
            state = self._database.state.copy()
        return page_of(
            query,
            _list_rows(query, state),
            position_of=lambda row: row[0],
            item_of=lambda row: _to_listed(row[1], state),
            max_rows=query.ranked_rows_left if query.sort is Sort.RELEVANCE else None,
        )

    def get_facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:  # noqa: ARG002  (all are counted)
        with self._database.lock:
            state = self._database.state.copy()
        matches = [product for _, product in _list_rows(query, state)]
        prices = [product.price for product in matches]
        return Facets(
            categories=_count_categories(matches, state),
            min_price=min(prices, default=None),
            max_price=max(prices, default=None),
            in_stock_count=sum(product.in_stock for product in matches),
        )

    def explain(self, query: ProductQuery) -> ExplainedPage:
        with self._database.lock:
            page, state = self.list(query), self._database.state.copy()
        result = run_search(state, query.search or "", _make_filter(query, state))
        parsed_query = result.parsed_query
        reasons = [
            explain_rank(state, parsed_query, state.products[item.id]) for item in page.items
        ]
        return ExplainedPage(page, parsed_query, reasons)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        page = self.list(ProductQuery(search=search, sort=Sort.RELEVANCE, limit=MAX_SUGGESTIONS))
        return tuple(map(Suggestion.from_product, page.items))

    def create(self, draft: ProductDraft, at: datetime) -> Product:
        with self._database.lock:
            state = self._database.state
            product = create_product(state, draft, next(self._database.ids), at)
            self._database.record([product_created(product)])
            return state.with_variants_and_images(product)

    def update(self, slug: str, change: Callable[[Product], Product]) -> Product:
        with self._database.lock:
            product = self.get(slug)
            changed = change(product)
            self._database.state.save(changed)
            self._database.record(product_changed(product, changed))
            return self.get(changed.slug)

    def adjust_stock(self, slug: str, delta: int) -> int:
        with self._database.lock:
            product = self._database.state.get(slug)
            stock = product.stock_quantity + delta
            if delta and product.has_variants:
                raise derived_field_error("stock_quantity")
            if not 0 <= stock <= MAX_STOCK:
                raise insufficient_stock(product.stock_quantity, delta)
            return self.set_stock(slug, stock)

    def set_stock(self, slug: str, quantity: int) -> int:
        with self._database.lock:
            product = self._database.state.get(slug)
            if product.has_variants and quantity != product.stock_quantity:
                raise derived_field_error("stock_quantity")
            changed = evolve(product, stock_quantity=quantity)
            self._database.state.save(changed)
            self._database.record(product_changed(product, changed))
            return quantity

    def change_stock(self, lines: Sequence[StockLine]) -> tuple[StockLevel, ...]:
        with self._database.lock:
            state = self._database.state
            found = [_find_level(state, line) for line in lines]
            unknown = [(i, line) for i, line in enumerate(lines) if found[i] is None]
            if unknown:
                raise unknown_lines(unknown)
            pairs = changed_levels(lines, [level for level in found if level is not None])
            for before, after in pairs:
                if before != after:
                    self._store_level(before, after)
            self._database.record(level_events(pairs))
            return tuple(after for _, after in pairs)

    def _store_level(self, before: StockLevel, after: StockLevel) -> None:
        state = self._database.state
        product = state.products[before.product_id]
        if before.variant_id is None:
            state.save(evolve(product, stock_quantity=after.stock_quantity))
        else:
            variants = [
                evolve(variant, stock_quantity=after.stock_quantity)
                if variant.id == before.variant_id
                else variant
                for variant in state.variants_of(product)
            ]
            state.save_variants(product, variants)

    def delete(self, slug: str, check: Callable[[Product], None]) -> None:
        with self._database.lock:
            product = self._database.state.get(slug)
            check(product)
            self._database.state.delete(product)
            self._database.record([product_deleted(Subject.of_product(product))])

    @contextmanager
    def export_products(self, query: ProductQuery) -> Iterator[CatalogSnapshot]:
        with self._database.lock:
            state = self._database.state.copy()
        matches = [product for _, product in _list_rows(evolve(query, sort=Sort.NAME), state)]
        matches.sort(key=lambda product: product.id)
        yield CatalogSnapshot(
            list_category_drafts(state), (_export_product(product, state) for product in matches)
        )

    @contextmanager
    def begin_import(self) -> Iterator[MemoryImportSession]:
        with self._database.lock, open_import_stage() as stage:
            session = MemoryImportSession(self._database, stage)
            yield session
            session.store()


def _find_level(state: MemoryState, line: StockLine) -> StockLevel | None:
    """Return the level of the product or variant that a line names."""
    for product in state.products.values():
        subject = Subject.of_product(product)
        if _names_product(line, product, state):
            return StockLevel.of_product(
                subject,
                product.version,
                product.stock_quantity,
                has_variants=product.has_variants,
            )
        for variant in state.variants_of(product):
            key = variant.sku if line.kind is StockKey.SKU else variant.id
            if line.kind is not StockKey.PRODUCT and key == line.key:
                return StockLevel.of_variant(
                    subject, product.version, variant.id, variant.options, variant.stock_quantity
                )
    return None


def _names_product(line: StockLine, product: Product, state: MemoryState) -> bool:
    if line.kind is StockKey.PRODUCT:
        return line.key == product.slug or state.aliases.get(str(line.key)) == product.id
    return line.kind is StockKey.SKU and line.key == product.sku


def _export_product(product: Product, state: MemoryState) -> Product:
    """Return a product with all its variants and categories."""
    categories = category_names(state.categories_of(product.id))
    return evolve(
        product,
        variants=state.variants_of(product),
        categories=categories,
        stored_images=state.stored_images_of(product),
    )


def _list_rows(
    query: ProductQuery, state: MemoryState
) -> list[tuple[tuple[SortKey, int], Product]]:
    """Return the products that match a query, each with its sort key and id."""
    matches = _make_filter(query, state)
    if query.search is None:
        products = filter(matches, state.products.values())
        relevance = dict.fromkeys((product.id for product in products), 0)
    else:
        relevance = dict(run_search(state, query.search, matches).relevance)
    rows = [(state.products[id_], score) for id_, score in relevance.items()]
    return [(_sort_position(query, product, score), product) for product, score in rows]


def _make_filter(query: ProductQuery, state: MemoryState) -> Callable[[Product], bool]:
    """Return the predicate of a query's filters; its search is not included."""
    ids = None if query.category is None else _product_ids_in(query.category, state)
    return lambda product: _matches(query, product) and (ids is None or product.id in ids)


def _count_categories(
    products: Collection[Product], state: MemoryState
) -> tuple[CategoryCount, ...]:
    """Count the products per visible category and its ancestors, highest count first."""
    ids = {product.id for product in products}
    product_ids: dict[int, set[int]] = defaultdict(set)
    for product, category in state.links:
        node = state.categories[category]
        if product in ids and state.is_visible(node):
            for ancestor in state.path_to(node):
                product_ids[ancestor.id].add(product)
    counts = [(state.categories[category], len(ids)) for category, ids in product_ids.items()]
    counts.sort(key=lambda pair: (-pair[1], name_sort_key(pair[0].name), pair[0].slug))
    return tuple(
        CategoryCount(node.slug, node.name, count) for node, count in counts[:MAX_FACET_CATEGORIES]
    )


def _matches(query: ProductQuery, product: Product) -> bool:
    return (
        query.includes(is_active=product.is_active, is_listed=product.is_listed)
        and (query.in_stock is None or product.in_stock == query.in_stock)
        and (query.min_price is None or product.price >= query.min_price)
        and (query.max_price is None or product.price <= query.max_price)
    )


def _product_ids_in(category: str, state: MemoryState) -> set[int]:
    """Return the ids of the products in a visible category and its visible descendants."""
    roots = [node for node in state.categories.values() if node.slug == category]
    nodes = [node for root in roots for node in state.subtree(root) if state.is_visible(node)]
    visible = {node.id for node in nodes}
    return {product for product, category in state.links if category in visible}


def _to_listed(product: Product, state: MemoryState) -> ListedProduct:
    return evolve(product.to_listed(), categories=state.visible_category_names(product.id))


def _sort_position(query: ProductQuery, product: Product, relevance: int) -> tuple[SortKey, int]:
    if query.sort is Sort.RELEVANCE:
        return relevance, product.id
    return sort_key(query.sort, product), product.id
