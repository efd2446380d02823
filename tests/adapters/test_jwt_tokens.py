"""JSON Web Tokens: one algorithm, one secret, and the known attacks on them."""

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

KEY = "the-admin-key-of-tests-" + "k" * 20
SECRET = "the-secret-of-tests-which-signs-tokens-0001"  # noqa: S105  (for tests only)
NEW_KEY, NEW_SECRET = KEY[:-1], SECRET[:-1]
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
    "another audience": b'{"aud":"another service"}',
}


class TestJwtTokenSigner(TokenSignerContract):
    @pytest.fixture
    def signer(self) -> TokenSigner:
        return JwtTokenSigner(SECRET, KEY)

    @pytest.fixture
    def other_signer(self) -> TokenSigner:
        return JwtTokenSigner(SECRET[:-1] + "2", KEY[:-1])


def segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def sign(header: bytes, payload: bytes, hash_name: str = "sha256", secret: str = SECRET) -> str:
    """Return a token with a valid signature for any header."""
    content = f"{segment(header)}.{segment(payload)}"
    return f"{content}.{segment(hmac.new(secret.encode(), content.encode(), hash_name).digest())}"


def assert_rejected(token: str) -> None:
    with pytest.raises(UnauthenticatedError) as raised:
        JwtTokenSigner(SECRET, KEY).verify(token)
    assert raised.value.is_failure
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def assert_ended(signer: JwtTokenSigner, token: str) -> None:
    with pytest.raises(UnauthenticatedError, match="no longer valid") as raised:
        signer.verify(token)
    assert not raised.value.is_failure


def test_token_conforms_to_rfc_7519() -> None:
    token = JwtTokenSigner(SECRET, KEY).sign(CLAIMS)
    header = jwt.get_unverified_header(token)
    assert (header.pop("alg"), header.pop("typ"), [*header]) == ("HS256", "JWT", ["kid"])
    assert jwt.decode(token, SECRET, ["HS256"], {"verify_exp": False}) == CLAIMS


def test_token_is_valid_for_every_signer_with_the_secret() -> None:
    assert JwtTokenSigner(SECRET, KEY).verify(JwtTokenSigner(SECRET, KEY).sign(CLAIMS)) == CLAIMS


def test_tokens_of_the_previous_secret_are_valid() -> None:
    token = JwtTokenSigner(SECRET, KEY).sign(CLAIMS)
    assert JwtTokenSigner(NEW_SECRET, KEY, SECRET).verify(token) == CLAIMS
    assert JwtTokenSigner(SECRET, KEY).verify(JwtTokenSigner(SECRET, KEY, "x").sign({})) == {}


@pytest.mark.parametrize(
    "signer",
    [
        JwtTokenSigner(SECRET, NEW_KEY),
        JwtTokenSigner(NEW_SECRET, NEW_KEY, SECRET),
        JwtTokenSigner(NEW_SECRET, KEY),
        JwtTokenSigner(NEW_SECRET, KEY, NEW_SECRET[1:]),
    ],
    ids=["another key", "another key, previous secret", "another secret", "two other secrets"],
)
def test_tokens_of_an_earlier_key_or_secret_have_ended(signer: JwtTokenSigner) -> None:
    assert_ended(signer, JwtTokenSigner(SECRET, KEY).sign(CLAIMS))


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
def test_tokens_of_an_earlier_version_have_ended(secret: str) -> None:
    assert_ended(JwtTokenSigner(SECRET, KEY, NEW_SECRET), sign(HS256, b"{}", secret=secret))


@pytest.mark.parametrize(
    "kid", ["", "x.y", "\ud800", "0" * 12 + "." + "0" * 32, "\ud800." + "0" * 32]
)
def test_forged_key_id_is_rejected(kid: str) -> None:
    header = json.dumps({"alg": "HS256", "kid": kid}).encode()
    assert_rejected(sign(header, b"{}", secret=NEW_SECRET))
    assert_ended(JwtTokenSigner(SECRET, KEY), sign(header, b"{}"))


def test_altered_tokens_of_an_earlier_secret_are_rejected() -> None:
    header, _, signature = JwtTokenSigner(NEW_SECRET, KEY).sign(CLAIMS).split(".")
    assert_rejected(f"{header}.{segment(b'{}')}.{signature}")
    known = JwtTokenSigner(SECRET, KEY).sign(CLAIMS)
    assert_rejected(f"{known.rpartition('.')[0]}.{signature}")


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_other_algorithms_are_rejected(header: bytes) -> None:
    assert_rejected(sign(header, b"{}"))


@pytest.mark.parametrize("hash_name", ["sha384", "sha512", "sha1"])
def test_signature_with_another_hash_is_rejected(hash_name: str) -> None:
    assert_rejected(sign(HS256, b"{}", hash_name))
    assert_rejected(sign(HS256.replace(b"256", hash_name[3:].encode()), b"{}", hash_name))


@pytest.mark.parametrize("signature", ["", "AA", "A" * 43, segment(hashlib.sha256(b"").digest())])
def test_unsigned_token_is_rejected(signature: str) -> None:
    for header in (HS256, b'{"alg":"none"}'):
        assert_rejected(f"{segment(header)}.{segment(b'{}')}.{signature}")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_invalid_claims_are_rejected_despite_a_valid_signature(payload: bytes) -> None:
    assert_rejected(sign(HS256, payload))


def test_token_signed_with_an_empty_secret_is_rejected() -> None:
    content = f"{segment(HS256)}.{segment(b'{}')}"
    signature = hmac.new(b"", content.encode(), "sha256").digest()
    assert_rejected(f"{content}.{segment(signature)}")


def test_repr_contains_no_secret() -> None:
    signer = JwtTokenSigner(SECRET, KEY, NEW_SECRET)
    assert not any(secret in repr(signer) for secret in (SECRET, KEY, NEW_SECRET))
