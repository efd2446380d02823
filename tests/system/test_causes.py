"""Every command and the server say why the database is unavailable; clients are not told."""

from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from falcon.testing import TestClient

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from eggypro_cli.main import main
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.builders import ADMIN_KEY
from tests.support.postgres_roles import create_login_roles, create_role

SENTENCE = "Wrong password for user 'egg_password' at "
COMMANDS = (
    ("products", "list"),
    ("stock", "set", "egg", "1"),
    ("db", "upgrade"),
    ("db", "check"),
    ("cache", "clear"),
    ("metrics", "summary"),
    ("health",),
    ("deploy",),
    ("deploy", "check"),
)


@pytest.fixture
def wrong_password(postgres: sa.URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sa.URL:
    """The URL of the settings, with a wrong password."""
    create_login_roles(postgres)
    url = postgres.set(username="egg_password", password="hunter2")  # noqa: S106  (for tests only)
    use_settings(url, tmp_path, monkeypatch)
    return url


def use_settings(url: sa.URL, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("POSTGRES_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("EGGYPRO_DATA_DIR", str(folder))


def read_words(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the output in one line: tables fold long cells."""
    return " ".join("".join(capsys.readouterr()).split())


@pytest.mark.usefixtures("wrong_password")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("json", [False, True])
def test_every_command_names_the_cause(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str], *, json: bool
) -> None:
    assert main([*words, *["--json"] * json]) == 2
    output = read_words(capsys)
    assert SENTENCE in output
    assert "hunter2" not in output
    assert "Traceback" not in output


@pytest.mark.usefixtures("wrong_password")
def test_json_errors_are_problems(capsys: pytest.CaptureFixture[str]) -> None:
    main(["products", "list", "--json"])
    problem = orjson.loads(capsys.readouterr().err)
    assert problem["status"] == 503
    assert problem["detail"].startswith(SENTENCE)


def test_cause_names_the_setting_that_has_the_url(
    wrong_password: sa.URL, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = wrong_password.render_as_string(hide_password=False)
    monkeypatch.setenv("POSTGRES_URL_NON_POOLING", url)
    for words, setting in (
        (["products", "list"], "POSTGRES_URL"),
        (["db", "current"], "POSTGRES_URL_NON_POOLING"),
        (["db", "dump", "shop.zip"], "POSTGRES_URL_NON_POOLING"),
    ):
        assert main(words) == 2
        assert read_words(capsys).endswith(f"check {setting}.")


def test_deploy_check_names_the_cause_of_an_unreadable_replica(
    database_url: sa.URL,
    wrong_password: sa.URL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use_settings(database_url, tmp_path, monkeypatch)
    monkeypatch.setenv("POSTGRES_READ_URL", database_url.render_as_string(hide_password=False))
    assert main(["deploy", "check"]) == 0
    assert "replica ok" in read_words(capsys)
    monkeypatch.setenv("POSTGRES_READ_URL", wrong_password.render_as_string(hide_password=False))
    assert main(["deploy", "check"]) == 2
    assert "check POSTGRES_READ_URL" in read_words(capsys)


def test_missing_right_names_the_grant(
    direct_database_url: sa.URL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = create_role(direct_database_url)
    use_settings(url, tmp_path, monkeypatch)
    grant = f"ON ALL TABLES IN SCHEMA public TO {url.username}`"
    for words in (["products", "list"], ["deploy", "check"], ["health"], ["db", "current"]):
        assert main(words) == 2
        assert grant in read_words(capsys)


def test_log_has_the_reason_once_and_responses_never(
    wrong_password: sa.URL, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(
        eggypro_data_dir=tmp_path,
        admin_secret_key=ADMIN_KEY,
        postgres_url=wrong_password.render_as_string(hide_password=False),
    )
    with open_shop(settings) as shop:
        client = TestClient(create_app(shop, HttpConfig()))
        paths = ["/api/products", "/api/products/egg", "/api/health", "/api/health/ready"]
        responses = [client.simulate_get(path) for path in paths for _ in range(2)]
    assert {response.status_code for response in responses} == {503}
    for word in ("egg_password", "password", "hunter2", "run"):
        assert word not in "".join(response.text for response in responses)
    assert caplog.text.count(SENTENCE) == 1
    assert "hunter2" not in caplog.text
