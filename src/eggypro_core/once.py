"""What is done once, however often it is asked for: requests with an Idempotency-Key."""

from collections.abc import Mapping
from datetime import timedelta

from attrs import frozen

REMEMBERED = timedelta(hours=24)
"""How long it is remembered what was done."""


@frozen
class Done:
    """What was answered to a request, and the fingerprint of what it brought."""

    fingerprint: str
    body: bytes
    headers: Mapping[str, str]
