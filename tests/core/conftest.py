"""Fixtures: a product service on a memory store, and its fake clock."""

import pytest
from hypothesis import settings

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.services.products import ProductService

settings.register_profile("no-deadline", deadline=None)  # a busy machine must not fail a test
settings.load_profile("no-deadline")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def products(clock: FakeClock) -> ProductService:
    return ProductService(MemoryProductStore(), NhHtmlCleaner(), clock)
