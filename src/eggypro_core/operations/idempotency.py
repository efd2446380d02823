"""What is done once, however often it is asked for: requests with an Idempotency-Key."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from attrs import frozen

IDEMPOTENCY_RETENTION = timedelta(hours=24)
"""How long it is remembered what was done."""


@frozen
class StoredResponse:
    """What was answered to a request, and the fingerprint of what it brought."""

    fingerprint: str
    body: bytes
    headers: Mapping[str, str]


ShopT = TypeVar("ShopT")
"""What idempotent work is done with: services over one transaction."""


class IdempotencyStore(Protocol[ShopT]):
    """Does some work once under a name, and remembers what came of it. May raise UnavailableError.

    What is done and the note of it are kept together or not at all.
    """

    def run(
        self, shop: ShopT, key: str, at: datetime, work: Callable[[ShopT], StoredResponse]
    ) -> tuple[StoredResponse, bool]:
        """Return what came of some work, and whether that was remembered, for it was done before.

        `work` is given the shop to do it with. If it raises, nothing is kept, nor remembered.
        Raises ConflictError while another is about the same.
        """
        ...

    def prune(self, at: datetime, limit: int) -> int:
        """Forget some of what was done REMEMBERED before a time or earlier; return how much.

        It is 0 only if nothing is left, or another forgets it just now.
        """
        ...
