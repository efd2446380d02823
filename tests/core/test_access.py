"""Who the gate lets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.access import Gate, Permission
from eggypro_core.errors import UnauthenticatedError

KEY = "schlüssel-of-the-shop-?"


@pytest.mark.parametrize("permission", Permission)
def test_who_holds_the_admin_key_may_do_everything(permission: Permission) -> None:
    user = Gate(KEY).admit(KEY, permission)
    assert (user.id, user.role, user.permissions) == ("admin", "admin", frozenset(Permission))


@pytest.mark.parametrize("credential", [None, ""])
def test_without_a_credential_the_gate_asks_for_one(credential: str | None) -> None:
    with pytest.raises(UnauthenticatedError, match="Bearer"):
        Gate(KEY).admit(credential, Permission.PRODUCTS_READ)


@pytest.mark.parametrize(
    "credential",
    [KEY + "x", KEY[:-1], KEY.upper(), f" {KEY}", KEY.replace("?", "\ud800"), "\ud800"],
)
def test_whatever_else_is_shown_is_not_valid(credential: str) -> None:
    with pytest.raises(UnauthenticatedError, match="not valid"):
        Gate(KEY).admit(credential, Permission.PRODUCTS_READ)


@given(st.text())
def test_no_other_text_is_let_in(credential: str) -> None:
    with pytest.raises(UnauthenticatedError):
        Gate(KEY).admit(credential, Permission.PRODUCTS_READ)


def test_a_blank_key_lets_nobody_in() -> None:
    with pytest.raises(UnauthenticatedError):
        Gate("").admit("", Permission.PRODUCTS_READ)


def test_the_key_is_not_in_what_a_gate_shows_of_itself() -> None:
    assert KEY not in repr(Gate(KEY))
