"""JWT signer: HS256 JSON Web Tokens (RFC 7519), valid in every process with the same secret."""

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from eggypro_core.access.authentication import invalid_credential

_ALGORITHM = "HS256"
# Our tokens have about 300 characters. The last character of a signature has two unused bits,
# which must be 0.
_is_token = re.compile(
    r"[A-Za-z0-9_-]{1,500}\.[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
).fullmatch
# `Tokens` checks the times.
_DECODE_OPTIONS: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


@frozen
class JwtTokenSigner:
    """Sign and verify tokens with a secret, which grants full access to its holder."""

    _secret: str = field(repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        import jwt  # takes 50 ms: only requests with a token pay for it

        return jwt.encode({**claims}, self._secret, _ALGORITHM)

    def verify(self, token: str) -> Mapping[str, object]:
        import jwt

        if not _is_token(token):
            raise invalid_credential()
        try:
            claims: dict[str, object] = jwt.decode(
                token, self._secret, [_ALGORITHM], _DECODE_OPTIONS
            )
        except jwt.InvalidTokenError:
            raise invalid_credential() from None
        return claims
