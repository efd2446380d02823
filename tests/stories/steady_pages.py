"""Property of pagination: concurrent writes neither repeat nor skip other rows."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.ports import ProductStore

names = st.sampled_from(["a", "b", "Ä", "B", "c", "egg"])
prices = st.integers(1, 4).map(lambda euros: Decimal(euros).quantize(Decimal("0.01")))
hours = st.integers(0, 3).map(lambda number: NOON + timedelta(hours=number))
rows = st.tuples(names, prices, hours)
queries = st.builds(
    ProductQuery,
    sort=st.sampled_from([sort for sort in Sort if sort is not Sort.RELEVANCE]),
    limit=st.integers(1, 4),
) | st.builds(ProductQuery, search=st.just("steady"), limit=st.integers(1, 4))


def check_steady_pages(make_store: Callable[[], ProductStore], examples: int) -> None:
    """List all pages repeatedly while another thread writes other rows."""

    @settings(max_examples=examples)
    @given(st.lists(rows, min_size=1, max_size=9), st.lists(rows, min_size=1, max_size=6), queries)
    def check(
        steady: list[tuple[str, Decimal, datetime]],
        changing: list[tuple[str, Decimal, datetime]],
        query: ProductQuery,
    ) -> None:
        store = make_store()
        ids = {_create(store, *row).id for row in steady}
        with _write_concurrently(store, changing):
            for _ in range(5):
                listed = [id_ for id_ in _list_ids(store, query) if id_ in ids]
                assert len(listed) == len(set(listed)), "a row was repeated"
                assert set(listed) == ids, "a row was skipped"

    check()


@contextmanager
def _write_concurrently(
    store: ProductStore, changing: list[tuple[str, Decimal, datetime]]
) -> Iterator[None]:
    """Create, reposition and delete products in a thread for the duration of the block."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            for name, price, at in cycle(changing):
                slug = _create(store, name, price, at).slug
                store.update(slug, _reposition(changing[0][0], price + 1))
                if stop.is_set():
                    return
                store.delete(slug, lambda _: None)
        except BaseException as error:
            errors.append(error)
            raise

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()
    assert not errors


def _create(store: ProductStore, name: str, price: Decimal, at: datetime) -> Product:
    return store.create(ProductDraft(name=name, price=price, description="steady"), at)


def _reposition(name: str, price: Decimal) -> Callable[[Product], Product]:
    return lambda product: evolve(product, name=name, price=price, version=product.version + 1)


def _list_ids(store: ProductStore, query: ProductQuery) -> Iterator[int]:
    next_query: ProductQuery | None = query
    while next_query is not None:
        page = store.list(next_query)
        yield from (product.id for product in page.items)
        next_query = page.next_query
