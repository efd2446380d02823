"""Searches that found nothing: which of them are counted, and what is kept of them."""

import re
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from eggypro_core.domain.pagination import DEFAULT_LIMIT
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.slug import fold
from eggypro_core.search.text import tokenize
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import integer_param

MAX_ZERO_RESULT_TERMS = 1_000
"""How many are kept at most."""
_MAX_WORDS = 5
# What might tell who searched. Signs and spaces part the digits of telephone numbers, letters those
# of passports and the like; "omega 3 1000 mg" is neither.
_PERSONAL_DATA_PATTERNS = (
    re.compile(r"@|%40|[(\[{<]\s*at\s*[)\]}>]"),
    re.compile(r"\d(?:[^\s\d]*\d){4}"),
    re.compile(r"\d(?:[\W_]*\d){5}"),
)
_DISPLAY_PARAMETERS = {"sort", "limit", "facets", "explain"}
"""Parameters that change nothing about how much a search finds."""


@frozen
class ZeroResultSearch:
    """The words of a search that found nothing, how often it did, and when the last time."""

    words: str
    times: int
    last_at: datetime


def zero_result_terms(query: ProductQuery) -> str | None:
    """Return what is kept of a query that found nothing; None if that tells nothing of the shop.

    Filters, or a place behind the front, may be what leaves nothing.
    """
    if query.search is None or query.params().keys() - _DISPLAY_PARAMETERS != {"search"}:
        return None
    return _normalise_terms(query.search)


def parse_limit(params: Mapping[str, object]) -> int:
    """Check parameters of which there may be one, `limit`, and return how many are wanted.

    Raises ValidationError.
    """
    values = fields.check(params, {"limit": integer_param("Limit", 1, MAX_ZERO_RESULT_TERMS)})
    return int(values.get("limit", DEFAULT_LIMIT))


def _normalise_terms(search: str) -> str | None:
    """Return the words of a search, each once, as they are compared; None if none are kept.

    Whatever looks like an e-mail address, a telephone number or another long number is not kept,
    nor is anything longer than what people search products by.
    """
    words, plain = dict.fromkeys(tokenize(search)), fold(search)
    if not 0 < len(words) <= _MAX_WORDS or any(
        each.search(plain) for each in _PERSONAL_DATA_PATTERNS
    ):
        return None
    return " ".join(words)
