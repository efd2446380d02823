"""Who the gate lets in."""

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
    Authenticator,
    Credential,
    Permission,
    TokenRequest,
    TokenResponse,
    Tokens,
    TokenSigner,
)
from eggypro_core.errors import ForbiddenError, UnauthenticatedError, ValidationError

KEY = "schlüssel-of-the-shop-?"
START = NOON.timestamp()
CLAIMS = {
    "iss": "eggypro",
    "sub": "admin",
    "permissions": ["products:read"],
    "iat": START,
    "exp": START + 60,
}
SETS = [frozenset(some) for size in range(1, 6) for some in combinations(Permission, size)]


@define
class TokenShop:
    """A gate whose tokens live by a clock."""

    clock: FakeClock = field(factory=FakeClock)
    signer: TokenSigner = field(factory=MemoryTokenSigner)
    authenticator: Authenticator = field()

    @authenticator.default
    def _open(self) -> Authenticator:
        return Authenticator(KEY, Tokens(self.signer, self.clock))

    def sign_token(self, **claims: object) -> str:
        """A token that somebody signed with the right key: `absent` leaves a claim out."""
        given = CLAIMS | claims
        return self.signer.sign({name: one for name, one in given.items() if one != "absent"})


@frozen
class CountedSigner:
    """Notes what it is asked to verify."""

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
def test_who_holds_the_admin_key_may_do_everything(permission: Permission) -> None:
    user = Authenticator(KEY).authorize(KEY, permission)
    assert (user.id, user.role, user.permissions) == ("admin", "admin", frozenset(Permission))


@pytest.mark.parametrize("credential", [None, ""])
def test_without_a_credential_the_gate_asks_for_one(credential: str | None) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Missing authentication header$") as refused:
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)
    assert not refused.value.is_failure


@pytest.mark.parametrize(
    "credential",
    [KEY + "x", KEY[:-1], KEY.upper(), f" {KEY}", KEY.replace("?", "\ud800"), "\ud800"],
)
def test_whatever_else_is_shown_is_not_valid(credential: str) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Invalid authentication token$") as refused:
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)
    assert refused.value.is_failure


@given(st.text())
def test_no_other_text_is_let_in(credential: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Authenticator(KEY).authorize(credential, Permission.PRODUCTS_READ)


def test_a_blank_key_lets_nobody_in() -> None:
    with pytest.raises(UnauthenticatedError):
        Authenticator("").authorize("", Permission.PRODUCTS_READ)


def test_the_key_is_not_in_what_a_gate_shows_of_itself() -> None:
    assert KEY not in repr(Authenticator(KEY))


def test_a_token_shows_nothing_of_itself(shop: TokenShop) -> None:
    grant = shop.authenticator.issue_token(TokenRequest())
    assert grant.token is not None
    assert grant.token not in repr(grant)
    assert grant.token not in repr(shop.authenticator)


@pytest.mark.parametrize("permissions", SETS, ids=len)
def test_a_token_permits_what_was_asked_for_and_nothing_else(
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


def test_who_bears_a_token_does_not_hold_the_key(shop: TokenShop) -> None:
    token = shop.authenticator.issue_token(TokenRequest()).token
    assert shop.authenticator.authorize(KEY, Credential.KEY).credential is Credential.KEY
    assert shop.authenticator.authorize(token, Credential.TOKEN).last_login == NOON
    with pytest.raises(ForbiddenError, match="admin key"):
        shop.authenticator.authorize(token, Credential.KEY)


@pytest.mark.parametrize("ttl", [1, 3600, 86_400])
def test_a_token_lasts_as_long_as_was_asked_for_to_the_microsecond(
    shop: TokenShop, ttl: int
) -> None:
    shop.clock.now += timedelta(microseconds=654_321)
    grant = shop.authenticator.issue_token(TokenRequest(ttl_seconds=ttl))
    assert grant.expires_at == shop.clock.now + timedelta(seconds=ttl)
    shop.clock.now = grant.expires_at - timedelta(microseconds=1)
    assert shop.authenticator.authenticate(grant.token) == grant.user
    shop.clock.now = grant.expires_at
    with pytest.raises(UnauthenticatedError, match="expired") as refused:
        shop.authenticator.authenticate(grant.token)
    assert not refused.value.is_failure


def test_a_token_is_verified_once_while_it_is_remembered(shop: TokenShop) -> None:
    signer = CountedSigner()
    gate = Authenticator(KEY, Tokens(signer, shop.clock))
    token = gate.issue_token(TokenRequest()).token
    assert gate.authenticate(token) == gate.authenticate(token)
    for _ in range(2):
        with pytest.raises(UnauthenticatedError):
            gate.authenticate("guess")
    assert signer.verified_tokens == [token, "guess", "guess"]


def test_without_a_signer_there_are_no_tokens(shop: TokenShop) -> None:
    grant = Authenticator(KEY).issue_token(TokenRequest())
    assert grant == TokenResponse(Authenticator(KEY).authenticate(KEY), None, None)
    with pytest.raises(UnauthenticatedError) as refused:
        Authenticator(KEY).authenticate(shop.sign_token())
    assert refused.value.is_failure


def test_what_is_signed_is_let_in(shop: TokenShop) -> None:
    for claims in ({}, {"nbf": START}, {"nbf": 0, "jti": [1], "role": "cook"}, {"exp": 2**37}):
        assert shop.authenticator.authenticate(shop.sign_token(**claims)).permissions == {
            "products:read"
        }


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize(
    "wrong", ["absent", None, True, "", "1e3", -1, 1e300, 10**400, float("nan"), [], [[]], {}]
)
def test_a_claim_that_is_missing_or_wrong_is_a_failure(
    shop: TokenShop, name: str, wrong: object
) -> None:
    _fail(shop, {name: wrong})


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another shop"},
        {"sub": "cook"},
        {"permissions": "products:read"},
        {"permissions": ["products:read", "products:bake"]},
        {"permissions": ["products:read", None]},
        {"permissions": ["products:read"] * 6},
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
def test_what_is_signed_but_is_no_token_of_the_shop_is_a_failure(
    shop: TokenShop, claims: Mapping[str, object]
) -> None:
    _fail(shop, claims)


def _fail(shop: TokenShop, claims: Mapping[str, object]) -> None:
    with pytest.raises(UnauthenticatedError, match=r"^Invalid authentication token$") as refused:
        shop.authenticator.authenticate(shop.sign_token(**claims))
    assert refused.value.is_failure


def test_who_wishes_nothing_gets_the_usual() -> None:
    assert TokenRequest.parse({}) == TokenRequest(frozenset(Permission), 3600)


def test_a_wish_may_name_a_permission_twice() -> None:
    wish = TokenRequest.parse({"permissions": ["metrics:read"] * 2, "ttl_seconds": 1})
    assert wish == TokenRequest(frozenset({Permission.METRICS_READ}), 1)


@pytest.mark.parametrize(
    ("wish", "fields"),
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
def test_every_fault_of_a_wish_is_named(wish: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        TokenRequest.parse(wish)
    assert [fault.field for fault in refused.value.errors] == fields
