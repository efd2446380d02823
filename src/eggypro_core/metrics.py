"""What calls come to: how many there were, how many failed, and how long they took."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from eggypro_core import rules
from eggypro_core.parameters import number

FAILED = 400
"""The status from which on an answer counts as an error, whoever is to blame."""
USUAL_DAYS, KEPT_DAYS = 7, 30
"""The days that are summed up, and those that are kept, where nobody says how many."""
MOST_DAYS, LONGEST_KEPT = 90, 3650
PARAMETERS: Mapping[str, rules.Rule] = {"days": number("Days", 1, MOST_DAYS)}
"""What `read_days` takes."""
_KEPT: Mapping[str, rules.Rule] = {"days": number("Days", 1, LONGEST_KEPT)}


@frozen
class CallSummary:
    """What the calls of a route came to: how many, of these how many errors, their milliseconds.

    A percentile is the shortest time that so many percent of the calls did not exceed.
    """

    endpoint: str
    method: str
    requests: int
    errors: int
    average: float
    p50: float
    p95: float
    p99: float


def slowest(summaries: Iterable[CallSummary]) -> tuple[CallSummary, ...]:
    """Return the slowest first, by what 95 percent of the calls did not exceed."""
    return tuple(sorted(summaries, key=lambda one: -one.p95))


def most_failing(summaries: Iterable[CallSummary]) -> tuple[CallSummary, ...]:
    """Return those that had errors, with the most of them first."""
    failing = (one for one in summaries if one.errors)
    return tuple(sorted(failing, key=lambda one: -one.errors))


def read_days(params: Mapping[str, object]) -> int:
    """Check parameters of which there may be one, `days`; return how many to sum up.

    Raises InvalidError.
    """
    return int(rules.check(params, PARAMETERS).get("days", USUAL_DAYS))


def read_kept_days(params: Mapping[str, object]) -> int:
    """Check parameters of which there may be one, `days`; return how many to keep.

    Raises InvalidError.
    """
    return int(rules.check(params, _KEPT).get("days", KEPT_DAYS))
