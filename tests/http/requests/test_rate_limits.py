"""Rate limits over HTTP."""

import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from ipaddress import IPv4Network
from typing import Any

import pytest
from falcon.testing import TestClient, create_environ

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryRateCounter
from eggypro_core.access.rate_limiting import (
    AUTH,
    STANDARD,
    STRICT,
    RateLimitPolicy,
    rate_limit_policies,
)
from eggypro_http.app import ROUTES, create_app
from eggypro_http.config import HttpConfig
from eggypro_http.server.request_bodies import BodyNotReceivedError, UnreceivedBody
from tests.support.builders import make_shop, product_values, review_values
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, Reply, send_request

WRONG_CREDENTIAL = {"HTTP_AUTHORIZATION": "Bearer wrong"}
ADMIN_CREDENTIAL = {"HTTP_AUTHORIZATION": ADMIN["Authorization"]}
ADA, BOB = {"REMOTE_ADDR": "192.0.2.1"}, {"REMOTE_ADDR": "192.0.2.2"}
PROTECTED_PATH, TOKEN_PATH = "/api/reviews", "/api/auth/admin"
THREE_PER_MINUTE = rate_limit_policies(3, 60_000)


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock()


def limited_client(
    limits: Mapping[str, RateLimitPolicy], clock: FakeMonotonicClock, *proxies: IPv4Network
) -> TestClient:
    """A client of a rate-limited shop behind proxies."""
    shop = make_shop()
    shop.products.create(product_values())
    counter = MemoryRateCounter(clock)
    config = HttpConfig(rate_limits=limits, rate_counter=counter, trusted_proxies=proxies)
    return TestClient(create_app(shop, config))


@pytest.fixture
def client(clock: FakeMonotonicClock) -> TestClient:
    return limited_client(THREE_PER_MINUTE, clock)


def get(client: TestClient, path: str = EGG, **environ: Any) -> Reply:
    return send_request(client.app, path, **{**ADA, **environ})


def statuses(client: TestClient, times: int, path: str = EGG, **environ: Any) -> list[int]:
    return [get(client, path, **environ).status for _ in range(times)]


def test_request_that_runs_again_counts_once(clock: FakeMonotonicClock) -> None:
    client = limited_client(THREE_PER_MINUTE, clock)
    body = json.dumps(review_values()).encode()
    environ = {
        **create_environ(f"{EGG}/reviews", method="POST"),
        "CONTENT_LENGTH": str(len(body)),
        **ADA,
        "wsgi.input": UnreceivedBody(),
    }
    rate_limits: list[str] = []

    def start(_status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        rate_limits.append(dict(headers)["ratelimit"])

    for _ in range(5):
        with pytest.raises(BodyNotReceivedError):
            client.app(environ, start)
    environ["wsgi.input"] = BytesIO(body)
    client.app(environ, start)
    [rate_limit] = rate_limits
    assert re.findall(r'"(\w+)";r=(\d+)', rate_limit) == [("standard", "2"), ("strict", "9")]


def test_policies_come_from_settings_and_two_constants() -> None:
    assert {
        name: (policy.limit, policy.window_seconds)
        for name, policy in rate_limit_policies(100, 900_000).items()
    } == {
        STANDARD: (100, 900),
        STRICT: (10, 900),
        AUTH: (5, 900),
    }
    assert rate_limit_policies(1, 1_001)[STANDARD].window_seconds == 2
    assert set(rate_limit_policies(0, 900_000)) == {STRICT, AUTH}


def test_responses_show_the_limit_until_429(client: TestClient, clock: FakeMonotonicClock) -> None:
    for remaining in (2, 1, 0):
        response = get(client)
        assert response.status == 200
        assert response.headers["ratelimit-policy"] == '"standard";q=3;w=60'
        assert response.headers["ratelimit"] == f'"standard";r={remaining};t=60'
    clock.now = 12.5
    rejection = client.simulate_get(EGG, remote_addr="192.0.2.1")
    assert rejection.status_code == 429
    assert rejection.headers["retry-after"] == "48"
    assert rejection.headers["ratelimit"] == '"standard";r=0;t=48'
    assert rejection.headers["content-type"] == "application/problem+json"
    assert rejection.headers["cache-control"] == "no-store"
    assert rejection.json["type"] == "/problems/rate-limited"
    assert rejection.json["title"] == "Rate limited"
    assert get(client, **BOB).status == 200
    clock.now += int(rejection.headers["retry-after"])
    assert get(client).headers["ratelimit"] == '"standard";r=2;t=60'


def test_every_api_path_except_health_is_counted(client: TestClient) -> None:
    for path, method in ((PRODUCTS, "GET"), (EGG, "HEAD"), ("/api/categories", "GET")):
        assert get(client, path, REQUEST_METHOD=method).status == 200
    for _ in range(5):
        assert get(client, "/api/health/live").status == 200
        assert get(client, EGG, REQUEST_METHOD="OPTIONS").status == 204
    assert get(client, f"{PRODUCTS}/nothing").status == 429
    limited_paths = {route.path for route in ROUTES if route.limits}
    images = {"/images/{image}", "/images/uploads"}
    health = {"/api/health", "/api/health/live", "/api/health/ready"}
    assert {route.path for route in ROUTES} - limited_paths == {
        *health,
        *images,
        "/metrics",
        "/openapi.json",
        "/problems/{code}",
    }


def test_health_ignores_credentials(client: TestClient) -> None:
    assert statuses(client, 9, "/api/health/live", **WRONG_CREDENTIAL) == [200] * 9
    assert "ratelimit" not in get(client, "/api/health/live", **WRONG_CREDENTIAL).headers
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 200


def test_error_responses_count_and_have_rate_limit_headers(client: TestClient) -> None:
    assert get(client, QUERY_STRING="x=1").headers["ratelimit"] == '"standard";r=2;t=60'
    assert get(client, f"{PRODUCTS}/none").headers["ratelimit"] == '"standard";r=1;t=60'
    assert get(client, PROTECTED_PATH).headers["ratelimit"] == '"standard";r=0;t=60'
    assert get(client).status == 429


def test_only_unknown_paths_and_methods_are_checked_before_limits(client: TestClient) -> None:
    statuses(client, 3)
    invalid = {**WRONG_CREDENTIAL, "HTTP_ACCEPT": "image/png", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert get(client, "/api/nowhere", **invalid).status == 404
    assert get(client, REQUEST_METHOD="POST", **invalid).status == 405
    assert get(client, PROTECTED_PATH, QUERY_STRING="x=1", **invalid).status == 429
    assert get(client, PRODUCTS, REQUEST_METHOD="POST", **invalid).status == 429


def test_user_agent_does_not_identify_a_client(client: TestClient) -> None:
    agents = [get(client, HTTP_USER_AGENT=f"agent {number}").status for number in range(4)]
    assert agents == [200, 200, 200, 429]


@pytest.mark.parametrize("path", [EGG, PROTECTED_PATH, f"{EGG}/reviews"])
def test_valid_credentials_are_not_limited(client: TestClient, path: str) -> None:
    assert statuses(client, 20, path, **ADMIN_CREDENTIAL) == [200] * 20
    assert "ratelimit" not in get(client, path, **ADMIN_CREDENTIAL).headers
    assert statuses(client, 4) == [200, 200, 200, 429]
    assert get(client, **ADMIN_CREDENTIAL).status == 200


def test_wrong_credentials_are_counted(client: TestClient) -> None:
    assert statuses(client, 4, **WRONG_CREDENTIAL) == [200, 200, 200, 429]


def test_limit_of_zero_disables_the_policy(clock: FakeMonotonicClock) -> None:
    client = limited_client(rate_limit_policies(0, 60_000), clock)
    assert statuses(client, 200) == [200] * 200
    assert "ratelimit" not in get(client).headers


def test_ten_reviews_may_be_submitted(clock: FakeMonotonicClock) -> None:
    client = limited_client(rate_limit_policies(1000, 60_000), clock)

    def submit(number: int, **headers: str) -> Any:
        return client.simulate_post(
            f"{EGG}/reviews", json=review_values(comment=f"Eggs {number}"), headers=headers
        )

    answers = [submit(number) for number in range(11)]
    assert [response.status_code for response in answers] == [201] * 10 + [429]
    fields = '"standard";q=1000;w=60, "strict";q=10;w=900'
    assert answers[9].headers["ratelimit-policy"] == fields
    assert answers[9].headers["ratelimit"] == '"standard";r=990;t=60, "strict";r=0;t=900'
    assert answers[10].headers["retry-after"] == "900"
    assert submit(12, **ADMIN).status_code == 201
    assert client.simulate_get(f"{EGG}/reviews").status_code == 200
    clock.now += 900
    assert submit(13).status_code == 201


def unlimited_client(clock: FakeMonotonicClock) -> TestClient:
    """A client that is limited only for wrong credentials."""
    return limited_client(rate_limit_policies(0, 60_000), clock)


def test_five_wrong_credentials_lock_out_the_right_one(
    clock: FakeMonotonicClock,
) -> None:
    client = unlimited_client(clock)
    assert statuses(client, 4, PROTECTED_PATH, **WRONG_CREDENTIAL) == [401] * 4
    clock.now = 100
    assert statuses(client, 1, PROTECTED_PATH, **WRONG_CREDENTIAL) == [401]
    response = get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL)
    assert (response.status, response.headers["retry-after"]) == (429, "800")
    assert response.headers["ratelimit"] == '"auth";r=0;t=800'
    assert response.headers["ratelimit-policy"] == '"auth";q=5;w=900'
    assert get(client, EGG, QUERY_STRING="status=all", **ADMIN_CREDENTIAL).status == 429
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL, **BOB).status == 200
    assert get(client, PROTECTED_PATH).status == 401
    assert get(client).status == 200
    clock.now = 899.5
    assert statuses(client, 3, PROTECTED_PATH, **WRONG_CREDENTIAL) == [429] * 3
    clock.now = 900
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 200


def test_credential_errors_use_the_specified_messages(clock: FakeMonotonicClock) -> None:
    client = unlimited_client(clock)
    calls: list[dict[str, str]] = [{}, *[WRONG_CREDENTIAL] * 5, ADMIN_CREDENTIAL]
    bodies = [json.loads(get(client, PROTECTED_PATH, **headers).body) for headers in calls]
    assert [body["detail"] for body in bodies] == [
        "Missing authentication header",
        *["Invalid authentication token"] * 5,
        "Too many authentication attempts",
    ]
    assert [body["type"] for body in bodies] == [
        *["/problems/unauthenticated"] * 6,
        "/problems/locked-out",
    ]


def test_public_routes_serve_an_invalid_credential_as_anonymous(
    clock: FakeMonotonicClock,
) -> None:
    client = limited_client(rate_limit_policies(1000, 60_000), clock)
    for path, expected in ((EGG, 200), (f"{PRODUCTS}/none", 404), ("/api/health", 200)):
        replies = [get(client, path, **WRONG_CREDENTIAL) for _ in range(6)]
        assert {reply.status for reply in replies} == {expected}
        assert {reply.headers["www-authenticate"] for reply in replies} == {
            'Bearer error="invalid_token"'
        }
        # No shared cache may serve this header to others.
        assert not any("public" in reply.headers["cache-control"] for reply in replies)
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 200
    for credential in ({}, ADMIN_CREDENTIAL):
        reply = get(client, **credential)
        assert "www-authenticate" not in reply.headers
        assert reply.headers["cache-control"].startswith("public")


def test_invalid_credentials_are_limited_like_none(clock: FakeMonotonicClock) -> None:
    client = limited_client(THREE_PER_MINUTE, clock)
    assert statuses(client, 4, **WRONG_CREDENTIAL) == [200] * 3 + [429]
    assert get(client, **ADMIN_CREDENTIAL).status == 200


def test_locked_client_gets_no_exemption_on_public_routes(clock: FakeMonotonicClock) -> None:
    client = limited_client(rate_limit_policies(8, 60_000), clock)
    assert statuses(client, 5, PROTECTED_PATH, **WRONG_CREDENTIAL) == [401] * 5
    assert statuses(client, 4, **ADMIN_CREDENTIAL) == [200] * 3 + [429]
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 429


def test_invalid_credentials_on_public_routes_are_logged_once_an_hour(
    clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    client = limited_client(rate_limit_policies(1000, 60_000), clock)
    for _ in range(3):
        get(client, **WRONG_CREDENTIAL)
        get(client, **WRONG_CREDENTIAL, **BOB)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "192.0.2.0/24" in caplog.text
    assert "wrong" not in caplog.text
    clock.now = 3600
    get(client, **WRONG_CREDENTIAL)
    assert len(caplog.records) == 3


def test_guessing_the_key_also_locks_out_tokens(clock: FakeMonotonicClock) -> None:
    client = unlimited_client(clock)
    ask_for_token = {"REQUEST_METHOD": "POST"}
    assert statuses(client, 6, TOKEN_PATH, **WRONG_CREDENTIAL, **ask_for_token) == [401] * 5 + [429]
    assert get(client, TOKEN_PATH, **ADMIN_CREDENTIAL, **ask_for_token).status == 429
    clock.now = 900
    assert get(client, TOKEN_PATH, **ADMIN_CREDENTIAL, **ask_for_token).status == 200


def test_success_resets_failures(clock: FakeMonotonicClock) -> None:
    client = unlimited_client(clock)
    for _ in range(3):
        assert statuses(client, 4, PROTECTED_PATH, **WRONG_CREDENTIAL) == [401] * 4
        assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 200
    assert statuses(client, 6, PROTECTED_PATH, **WRONG_CREDENTIAL) == [401] * 5 + [429]


@pytest.mark.parametrize("credential", [None, "", "Bearer", "Bearer ", "Basic wrong", "wrong"])
def test_missing_credential_is_not_a_failure(
    clock: FakeMonotonicClock, credential: str | None
) -> None:
    client = unlimited_client(clock)
    assert statuses(client, 9, PROTECTED_PATH, HTTP_AUTHORIZATION=credential) == [401] * 9
    assert get(client, PROTECTED_PATH, **ADMIN_CREDENTIAL).status == 200


def test_concurrent_requests_do_not_exceed_the_limit(clock: FakeMonotonicClock) -> None:
    client = limited_client(rate_limit_policies(100, 60_000), clock)
    with ThreadPoolExecutor(16) as threads:
        results = [*threads.map(lambda _: get(client).status, range(150))]
        guesses = [
            *threads.map(
                lambda _: get(client, PROTECTED_PATH, **WRONG_CREDENTIAL, **BOB).status, range(50)
            )
        ]
    assert sorted(results) == [200] * 100 + [429] * 50
    assert sorted(guesses) == [401] * 5 + [429] * 45


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (RateLimitPolicy(STANDARD, 2, 60, counts_failures=False), [404, 404, 404, 200, 200, 429]),
        (RateLimitPolicy(STANDARD, 2, 60, counts_successes=False), [404, 404, 429, 429, 429, 429]),
    ],
)
def test_policies_may_skip_successes_or_failures(
    clock: FakeMonotonicClock, policy: RateLimitPolicy, expected: list[int]
) -> None:
    client = limited_client({STANDARD: policy}, clock)
    results = statuses(client, 3, f"{PRODUCTS}/none") + statuses(client, 3)
    assert results == expected


def test_uncounted_success_does_not_use_the_limit(clock: FakeMonotonicClock) -> None:
    policy = RateLimitPolicy(STANDARD, 2, 60, counts_successes=False)
    client = limited_client({STANDARD: policy}, clock)
    assert statuses(client, 20) == [200] * 20


def test_clients_behind_a_trusted_proxy_are_counted_separately(clock: FakeMonotonicClock) -> None:
    client = limited_client(THREE_PER_MINUTE, clock, IPv4Network("10.0.0.0/8"))
    proxy = {"REMOTE_ADDR": "10.0.0.1"}
    for address in ("192.0.2.1", "192.0.2.2"):
        headers = [f"6.6.6.{number}, {address}" for number in range(4)]
        results = [
            get(client, HTTP_X_FORWARDED_FOR=forwarded, **proxy).status for forwarded in headers
        ]
        assert results == [200, 200, 200, 429]


def test_forwarded_addresses_cannot_evade_the_limit(client: TestClient) -> None:
    results = [get(client, HTTP_X_FORWARDED_FOR=f"6.6.6.{number}").status for number in range(4)]
    assert results == [200, 200, 200, 429]


def test_rate_limit_headers_are_structured_fields(client: TestClient) -> None:
    response = get(client)
    item = r'"[a-z]+"(;[a-z]+=\d+)+'
    for name in ("ratelimit", "ratelimit-policy"):
        assert re.fullmatch(f"{item}(, {item})*", response.headers[name])
