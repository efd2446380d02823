"""`eggypro keys`."""

import orjson
import pytest

from eggypro_core.serializers import api_key_list_body
from tests.support.runtime import MemoryRuntime, RunCommand

CREATE = ("keys", "create", "erp", "--permission", "products:read")


def test_stdout_contains_only_the_key(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    result = run_command(*CREATE, "--permission", "events:read", "--expires-at", "2027-01-31")
    assert result.code == 0
    assert result.err == (
        "Key 1: events:read, products:read. Expires at 2027-01-31 00:00:00 UTC."
        " Store it now: it cannot be shown again.\n"
    )
    user = runtime.shop.authenticator.authenticate(result.out.removesuffix("\n"))
    assert user.actor == "key:erp"
    assert "Never expires." in run_command(*CREATE).err


def test_json_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    body = orjson.loads(run_command(*CREATE, "--json").out)
    assert runtime.shop.authenticator.authenticate(body.pop("key")).name == "erp"
    listed = orjson.loads(run_command("keys", "list", "--json").out)
    assert listed == orjson.loads(orjson.dumps(api_key_list_body(runtime.shop.api_keys.list())))
    assert [{**item, "last_used_at": None} for item in listed["items"]] == [body]


def test_the_list_shows_states(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    for words in ((), (), ("--expires-at", "2026-01-02"), ("--expires-at", "2999-01-02")):
        run_command(*CREATE, *words)
    run_command("keys", "revoke", "2", "--yes")
    result = run_command("keys", "list")
    assert (result.code, result.err) == (0, "")
    states = [line.partition("  never  ")[2].strip() for line in result.out.splitlines()[1:]]
    revoked_at = runtime.shop.api_keys.list()[2].revoked_at
    assert states == [
        "valid until 2999-01-02",
        "expired 2026-01-02",
        f"revoked {revoked_at:%Y-%m-%d}",
        "valid",
    ]


def test_revoke(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    run_command(*CREATE)
    assert run_command("keys", "revoke", "1", "--json").code == 1
    assert runtime.shop.api_keys.list()[0].revoked_at is None
    result = run_command("keys", "revoke", "1", "--yes")
    assert (result.code, result.out) == (0, "Revoked API key 1.\n")
    assert runtime.shop.api_keys.list()[0].revoked_at is not None
    missing = run_command("keys", "revoke", "9", "--yes")
    assert (missing.code, missing.out) == (1, "")
    assert "There is no API key 9" in missing.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["keys", "create", "erp"], 2),
        (["keys", "create", "erp", "--permission", "products:bake"], 1),
        (["keys", "create", "", "--permission", "products:read"], 1),
        ([*CREATE, "--expires-at", "2025-12-31"], 1),
    ],
    ids=str,
)
def test_invalid_keys_are_rejected(run_command: RunCommand, words: list[str], code: int) -> None:
    result = run_command(*words)
    assert (result.code, result.out) == (code, "")
    assert "eggypro keys create --help" in result.err
