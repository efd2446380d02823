"""`POST /api/auth/admin`, and the access that each credential gives."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from falcon.testing import Result, TestClient

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
)
from eggypro_core.shop import Shop
from eggypro_http.app import ROUTES, create_app
from eggypro_http.routing import Route
from tests.support.builders import ADMIN_KEY, make_full_shop
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields, sample_path

AUTH = "/api/auth/admin"
PROTECTED_ROUTES = [route for route in ROUTES if route.permission]
RESTRICTED_PARAMETERS = [
    (route, name, permission)
    for route in ROUTES
    for name, permission in route.restricted_parameters.items()
]


def route_id(value: object) -> str:
    return f"{value.method} {value.path}" if isinstance(value, Route) else str(value)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(shop: Shop, clock: FakeClock) -> Shop:
    return evolve(
        shop, authenticator=Authenticator(ADMIN_KEY, TokenService(MemoryTokenSigner(), clock))
    )


@pytest.fixture
def full_shop(shop: Shop) -> Shop:
    return evolve(make_full_shop(), authenticator=shop.authenticator)


@pytest.fixture
def full(full_shop: Shop) -> TestClient:
    return TestClient(create_app(full_shop))


def issue_token(shop: Shop, *permissions: Permission, ttl: int = 60) -> str:
    token = shop.authenticator.issue_token(TokenRequest(frozenset(permissions), ttl)).token
    assert token is not None
    return token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def log_in(client: TestClient, json: object = None, **options: Any) -> Result:
    body = {} if json is None else {"json": json}
    return client.simulate_post(AUTH, **{"headers": ADMIN, **body, **options})


def test_admin_key_gets_a_full_token_for_an_hour(client: TestClient) -> None:
    response = log_in(client)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json == {
        "user": {
            "id": "admin",
            "role": "admin",
            "permissions": sorted(DEFAULT_TOKEN_PERMISSIONS),
            "last_login": "2026-01-01T12:00:00.000000Z",
        },
        "token": response.json["token"],
        "expires_at": "2026-01-01T13:00:00.000000Z",
    }
    products = client.simulate_get(
        EGG, params={"status": "all"}, headers=bearer(response.json["token"])
    )
    assert products.status_code == 200


@pytest.mark.parametrize("body", ["{}", "", None])
def test_token_request_body_is_optional(client: TestClient, body: str | None) -> None:
    json = {**ADMIN, "Content-Type": "application/json"}
    for headers in (ADMIN, json):
        response = client.simulate_post(AUTH, headers=headers, body=body)
        assert response.status_code == 200


def test_token_with_fewer_permissions(client: TestClient) -> None:
    token_request = {"permissions": ["metrics:read", "products:read"], "ttl_seconds": 1}
    response = log_in(client, token_request)
    assert response.json["user"]["permissions"] == token_request["permissions"]
    assert response.json["expires_at"] == "2026-01-01T12:00:01.000000Z"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"permissions": []}, ["permissions"]),
        ({"permissions": ["keys:write"]}, ["permissions"]),
        ({"name": ""}, ["name"]),
        ({"permissions": ["products:bake"], "ttl_seconds": 86_401}, ["permissions", "ttl_seconds"]),
        ({"ttl_seconds": 60.0}, ["ttl_seconds"]),
        ({"ttl_seconds": "60"}, ["ttl_seconds"]),
        ({"ttl": 60}, ["ttl"]),
        ([], ["body"]),
    ],
    ids=str,
)
def test_invalid_token_request_lists_every_error(
    client: TestClient, body: object, fields: list[str]
) -> None:
    assert error_fields(log_in(client, body)) == fields


def test_parameters_and_invalid_json_are_rejected(
    client: TestClient,
) -> None:
    assert error_fields(log_in(client, params={"ttl_seconds": "60"})) == ["ttl_seconds"]
    assert log_in(client, body=b"{").status_code == 400
    headers = {**ADMIN, "Content-Type": "text/plain"}
    assert log_in(client, headers=headers, body=b"{}").status_code == 415
    chunked = {**ADMIN, "Transfer-Encoding": "chunked"}
    assert log_in(client, headers=chunked).status_code == 411


def test_no_token_is_issued_without_a_secret(shop: Shop) -> None:
    client = TestClient(create_app(evolve(shop, authenticator=Authenticator(ADMIN_KEY))))
    response = log_in(client)
    assert response.status_code == 503
    assert "set JWT_SECRET" in response.json["detail"]
    assert log_in(client, headers=bearer("wrong")).status_code == 401


def test_tokens_cannot_issue_tokens(client: TestClient, shop: Shop, clock: FakeClock) -> None:
    token = issue_token(shop, *TOKEN_PERMISSIONS)
    assert log_in(client, headers=bearer(token)).status_code == 403
    assert log_in(client, headers=bearer(f"{token}x")).status_code == 401
    clock.advance(60)
    response = log_in(client, headers=bearer(token))
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("route", PROTECTED_ROUTES, ids=route_id)
def test_protected_route_requires_its_permission(
    full: TestClient, route: Route, full_shop: Shop, clock: FakeClock
) -> None:
    """Missing permissions are reported first, whatever else is wrong with the request."""

    def ask(credential: str | None) -> int:
        headers = {} if credential is None else bearer(credential)
        response = full.simulate_request(route.method, sample_path(route.path), headers=headers)
        return int(response.status_code)

    expired = issue_token(full_shop, *TOKEN_PERMISSIONS, ttl=1)
    clock.advance()
    assert [ask(None), ask("wrong"), ask(expired)] == [401, 401, 401]
    for permission in TOKEN_PERMISSIONS:
        is_let_in = ask(issue_token(full_shop, permission)) not in {401, 403}
        assert is_let_in == (permission is route.permission), permission
    other_permissions = [
        permission for permission in TOKEN_PERMISSIONS if permission is not route.permission
    ]
    assert ask(issue_token(full_shop, *other_permissions)) == 403
    assert ask(ADMIN_KEY) not in {401, 403}


@pytest.mark.parametrize(("route", "name", "required"), RESTRICTED_PARAMETERS, ids=route_id)
def test_restricted_parameter_requires_its_permission(
    full: TestClient,
    full_shop: Shop,
    clock: FakeClock,
    *,
    route: Route,
    name: str,
    required: Permission,
) -> None:
    def ask(credential: str | None) -> int:
        headers = {} if credential is None else bearer(credential)
        response = full.simulate_request(
            route.method, sample_path(route.path), params={name: "all"}, headers=headers
        )
        return int(response.status_code)

    expired = issue_token(full_shop, *TOKEN_PERMISSIONS, ttl=1)
    clock.advance()
    assert [ask(None), ask("wrong"), ask(expired)] == [401, 401, 401]
    for permission in TOKEN_PERMISSIONS:
        assert (ask(issue_token(full_shop, permission)) == 403) == (permission is not required)


def test_every_permission_is_required_by_a_route() -> None:
    required = {route.permission for route in PROTECTED_ROUTES} | {
        permission for _, _, permission in RESTRICTED_PARAMETERS
    }
    later = {Permission.WEBHOOKS_WRITE}
    assert required == {*Permission, Credential.KEY, Credential.CRON} - later


def test_public_routes_accept_invalid_credentials(client: TestClient) -> None:
    for path in (PRODUCTS, EGG):
        assert client.simulate_get(path, headers=bearer("wrong")).status_code == 200


def test_token_is_valid_until_it_expires(client: TestClient, shop: Shop, clock: FakeClock) -> None:
    header = bearer(issue_token(shop, Permission.PRODUCTS_READ))

    def ask() -> int:
        return int(client.simulate_get(EGG, params={"status": "all"}, headers=header).status_code)

    clock.now = NOON + timedelta(seconds=59.999)
    assert ask() == 200
    clock.now = NOON + timedelta(seconds=60)
    assert ask() == 401
