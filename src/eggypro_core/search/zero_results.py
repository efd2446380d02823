"""Zero-result searches: which of them are recorded, without personal data."""

import re
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from eggypro_core.domain.pagination import DEFAULT_LIMIT
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.slug import fold
from eggypro_core.search.text import tokenize
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import Status, integer_param

MAX_ZERO_RESULT_TERMS = 1_000
"""The maximum number of recorded searches."""
_MAX_WORDS = 5
# E-mail addresses, the digits of document numbers (with letters between them) and of telephone
# numbers (with signs and spaces between them); "omega 3 1000 mg" matches none of them.
_PERSONAL_DATA_PATTERNS = (
    re.compile(r"@|%40|[(\[{<]\s*at\s*[)\]}>]"),
    re.compile(r"\d(?:[^\s\d]*\d){4}"),
    re.compile(r"\d(?:[\W_]*\d){5}"),
)
_DISPLAY_PARAMETERS = {"sort", "limit", "facets", "explain"}
"""The query parameters that do not change which products match."""


@frozen
class ZeroResultSearch:
    """The words of a zero-result search, how often it occurred, and when it last did."""

    words: str
    times: int
    last_at: datetime


def zero_result_terms(query: ProductQuery) -> str | None:
    """Return the words to record for a zero-result search; None if it must not be recorded.

    A query with filters, or for a later page, is not recorded, because these may be the reason
    that nothing matched.
    """
    parameters = query.params().keys() - _DISPLAY_PARAMETERS
    if query.status is Status.ACTIVE:  # as customers search, apart from unlisted products
        parameters -= {"status"}
    if query.search is None or parameters != {"search"}:
        return None
    return _normalise_terms(query.search)


def parse_limit(params: Mapping[str, object]) -> int:
    """Return the optional parameter `limit`. Raises ValidationError."""
    values = fields.check(params, {"limit": integer_param("Limit", 1, MAX_ZERO_RESULT_TERMS)})
    return int(values.get("limit", DEFAULT_LIMIT))


def _normalise_terms(search: str) -> str | None:
    """Return the distinct folded words of a search; None if it must not be recorded.

    Anything that looks like an e-mail address, a telephone number or another long number is not
    recorded, nor is a search of more than _MAX_WORDS words.
    """
    words, folded = dict.fromkeys(tokenize(search)), fold(search)
    is_personal = any(pattern.search(folded) for pattern in _PERSONAL_DATA_PATTERNS)
    if is_personal or not 0 < len(words) <= _MAX_WORDS:
        return None
    return " ".join(words)
