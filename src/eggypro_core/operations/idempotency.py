"""Idempotency keys: the stored response of a repeated request."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from attrs import frozen

IDEMPOTENCY_RETENTION = timedelta(hours=24)
"""The time for which a response is stored."""


@frozen
class StoredResponse:
    """The response to a request, and the fingerprint of the request body."""

    fingerprint: str
    body: bytes
    headers: Mapping[str, str]


ShopT = TypeVar("ShopT")
"""The services that idempotent work uses, in one transaction."""


class IdempotencyStore(Protocol[ShopT]):
    """Run work once per key and store its response. Any method may raise UnavailableError.

    Atomic: the writes of the work and the response are committed together or not at all.
    """

    def run(
        self, shop: ShopT, key: str, at: datetime, work: Callable[[ShopT], StoredResponse]
    ) -> tuple[StoredResponse, bool]:
        """Return the response of `work`, and whether it is a replay of the stored one.

        `work` receives the services of the transaction. If it raises, nothing is stored. Raises
        ConflictError while another request with this key is in progress.
        """
        ...

    def prune(self, at: datetime, limit: int) -> int:
        """Delete at most `limit` responses of IDEMPOTENCY_RETENTION before `at` or earlier.

        Returns their number: 0 only if none is left, or another process is deleting the rest.
        """
        ...
