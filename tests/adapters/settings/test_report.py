"""The report of the settings in force: values, sources, and warnings of typos."""

from pathlib import Path

import pytest

from eggypro_adapters.settings import (
    Settings,
    locate_variables,
    read_environment,
    settings_in_force,
    warn_of_typos,
)

KEY = "m4rk3r-0123456789-0123456789-0123456789"
SECRETS = {
    "POSTGRES_URL": "postgres://shop:m4rk3r@db:5432/eggs?sslmode=require&sslpassword=m4rk3r",
    "POSTGRES_READ_URL": "postgres://db/eggs?user=shop&password=m4rk3r",
    "REDIS_URL": "redis://:m4rk3r@cache:6379/0",
    "SENTRY_DSN": "https://m4rk3r@sentry.example/1",
    "ADMIN_SECRET_KEY": KEY,
    "JWT_SECRET": KEY,
    "CRON_SECRET": KEY,
    "CLOUDINARY_CLOUD_NAME": "eggs",
    "CLOUDINARY_API_KEY": "m4rk3r",
    "CLOUDINARY_API_SECRET": "m4rk3r",
}


def report(environ: dict[str, str], folder: Path) -> dict[str, tuple[str, str]]:
    """Return value and source of each setting."""
    variables = read_environment(environ, folder)
    rows = settings_in_force(Settings.read(variables), variables, locate_variables(environ, folder))
    return {row.name: (row.value, row.source) for row in rows}


def test_every_setting_has_a_value_and_a_source(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CACHE_TTL=1\nCDN_TTL=2\nLOG_LEVEL=info\n")
    (tmp_path / ".env.local").write_text("CDN_TTL=3\nLOG_LEVEL=debug\n")
    environ = {"LOG_LEVEL": "ERROR", "NODE_ENV": "development", "CURRENCY": " "}
    rows = report({**environ, "CORS_ORIGIN": "https://a.example,https://b.example"}, tmp_path)
    assert rows["CACHE_TTL"] == ("1", ".env")
    assert rows["CDN_TTL"] == ("3", ".env.local")
    assert rows["LOG_LEVEL"] == ("error", "environment")
    assert rows["APP_ENV"] == ("development", "environment (NODE_ENV)")
    assert rows["CORS_ORIGIN"] == ("https://a.example,https://b.example", "environment")
    assert rows["CURRENCY"] == ("EUR", "default")
    assert rows["ENABLE_API_METRICS"] == ("true", "default")
    assert rows["IMAGE_STORE"] == ("local", "default")
    assert rows["POSTGRES_URL"] == ("embedded", "default")
    assert rows["REDIS_URL"] == ("", "default")
    assert rows["ADMIN_SECRET_KEY"] == ("***", "generated")


def test_secrets_are_masked(tmp_path: Path) -> None:
    rows = report(SECRETS, tmp_path)
    assert "m4rk3r" not in str(rows)
    assert rows["POSTGRES_URL"][0] == (
        "postgresql+psycopg://shop:***@db:5432/eggs?sslmode=require&sslpassword=***"
    )
    assert rows["POSTGRES_READ_URL"][0].endswith("?user=shop&password=***")
    assert rows["REDIS_URL"][0] == "redis://:***@cache:6379/0"
    assert rows["SENTRY_DSN"][0] == "https://***@sentry.example/1"
    assert {rows[name][0] for name in ("JWT_SECRET", "CRON_SECRET")} == {"***"}


@pytest.mark.parametrize(
    ("typo", "name"),
    [
        ("RATE_LIMIT_MAX_REQUEST", "RATE_LIMIT_MAX_REQUESTS"),
        ("POSTGRES_ULR", "POSTGRES_URL"),
        ("REDIS_URI", "REDIS_URL"),
        ("cors_origin", "CORS_ORIGIN"),
        ("CORS_ORIGINS", "CORS_ORIGIN"),
        ("NOD_ENV", "NODE_ENV"),
        ("ADMINSECRETKEY", "ADMIN_SECRET_KEY"),
    ],
)
def test_nearly_known_name_is_a_warning(typo: str, name: str) -> None:
    assert warn_of_typos({typo: "m4rk3r"}) == [f"{typo} is not a setting: did you mean {name}?"]


def test_other_names_are_no_typos() -> None:
    others = (
        "PATH HOME LANG TERM PORT HOST SHELL PGHOST NO_COLOR VERCEL_ENV VERCEL_URL DATABASE_URL"
    )
    names = [*others.split(), *SECRETS, "NODE_ENV", "NEXT_PUBLIC_APP_URL", "RATE_LIMIT"]
    assert warn_of_typos(dict.fromkeys(names, "x")) == []
