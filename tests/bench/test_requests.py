from collections.abc import Callable
from itertools import pairwise

import pytest

from bench.__main__ import FULL
from bench.memory import distinct_paths
from bench.writes import Change, name_changes, price_changes
from eggypro_core import ProductQuery

SLUGS = ["egg", "ham"]


@pytest.mark.parametrize("changes", [price_changes, name_changes])
def test_every_write_changes_something(
    changes: Callable[[list[str], str], list[Change]],
) -> None:
    # Made again and again, in turns of two candidates.
    sequence = changes(SLUGS, "EggyPro") * 2 + changes(SLUGS, "raw") * 2
    for slug in SLUGS:
        values = [change.value for change in sequence if change.slug == slug]
        assert len(values) == 20
        assert [pair for pair in pairwise(values) if pair[0] == pair[1]] == []


@pytest.mark.parametrize("changes", [price_changes, name_changes])
def test_candidates_write_different_values(
    changes: Callable[[list[str], str], list[Change]],
) -> None:
    assert not set(changes(SLUGS, "EggyPro")) & set(changes(SLUGS, "raw"))


def test_the_requests_of_a_memory_test_are_distinct() -> None:
    paths = list(distinct_paths(SLUGS, 10))
    assert paths == [
        "/api/products/egg",
        "/api/products?min_price=0.01",
        "/api/products/ham",
        "/api/products?min_price=0.02",
        *(f"/api/products?min_price=0.0{number}" for number in (3, 4, 5)),
    ]


def test_the_greatest_price_of_a_memory_test_is_valid() -> None:
    *_, last = distinct_paths([], FULL.distinct_requests)
    ProductQuery.parse({"min_price": last.rpartition("=")[2]})  # raises ValidationError otherwise
