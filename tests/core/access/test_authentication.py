"""Tests of authentication: admin key, tokens, claims and permissions."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.memory import MemoryTokenSigner
from eggypro_core.access.authentication import (
    DEFAULT_TOKEN_PERMISSIONS,
    TOKEN_PERMISSIONS,
    Authenticator,
    Credential,
    Permission,
    TokenRequest,
    TokenService,
    TokenSigner,
)
from eggypro_core.errors import (
    ForbiddenError,
    NotConfiguredError,
    UnauthenticatedError,
    ValidationError,
)

KEY = "schlüssel-of-the-shop-?"
START = NOON.timestamp()
CLAIMS = {
    "iss": "eggypro",
    "sub": "admin",
    "permissions": ["products:read"],
    "iat": START,
    "exp": START + 60,
}
SETS = [
    frozenset(subset) for size in range(1, 8) for subset in combinations(TOKEN_PERMISSIONS, size)
]


@define
class TokenShop:
    """An authenticator with tokens and a fake clock."""

    clock: FakeClock = field(factory=FakeClock)
    signer: TokenSigner = field(factory=MemoryTokenSigner)
    authenticator: Authenticator = field()

    @authenticator.default
    def _make_authenticator(self) -> Authenticator:
        return Authenticator(KEY, TokenService(self.signer, self.clock))

    def sign_token(self, **claims: object) -> str:
        """Return a token signed with the right key; the value `absent` omits a claim."""
        values = (CLAIMS | claims).items()
        return self.signer.sign({name: value for name, value in values if value != "absent"})


@frozen
class CountedSigner:
    """Record the tokens to verify."""

    signer: TokenSigner = field(factory=MemoryTokenSigner)
    verified_tokens: list[str] = field(factory=list)

    def sign(self, claims: Mapping[str, object]) -> str:
        return self.signer.sign(claims)

    def verify(self, token: str) -> Mapping[str, object]:
        self.verified_tokens.append(token)
        return self.signer.verify(token)


@pytest.fixture
def shop() -> TokenShop:
    return TokenShop()


@pytest.mark.parametrize("permission", Permission)
def test_the_admin_key_has_every_permission(permission: Permission) -> None:
    user = Authenticator(KEY).authorize(KEY, permission)
    assert (user.id, user.role, user.permissions) == ("admin", "admin", frozenset(Permission))


@pytest.mark.parametrize("credential", [None, ""])
def test_a_missing_credential_is_unauthenticated(credential: str | None) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Missing authentication header$") as raised:
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)
    assert not raised.value.is_failure


@pytest.mark.parametrize(
    "credential",
    [KEY + "x", KEY[:-1], KEY.upper(), f" {KEY}", KEY.replace("?", "\ud800"), "\ud800"],
)
def test_similar_keys_are_invalid(credential: str) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Invalid authentication token$") as raised:
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)
    assert raised.value.is_failure


@given(st.text())
def test_any_other_text_is_rejected(credential: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)


def test_an_empty_admin_key_authenticates_nobody() -> None:
    with pytest.raises(UnauthenticatedError):
        Authenticator("").authorize("", Permission.PRODUCTS_READ)


def test_the_repr_of_an_authenticator_hides_the_key() -> None:
    assert KEY not in repr(Authenticator(KEY))


def test_reprs_hide_the_token(shop: TokenShop) -> None:
    response = shop.authenticator.issue_token(TokenRequest())
    assert response.token is not None
    assert response.token not in repr(response)
    assert response.token not in repr(shop.authenticator)


@pytest.mark.parametrize("permissions", SETS, ids=len)
def test_a_token_has_exactly_the_requested_permissions(
    shop: TokenShop, permissions: frozenset[Permission]
) -> None:
    token = shop.authenticator.issue_token(TokenRequest(permissions)).token
    assert shop.authenticator.authenticate(token).permissions == permissions
    for permission in Permission:
        if permission in permissions:
            assert shop.authenticator.authorize(token, permission).role == "admin"
        else:
            with pytest.raises(ForbiddenError, match=permission):
                shop.authenticator.authorize(token, permission)


def test_a_token_does_not_replace_the_admin_key(shop: TokenShop) -> None:
    token = shop.authenticator.issue_token(TokenRequest()).token
    assert shop.authenticator.authorize(KEY, Credential.KEY).credential is Credential.KEY
    assert shop.authenticator.authorize(token, Credential.TOKEN).last_login == NOON
    with pytest.raises(ForbiddenError, match="admin key"):
        shop.authenticator.authorize(token, Credential.KEY)


@pytest.mark.parametrize("ttl", [1, 3600, 86_400])
def test_a_token_expires_after_its_ttl_to_the_microsecond(shop: TokenShop, ttl: int) -> None:
    shop.clock.now += timedelta(microseconds=654_321)
    response = shop.authenticator.issue_token(TokenRequest(ttl_seconds=ttl))
    assert response.expires_at == shop.clock.now + timedelta(seconds=ttl)
    shop.clock.now = response.expires_at - timedelta(microseconds=1)
    assert shop.authenticator.authenticate(response.token) == response.user
    shop.clock.now = response.expires_at
    with pytest.raises(UnauthenticatedError, match="expired") as raised:
        shop.authenticator.authenticate(response.token)
    assert not raised.value.is_failure


def test_a_verified_token_is_cached_but_a_failure_is_not(shop: TokenShop) -> None:
    signer = CountedSigner()
    authenticator = Authenticator(KEY, TokenService(signer, shop.clock))
    token = authenticator.issue_token(TokenRequest()).token
    assert authenticator.authenticate(token) == authenticator.authenticate(token)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            authenticator.authenticate("guess")
    assert signer.verified_tokens == [token, "guess", "guess"]


def test_without_a_signer_no_tokens_are_issued_or_accepted(shop: TokenShop) -> None:
    with pytest.raises(NotConfiguredError, match="JWT_SECRET"):
        Authenticator(KEY).issue_token(TokenRequest())
    with pytest.raises(UnauthenticatedError) as raised:
        Authenticator(KEY).authenticate(shop.sign_token())
    assert raised.value.is_failure


def test_valid_claims_are_accepted(shop: TokenShop) -> None:
    for claims in ({}, {"nbf": START}, {"nbf": 0, "jti": [1], "role": "cook"}, {"exp": 2**37}):
        assert shop.authenticator.authenticate(shop.sign_token(**claims)).permissions == {
            "products:read"
        }


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(
    "value", ["absent", None, True, "", "1e3", -1, 1e300, 10**400, float("nan"), [], [[]], {}]
)
def test_a_missing_or_invalid_claim_is_a_failure(shop: TokenShop, name: str, value: object) -> None:
    _assert_failure(shop, {name: value})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another shop"},
        {"sub": "cook"},
        {"permissions": "products:read"},
        {"permissions": ["products:read", "products:bake"]},
        {"permissions": ["products:read", None]},
        {"permissions": ["products:read"] * 8},
        {"permissions": ["keys:write"]},
        {"permissions": {"products:read": True}},
        {"exp": "1767268860"},
        {"exp": [START + 60]},
        {"nbf": START + 1},
        {"nbf": "soon"},
        {"nbf": None},
        {"nbf": float("inf")},
        {"iss": "another shop", "exp": START - 1},
        {"permissions": [], "exp": START - 1},
        {"nbf": START + 1, "exp": START - 1},
    ],
    ids=str,
)
def test_signed_claims_that_are_not_ours_are_a_failure(
    shop: TokenShop, claims: Mapping[str, object]
) -> None:
    _assert_failure(shop, claims)


def _assert_failure(shop: TokenShop, claims: Mapping[str, object]) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Invalid authentication token$") as raised:
        shop.authenticator.authenticate(shop.sign_token(**claims))
    assert raised.value.is_failure


def test_an_empty_token_request_has_defaults() -> None:
    assert TokenRequest.parse({}) == TokenRequest(DEFAULT_TOKEN_PERMISSIONS, 3600)


def test_a_repeated_permission_counts_once() -> None:
    request = TokenRequest.parse({"permissions": ["metrics:read"] * 2, "ttl_seconds": 1})
    assert request == TokenRequest(frozenset({Permission.METRICS_READ}), 1)


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"permissions": []}, ["permissions"]),
        ({"permissions": None}, ["permissions"]),
        ({"permissions": "products:read"}, ["permissions"]),
        ({"permissions": ["products:bake"]}, ["permissions"]),
        ({"permissions": ["PRODUCTS_READ"]}, ["permissions"]),
        ({"permissions": [["products:read"]]}, ["permissions"]),
        ({"ttl_seconds": 0}, ["ttl_seconds"]),
        ({"ttl_seconds": -1}, ["ttl_seconds"]),
        ({"ttl_seconds": 86_401}, ["ttl_seconds"]),
        ({"ttl_seconds": 10**400}, ["ttl_seconds"]),
        ({"ttl_seconds": True}, ["ttl_seconds"]),
        ({"ttl_seconds": "60"}, ["ttl_seconds"]),
        ({"ttl_seconds": None}, ["ttl_seconds"]),
        ({"ttl": 60, "permissions": [], "ttl_seconds": 0}, ["ttl", "permissions", "ttl_seconds"]),
    ],
    ids=str,
)
def test_every_invalid_field_of_a_token_request_is_named(
    values: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(ValidationError) as raised:
        TokenRequest.parse(values)
    assert [error.field for error in raised.value.errors] == fields
