"""A catalogue in memory, and the clock that it tells the time by."""

import pytest
from hypothesis import settings

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.services.products import ProductService

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault of the core
settings.load_profile("unhurried")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def products(clock: FakeClock) -> ProductService:
    return ProductService(MemoryProductStore(), NhHtmlCleaner(), clock)
