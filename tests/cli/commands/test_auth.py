"""`eggypro auth token`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_tokens
from eggypro_core import Credential, FieldError, Permission, UnauthenticatedError
from tests.support.builders import NOON
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

SECRET = "a-secret-of-tests-that-signs-tokens-0001"  # noqa: S105  (of no use to anybody)
READ, WRITE = "products:read", "products:write"


def test_a_token_stands_alone_on_stdout_for_scripts_to_take(
    typed: RunCommand, world: MemoryRuntime
) -> None:
    answer = typed("auth", "token", "--permission", WRITE, "--permission", READ, "--ttl", "60")
    assert answer.code == 0
    assert answer.err == f"Permissions: {READ}, {WRITE}. Expires at 2026-01-01 12:01:00 UTC.\n"
    token = answer.out.removesuffix("\n")
    assert world.token_service.user_for(token).permissions == {READ, WRITE}


def test_machines_are_shown_what_the_api_answers(typed: RunCommand, world: MemoryRuntime) -> None:
    answer = typed("auth", "token", "--json")
    body = json.loads(answer.out)
    assert (answer.code, answer.err) == (0, "")
    assert world.token_service.user_for(body.pop("token")).permissions == frozenset(Permission)
    assert body == {
        "user": {
            "id": "admin",
            "role": "admin",
            "permissions": sorted(Permission),
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
def test_a_wish_that_cannot_be_had_is_refused(
    typed: RunCommand, words: list[str], code: int
) -> None:
    answer = typed("auth", "token", *words)
    assert (answer.code, answer.out) == (code, "")
    assert "eggypro auth token --help" in answer.err
    assert json.loads(typed("auth", "token", *words, "--json").err)["detail"]


def test_without_a_secret_there_are_no_tokens(typed: RunCommand, world: MemoryRuntime) -> None:
    world.settings_errors = [FieldError("JWT_SECRET", "JWT_SECRET is required to issue tokens")]
    answer = typed("auth", "token")
    assert (answer.code, answer.out) == (2, "")
    assert "JWT_SECRET is required" in answer.err


def test_the_settings_sign_and_nothing_is_connected_or_kept(tmp_path: Path) -> None:
    refused = run(tmp_path, "auth", "token")
    assert (refused.code, refused.out) == (2, "")
    assert "JWT_SECRET is required to issue tokens" in refused.err
    issued = run(tmp_path, "auth", "token", JWT_SECRET=SECRET, POSTGRES_URL="postgres://x/nowhere")
    assert issued.code == 0
    user = open_tokens(Settings(jwt_secret=SECRET)).user_for(issued.out.strip())
    assert user.credential is Credential.TOKEN
    assert user.last_login is not None
    assert user.last_login > NOON
    with pytest.raises(UnauthenticatedError):
        open_tokens(Settings(jwt_secret=f"{SECRET}2")).user_for(issued.out.strip())
    assert list(tmp_path.iterdir()) == []


def run(folder: Path, *words: str, **variables: str) -> CommandResult:
    """Run the real program in a folder."""
    settings: dict[str, Any] = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(
        [Path(sys.executable).with_name("eggypro"), *words],
        capture_output=True,
        text=True,
        env=settings,
        cwd=folder,
        check=False,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)
