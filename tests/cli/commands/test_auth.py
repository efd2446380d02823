"""`eggypro auth token`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import require_tokens
from eggypro_core import Credential, FieldError, UnauthenticatedError
from eggypro_core.access.authentication import DEFAULT_TOKEN_PERMISSIONS
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

SECRET = "a-secret-of-tests-that-signs-tokens-0001"  # noqa: S105  (a test secret)
KEY = "k" * 32
PRODUCTION = {
    "APP_ENV": "production",
    "POSTGRES_URL": "postgres://x/nowhere",
    "ADMIN_SECRET_KEY": KEY,
    "IMAGE_STORE": "local",
}
READ, WRITE = "products:read", "products:write"


def test_stdout_contains_only_the_token(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    result = run_command(
        "auth", "token", "--permission", WRITE, "--permission", READ, "--ttl", "60"
    )
    assert result.code == 0
    assert result.err == f"Permissions: {READ}, {WRITE}. Expires at 2026-01-01 12:01:00 UTC.\n"
    token = result.out.removesuffix("\n")
    assert runtime.token_service.user_for(token).permissions == {READ, WRITE}


def test_json_is_the_http_body(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    result = run_command("auth", "token", "--json")
    body = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    user = runtime.token_service.user_for(body.pop("token"))
    assert user.permissions == DEFAULT_TOKEN_PERMISSIONS
    assert body == {
        "user": {
            "id": "admin",
            "role": "admin",
            "permissions": sorted(DEFAULT_TOKEN_PERMISSIONS),
            "last_login": "2026-01-01T12:00:00.000000Z",
        },
        "expires_at": "2026-01-01T13:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--permission", "products:bake"], 1),
        (["--permission", ""], 1),
        (["--ttl", "0"], 1),
        (["--ttl", "86401"], 1),
        (["--ttl", "1h"], 2),
        (["--ttl", "1.5"], 2),
    ],
    ids=str,
)
def test_invalid_permission_or_ttl_is_rejected(
    run_command: RunCommand, words: list[str], code: int
) -> None:
    result = run_command("auth", "token", *words)
    assert (result.code, result.out) == (code, "")
    assert "eggypro auth token --help" in result.err
    assert json.loads(run_command("auth", "token", *words, "--json").err)["detail"]


def test_missing_jwt_secret_is_a_configuration_error(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.settings_errors = [FieldError("JWT_SECRET", "JWT_SECRET is required to issue tokens")]
    result = run_command("auth", "token")
    assert (result.code, result.out) == (2, "")
    assert "JWT_SECRET is required" in result.err


def test_token_is_signed_by_the_settings_without_connecting_or_writing_files(
    tmp_path: Path,
) -> None:
    rejected = run_in(tmp_path, "auth", "token", **PRODUCTION)
    assert (rejected.code, rejected.out) == (2, "")
    assert "JWT_SECRET is required to issue tokens" in rejected.err
    issued = run_in(
        tmp_path,
        "auth",
        "token",
        ADMIN_SECRET_KEY=KEY,
        JWT_SECRET=SECRET,
        POSTGRES_URL="postgres://x/nowhere",
    )
    assert issued.code == 0
    settings = Settings(admin_secret_key=KEY, jwt_secret=SECRET)
    user = require_tokens(settings).user_for(issued.out.strip())
    assert user.credential is Credential.TOKEN
    assert user.last_login is not None
    assert user.last_login > NOON
    with pytest.raises(UnauthenticatedError):
        require_tokens(evolve(settings, jwt_secret=f"{SECRET}2")).user_for(issued.out.strip())
    assert list(tmp_path.iterdir()) == []


def run_in(folder: Path, *words: str, **variables: str) -> CommandResult:
    """Run the real program in a folder."""
    settings: dict[str, Any] = {"PATH": os.environ["PATH"], **variables}
    process = subprocess.run(
        [Path(sys.executable).with_name("eggypro"), *words],
        capture_output=True,
        text=True,
        env=settings,
        cwd=folder,
        check=False,
    )
    return CommandResult(process.returncode, process.stdout, process.stderr)
