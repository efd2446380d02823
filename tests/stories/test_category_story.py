"""Tests of the story: equal shops agree, and a faulty one is detected."""

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import Phase, settings

from eggypro_adapters.contracts.category_store import CategoryStores
from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.domain.category import Category
from tests.stories.category_story import play_category_stories
from tests.stories.product_story import STORY

QUICK = settings(STORY, phases=[Phase.generate], database=None, derandomize=True, max_examples=200)


class NonMovingStore(MemoryCategoryStore):
    """Never moves a category."""

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        return super().update(slug, lambda old: evolve(change(old), parent=old.parent))


class NonUnlinkingStore(MemoryCategoryStore):
    """Never removes a link."""

    def unlink(self, product: str, category: str) -> None:
        """Do nothing."""


class NonCountingStore(MemoryCategoryStore):
    """Returns product counts of zero."""

    def get(self, slug: str) -> Category:
        return evolve(super().get(slug), product_count=0)

    def update(self, slug: str, change: Callable[[Category], Category]) -> Category:
        return evolve(super().update(slug, change), product_count=0)


def make_stores(
    kind: Callable[[MemoryDatabase], MemoryCategoryStore] = MemoryCategoryStore,
) -> CategoryStores:
    database = MemoryDatabase()
    return CategoryStores(kind(database), MemoryProductStore(database))


def test_equal_shops_agree() -> None:
    play_category_stories(make_stores, make_stores)


@pytest.mark.parametrize("kind", [NonMovingStore, NonUnlinkingStore, NonCountingStore])
def test_a_faulty_shop_is_detected(
    kind: Callable[[MemoryDatabase], MemoryCategoryStore],
) -> None:
    with pytest.raises(AssertionError):
        play_category_stories(make_stores, lambda: make_stores(kind), QUICK)
