"""What following `next` promises while others write: no row comes twice, and none is skipped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from eggypro_core.domain.product import Product, ProductDraft
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.ports import ProductStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
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
    """Follow lists to their end, over and over, while another thread writes other rows."""

    @settings(max_examples=examples)
    @given(st.lists(rows, min_size=1, max_size=9), st.lists(rows, min_size=1, max_size=6), queries)
    def holds(
        steady: list[tuple[str, Decimal, datetime]],
        restless: list[tuple[str, Decimal, datetime]],
        query: ProductQuery,
    ) -> None:
        store = make_store()
        ids = {_add(store, *row).id for row in steady}
        with _write_concurrently(store, restless):
            for _ in range(5):
                seen = [id_ for id_ in _followed(store, query) if id_ in ids]
                assert len(seen) == len(set(seen)), "a row was shown twice"
                assert set(seen) == ids, "a row was skipped"

    holds()


@contextmanager
def _write_concurrently(
    store: ProductStore, restless: list[tuple[str, Decimal, datetime]]
) -> Iterator[None]:
    """Have a thread add products, move them through every order, and remove them again."""
    done = threading.Event()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for name, price, at in cycle(restless):
                slug = _add(store, name, price, at).slug
                store.update(slug, _reposition(restless[0][0], price + 1))
                if done.is_set():
                    return
                store.delete(slug, lambda _: None)
        except BaseException as error:
            failed.append(error)
            raise

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()
    assert not failed


def _add(store: ProductStore, name: str, price: Decimal, at: datetime) -> Product:
    return store.create(ProductDraft(name=name, price=price, description="steady"), at)


def _reposition(name: str, price: Decimal) -> Callable[[Product], Product]:
    return lambda product: evolve(product, name=name, price=price, version=product.version + 1)


def _followed(store: ProductStore, query: ProductQuery) -> Iterator[int]:
    following: ProductQuery | None = query
    while following is not None:
        page = store.list(following)
        yield from (product.id for product in page.items)
        following = page.next_query
