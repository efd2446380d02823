"""JWT signer: HS256 JSON Web Tokens (RFC 7519), valid in every process with the same secrets."""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from hashlib import scrypt
from typing import Any

from attrs import field, frozen

from eggypro_core.access.authentication import TokenSigner, ended_token, invalid_credential

_ALGORITHM = "HS256"
# Our tokens have about 400 characters. The last character of a signature has two unused bits,
# which must be 0.
_is_token = re.compile(
    r"[A-Za-z0-9_-]{1,500}\.[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
).fullmatch
_parse_key_id = re.compile(r"([0-9a-f]{12})\.([0-9a-f]{32})").fullmatch
# `TokenService` checks the times.
_DECODE_OPTIONS: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


@frozen
class JwtTokenSigner:
    """Sign and verify tokens with a secret, which grants full access to its holder.

    Tokens signed with the `previous_secret` are accepted too. Tokens end when the admin key
    changes. The key ID of a token names its secret, and has a proof made with the admin key: a
    token is genuine if its secret or its admin key is known, and valid if both are.
    """

    _secret: str = field(repr=False)
    _admin_key: str = field(repr=False)
    _previous_secret: str | None = field(default=None, repr=False)

    def sign(self, claims: Mapping[str, object]) -> str:
        import jwt  # takes 50 ms: only requests with a token pay for it

        payload = json.dumps({**claims}, separators=(",", ":")).encode()
        secret_id = _secret_id(self._secret)
        key_id = f"{secret_id}.{self._proof(secret_id, payload)}"
        return jwt.PyJWS().encode(payload, self._secret, _ALGORITHM, {"kid": key_id})

    def verify(self, token: str) -> Mapping[str, object]:
        import jwt

        if not _is_token(token):
            raise invalid_credential()
        try:
            secret_id = self._proven_secret_id(token)
            if secret_id and secret_id not in map(_secret_id, self._secrets()):
                raise ended_token()
            claims = self._decode(token)
        except jwt.InvalidTokenError:
            raise invalid_credential() from None
        if not secret_id:
            raise ended_token()
        return claims

    def _secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self._secret, self._previous_secret)))

    def _proven_secret_id(self, token: str) -> str | None:
        """Return the ID of the secret that signed a token; None without a valid proof."""
        from jwt import get_unverified_header
        from jwt.utils import base64url_decode

        key_id = _parse_key_id(str(get_unverified_header(token).get("kid")))
        if key_id is None:
            return None
        secret_id, proof = key_id.groups()
        expected = self._proof(secret_id, base64url_decode(token.split(".")[1]))
        return secret_id if hmac.compare_digest(proof, expected) else None

    def _proof(self, secret_id: str, payload: bytes) -> str:
        """Return the proof that the holder of the admin key issued a token."""
        content = f"{secret_id}.".encode() + payload
        return hmac.digest(_stretched(self._admin_key), content, "sha256")[:16].hex()

    def _decode(self, token: str) -> dict[str, object]:
        """Return the claims of a token that one of the secrets signed."""
        import jwt

        for secret in self._secrets():
            with suppress(jwt.InvalidSignatureError):
                claims: dict[str, object] = jwt.decode(token, secret, [_ALGORITHM], _DECODE_OPTIONS)
                return claims
        raise jwt.InvalidSignatureError


@frozen
class DeferredTokenSigner:
    """Sign and verify with a signer that is created on first use."""

    _create: Callable[[], TokenSigner] = field(repr=False)

    @cached_property
    def _signer(self) -> TokenSigner:
        return self._create()

    def sign(self, claims: Mapping[str, object]) -> str:
        return self._signer.sign(claims)

    def verify(self, token: str) -> Mapping[str, object]:
        return self._signer.verify(token)


def _secret_id(secret: str) -> str:
    return hmac.digest(secret.encode(), b"id", "sha256")[:6].hex()


@lru_cache(4)
def _stretched(admin_key: str) -> bytes:
    """Return a key that is slow to derive: a bearer cannot guess the admin key from a proof."""
    return scrypt(admin_key.encode(), salt=b"eggypro tokens", n=2**14, r=8, p=1, dklen=32)
