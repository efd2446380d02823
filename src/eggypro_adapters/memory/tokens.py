"""In-memory token signer: a token is a random key of its claims."""

import json
from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any

from attrs import field, frozen

from eggypro_core.access.authentication import invalid_credential


@frozen
class MemoryTokenSigner:
    """Store the claims of each issued token in memory."""

    _claims: dict[str, str] = field(factory=dict, init=False, repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        token = token_urlsafe(32)
        self._claims[token] = json.dumps(claims)
        return token

    def verify(self, token: str) -> Mapping[str, object]:
        if token not in self._claims:
            raise invalid_credential()
        claims: dict[str, Any] = json.loads(self._claims[token])
        return claims
