"""Tokens that every process with the same secret knows: JSON Web Tokens by HS256 (RFC 7519)."""

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from eggypro_core.access.authentication import invalid_credential

_ALGORITHM = "HS256"
# Ours have 300 characters or so. The last of a signature's has two bits to spare, which are 0.
_is_token = re.compile(
    r"[A-Za-z0-9_-]{1,500}\.[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
).fullmatch
_JUDGED_ELSEWHERE: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


@frozen
class JwtTokenSigner:
    """Signs with a secret. Whoever has that may do anything."""

    _secret: str = field(repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        import jwt  # a twentieth of a second, which only those who show a token wait for

        return jwt.encode({**claims}, self._secret, _ALGORITHM)

    def verify(self, token: str) -> Mapping[str, object]:
        import jwt

        if not _is_token(token):
            raise invalid_credential()
        try:
            claims: dict[str, object] = jwt.decode(
                token, self._secret, [_ALGORITHM], _JUDGED_ELSEWHERE
            )
        except jwt.InvalidTokenError:
            raise invalid_credential() from None
        return claims
