"""JSON Web Tokens: one algorithm, one secret, and every known way around them."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest

from eggypro_adapters.contracts.token_signer import CLAIMS, TokenSignerContract
from eggypro_adapters.jwt_tokens import JwtTokenSigner
from eggypro_core.access.authentication import TokenSigner
from eggypro_core.errors import UnauthenticatedError

SECRET = "the-secret-of-tests-which-signs-tokens-0001"  # noqa: S105  (of no use to anybody)
DEEP = b"[" * 700 + b"]" * 700
HS256 = b'{"alg":"HS256","typ":"JWT"}'
HEADERS = {
    "no algorithm": b'{"typ":"JWT"}',
    "none": b'{"alg":"none"}',
    "None": b'{"alg":"None"}',
    "null": b'{"alg":null}',
    "no text": b'{"alg":["HS256"]}',
    "a number": b'{"alg":1}',
    "lower case": b'{"alg":"hs256"}',
    "another length": b'{"alg":"HS512"}',
    "a public key": b'{"alg":"RS256"}',
    "an unknown extension": b'{"alg":"HS256","crit":["exp"],"exp":1}',
    "a detached payload": b'{"alg":"HS256","b64":false,"crit":["b64"]}',
    "a key without a name": b'{"alg":"HS256","kid":null}',
    "no object": b'["HS256"]',
    "no JSON": b"HS256",
    "no UTF-8": b'{"alg":"\xff"}',
    "nested": b'{"alg":' + DEEP + b"}",
}
PAYLOADS = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "null": b"null",
    "no UTF-8": b'{"sub":"\xff"}',
    "nested": b'{"sub":' + DEEP + b"}",
    "huge": b'{"sub":"' + b"a" * 100_000 + b'"}',
    "a huge number": b'{"exp":' + b"9" * 1400 + b'e99"}',
    "a subject that is no text": b'{"sub":1}',
    "for somebody else": b'{"aud":"another service"}',
}


class TestJoseTokenSigner(TokenSignerContract):
    @pytest.fixture
    def signer(self) -> TokenSigner:
        return JwtTokenSigner(SECRET)

    @pytest.fixture
    def stranger(self) -> TokenSigner:
        return JwtTokenSigner(SECRET[:-1] + "2")


def segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: bytes, payload: bytes, hashed: str = "sha256") -> str:
    """A token whose signature is right, whatever its header says."""
    content = f"{segment(header)}.{segment(payload)}"
    return f"{content}.{segment(hmac.new(SECRET.encode(), content.encode(), hashed).digest())}"


def refuse(token: str) -> None:
    with pytest.raises(UnauthenticatedError) as refused:
        JwtTokenSigner(SECRET).verify(token)
    assert refused.value.is_failure
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_token_is_one_of_rfc_7519_that_others_can_read() -> None:
    token = JwtTokenSigner(SECRET).sign(CLAIMS)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert token == signed(HS256, json.dumps(CLAIMS, separators=(",", ":")).encode())


def test_every_process_with_the_secret_knows_a_token() -> None:
    assert JwtTokenSigner(SECRET).verify(JwtTokenSigner(SECRET).sign(CLAIMS)) == CLAIMS


def test_the_forgeries_below_differ_from_a_token_in_one_thing_each() -> None:
    assert JwtTokenSigner(SECRET).verify(signed(HS256, b"{}")) == {}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_one_algorithm_alone_is_taken_whoever_signed(header: bytes) -> None:
    refuse(signed(header, b"{}"))


@pytest.mark.parametrize("hashed", ["sha384", "sha512", "sha1"])
def test_a_signature_by_another_hash_is_refused(hashed: str) -> None:
    refuse(signed(HS256, b"{}", hashed))
    refuse(signed(HS256.replace(b"256", hashed[3:].encode()), b"{}", hashed))


@pytest.mark.parametrize("signature", ["", "AA", "A" * 43, segment(hashlib.sha256(b"").digest())])
def test_without_a_signature_nothing_is_taken(signature: str) -> None:
    for header in (HS256, b'{"alg":"none"}'):
        refuse(f"{segment(header)}.{segment(b'{}')}.{signature}")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_what_cannot_be_claims_is_refused_even_if_it_is_signed(payload: bytes) -> None:
    refuse(signed(HS256, payload))


def test_a_token_without_a_secret_is_not_one_of_an_empty_secret() -> None:
    content = f"{segment(HS256)}.{segment(b'{}')}"
    signature = hmac.new(b"", content.encode(), "sha256").digest()
    refuse(f"{content}.{segment(signature)}")


def test_the_secret_is_not_in_what_a_signer_shows_of_itself() -> None:
    assert SECRET not in repr(JwtTokenSigner(SECRET))
