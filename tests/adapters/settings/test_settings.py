"""Settings: parsing, validation, and messages that never contain values."""

import re
from io import StringIO
from ipaddress import ip_network
from pathlib import Path

import pytest
from attrs import fields
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from psycopg.pq import Conninfo
from sqlalchemy import make_url

from eggypro_adapters.settings import Settings, settings_example
from eggypro_adapters.settings.definition import setting_definitions
from eggypro_adapters.settings.postgres_options import FOREIGN_OPTIONS, LIBPQ_OPTIONS
from eggypro_adapters.settings.types import AppEnvironment, ImageStoreKind, LogFormat, LogLevel
from eggypro_core.errors import ConfigurationError, FieldError

NAMES = """
    POSTGRES_URL POSTGRES_URL_NON_POOLING POSTGRES_READ_URL POSTGRES_POOLER ADMIN_SECRET_KEY
    CLOUDINARY_CLOUD_NAME CLOUDINARY_API_KEY CLOUDINARY_API_SECRET CLOUDINARY_UPLOAD_PREFIX
    IMAGE_STORE APP_ENV APP_URL PUBLIC_URL CURRENCY RATE_LIMIT_WINDOW_MS RATE_LIMIT_MAX_REQUESTS
    ENABLE_API_METRICS ENABLE_ERROR_TRACKING SENTRY_DSN REDIS_URL CACHE_TTL CDN_TTL CORS_ORIGIN
    JWT_SECRET JWT_SECRET_PREVIOUS TRUSTED_PROXIES METRICS_NETWORKS CRON_SECRET EGGYPRO_DATA_DIR
    EVENT_RETENTION_DAYS LOG_LEVEL LOG_FORMAT
""".split()
KEY = "k" * 32
PRODUCTION = {
    "APP_ENV": "production",
    "POSTGRES_URL": "postgres://shop:hush-hush@db.example:5432/eggs?sslmode=require",
    "ADMIN_SECRET_KEY": KEY,
    "IMAGE_STORE": "local",
}
CLOUDINARY = {
    "CLOUDINARY_CLOUD_NAME": "eggypro",
    "CLOUDINARY_API_KEY": "123456789012345",
    "CLOUDINARY_API_SECRET": "hush-hush",
}
INVALID = {
    "APP_ENV": "staging",
    "APP_URL": "shop.example",
    "PUBLIC_URL": "api.shop.example",
    "CURRENCY": "JPY",
    "POSTGRES_URL": "mysql://db/eggs",
    "POSTGRES_URL_NON_POOLING": "postgres://db",
    "POSTGRES_READ_URL": "postgres://db:port/eggs",
    "POSTGRES_POOLER": "maybe",
    "ADMIN_SECRET_KEY": "short",
    "JWT_SECRET": "k" * 31,
    "JWT_SECRET_PREVIOUS": "k" * 31,
    "CRON_SECRET": "k" * 15,
    "CORS_ORIGIN": "*",
    "TRUSTED_PROXIES": "10.0.0.1/8",
    "CLOUDINARY_CLOUD_NAME": "eggy/pro",
    "CLOUDINARY_API_KEY": "a b",
    "CLOUDINARY_API_SECRET": "é",
    "CLOUDINARY_UPLOAD_PREFIX": "ftp://api",
    "IMAGE_STORE": "s3",
    "REDIS_URL": "http://redis",
    "CACHE_TTL": "5m",
    "CDN_TTL": "-1",
    "EVENT_RETENTION_DAYS": "0",
    "RATE_LIMIT_WINDOW_MS": "0",
    "RATE_LIMIT_MAX_REQUESTS": "1e3",
    "ENABLE_API_METRICS": "maybe",
    "METRICS_NETWORKS": "localhost",
    "ENABLE_ERROR_TRACKING": "2",
    "SENTRY_DSN": "https://sentry.example/1",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
    "EGGYPRO_DATA_DIR": "a\0b",
}


def errors_of(environment: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as raised:
        Settings.read(environment)
    return {error.field: error.message for error in raised.value.errors}


def test_empty_environment_is_a_complete_development_configuration() -> None:
    settings = Settings.read({})
    assert settings == Settings()
    assert settings.app_env is AppEnvironment.DEVELOPMENT
    assert settings.postgres_url is None
    assert settings.image_store is ImageStoreKind.LOCAL
    assert settings.log_format is LogFormat.CONSOLE
    assert settings.eggypro_data_dir == Path(".data")
    assert (settings.rate_limit_max_requests, settings.rate_limit_window_ms) == (100, 900_000)
    assert (settings.cache_ttl, settings.cdn_ttl, settings.currency) == (300, 0, "EUR")
    assert settings.cors_origin == ("http://localhost:3000",)


def test_settings_are_those_of_the_specification() -> None:
    assert sorted(row.name for row in setting_definitions(Settings)) == sorted(NAMES)
    assert sorted(INVALID) == sorted(NAMES)


def test_all_errors_are_reported_at_once() -> None:
    errors = errors_of(INVALID)
    assert sorted(errors) == sorted(NAMES)
    assert errors["CACHE_TTL"] == (
        "CACHE_TTL must be a whole number from 0 to 604800, in plain digits"
    )
    assert errors["CURRENCY"] == "CURRENCY must be an ISO 4217 code with two decimals, such as EUR"


def test_messages_are_those_of_the_seed() -> None:
    errors = errors_of({**INVALID, "APP_URL": "", "NEXT_PUBLIC_APP_URL": "shop.example"})
    assert errors["POSTGRES_URL"].startswith("Invalid POSTGRES_URL: it must be postgresql://")
    assert errors["NEXT_PUBLIC_APP_URL"].startswith(
        "Invalid NEXT_PUBLIC_APP_URL: it must be an http"
    )
    key = errors["ADMIN_SECRET_KEY"]
    assert key.startswith("ADMIN_SECRET_KEY must be at least 32 characters")


def test_values_are_stripped_and_blank_ones_are_absent() -> None:
    assert Settings.read(dict.fromkeys(NAMES, " \t")) == Settings()
    assert Settings.read({"ADMIN_SECRET_KEY": f" {KEY}\n"}).admin_secret_key == KEY


def test_alias_is_read_if_the_name_is_absent() -> None:
    aliases = {"NODE_ENV": "test", "NEXT_PUBLIC_APP_URL": "https://shop.example"}
    settings = Settings.read({**aliases, "APP_ENV": "", "APP_URL": ""})
    assert settings.app_env is AppEnvironment.TEST
    assert settings.app_url == "https://shop.example"
    assert Settings.read({**aliases, "APP_ENV": "development"}) == Settings(
        app_url="https://shop.example"
    )


def test_error_of_an_alias_names_the_alias() -> None:
    assert list(errors_of({"NODE_ENV": "staging"})) == ["NODE_ENV"]


def test_production_requires_database_admin_key_and_image_store() -> None:
    assert errors_of({"NODE_ENV": "production"}) == {
        "POSTGRES_URL": "POSTGRES_URL is required in production",
        "ADMIN_SECRET_KEY": "ADMIN_SECRET_KEY is required in production",
        "CLOUDINARY_CLOUD_NAME": "CLOUDINARY_CLOUD_NAME is required, unless IMAGE_STORE=local",
        "CLOUDINARY_API_KEY": "CLOUDINARY_API_KEY is required, unless IMAGE_STORE=local",
        "CLOUDINARY_API_SECRET": "CLOUDINARY_API_SECRET is required, unless IMAGE_STORE=local",
    }


def test_invalid_settings_are_not_also_reported_as_missing() -> None:
    errors = errors_of({**PRODUCTION, "ADMIN_SECRET_KEY": "short"})
    assert errors == {
        "ADMIN_SECRET_KEY": "ADMIN_SECRET_KEY must be at least 32 characters,"
        " all visible ASCII without spaces"
    }


def test_production_accepts_local_images_or_cloudinary() -> None:
    local = Settings.read(PRODUCTION)
    assert local.in_production
    assert local.image_store is ImageStoreKind.LOCAL
    assert local.log_format is LogFormat.JSON
    settings = Settings.read({**PRODUCTION, "IMAGE_STORE": "", **CLOUDINARY})
    assert settings.image_store is ImageStoreKind.CLOUDINARY


def test_development_uses_cloudinary_if_completely_configured() -> None:
    assert Settings.read(CLOUDINARY).image_store is ImageStoreKind.CLOUDINARY
    assert Settings.read({**CLOUDINARY, "IMAGE_STORE": "local"}).image_store is ImageStoreKind.LOCAL
    assert list(errors_of({**CLOUDINARY, "CLOUDINARY_API_KEY": ""})) == ["CLOUDINARY_API_KEY"]
    assert len(errors_of({"IMAGE_STORE": "cloudinary"})) == 3


@pytest.mark.parametrize(
    ("url", "parsed_url"),
    [
        ("postgres://u:p@h:5432/eggs", "postgresql+psycopg://u:p@h:5432/eggs"),
        ("postgresql://h/eggs?sslmode=require", "postgresql+psycopg://h/eggs?sslmode=require"),
        ("postgresql+psycopg://u@[::1]/eggs", "postgresql+psycopg://u@[::1]/eggs"),
        ("POSTGRES://u:%40%2F@h/eggs", "postgresql+psycopg://u:%40%2F@h/eggs"),
        ("postgres:///eggs?host=/run/pg", "postgresql+psycopg:///eggs?host=/run/pg"),
        ("postgres://u@/eggs?port=1&host=h", "postgresql+psycopg://u@/eggs?port=1&host=h"),
        ("postgres://h/eggs?schema=x&pgbouncer=true", "postgresql+psycopg://h/eggs"),
        ("postgres://h/eggs?supa=a.b&workaround=c", "postgresql+psycopg://h/eggs"),
        (
            "postgres://h/eggs?ssl=true&tcpKeepAlive=1",
            "postgresql+psycopg://h/eggs?sslmode=require",
        ),
    ],
)
def test_postgres_url_gets_the_driver(url: str, parsed_url: str) -> None:
    settings = Settings.read({"POSTGRES_URL": url})
    assert settings.postgres_url == parsed_url
    parts = make_url(parsed_url)
    assert parts.database == "eggs"
    assert parts.host or parts.query["host"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("frobnicate=m4rk3r", "has an unknown option 'frobnicate': remove it"),
        ("autocommit=m4rk3r", "has an unknown option 'autocommit'"),
        (f"{'m4rk3r' * 9}=1", "has an unknown option '...'"),
        ("sslmode=m4rk3r", "has an unknown sslmode: it must be one of disable, allow"),
        ("connect_timeout=m4rk3r", "has a connect_timeout that is no whole number"),
        ("port=1&port=2", "has the option 'port' more than once"),
    ],
)
def test_invalid_option_of_a_postgres_url_is_named(options: str, message: str) -> None:
    [(name, text)] = errors_of({"POSTGRES_READ_URL": f"postgres://h/eggs?{options}"}).items()
    assert text.startswith(f"{name} {message}")
    assert "m4rk3r" not in text


def test_every_option_of_libpq_is_known() -> None:
    names = {row.keyword.decode() for row in Conninfo.get_defaults()}
    assert not names - LIBPQ_OPTIONS
    assert not FOREIGN_OPTIONS & LIBPQ_OPTIONS


@pytest.mark.parametrize(
    "url",
    [
        "eggs",
        "postgres:",
        "postgres://",
        "postgres:eggs?host=h",
        "postgres:///eggs",
        "postgres:///eggs?host=",
        "postgres://h",
        "postgres://h/",
        "postgres://:5432/eggs",
        "postgres://h:0/eggs",
        "postgres://h:65536/eggs",
        "postgres://h:/eggs",
        "postgres://u:1/2@h/eggs",
        "postgres://[::1/eggs",
        "postgres://x[::1]/eggs",
        "postgres://u:p@ss@h/eggs",
        "postgres://u:p#ss@h/eggs",
        "postgres://u:p ss@h/eggs",
        "postgres://h/eggs\n?host=x",
        "postgresql+asyncpg://h/eggs",
    ],
)
def test_invalid_postgres_url_is_rejected(url: str) -> None:
    assert list(errors_of({"POSTGRES_URL": url})) == ["POSTGRES_URL"]


@pytest.mark.parametrize(
    ("url", "parsed_url"),
    [
        ("redis://localhost:6379", "redis://localhost:6379"),
        ("rediss://:pass@h:6380/2", "rediss://:pass@h:6380/2"),
        ("valkey://h/0", "redis://h/0"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        ("redis+cluster://a:7000,b:7001", "redis+cluster://a:7000,b:7001"),
        ("valkey+cluster://a/", "redis+cluster://a"),
        ("rediss+cluster://me:p%40ss@a,[::1]:1", "rediss+cluster://me:p%40ss@a,[::1]:1"),
    ],
)
def test_redis_url_is_parsed(url: str, parsed_url: str) -> None:
    assert Settings.read({"REDIS_URL": url}).redis_url == parsed_url


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis:///0",
        "redis://h/eggs",
        "unix://",
        "h:6379",
        "redis+cluster://",
        "redis+cluster://a,,b",
        "redis+cluster://a:x",
        "redis+cluster://a/0",
        "redis+cluster://a?b=c",
        "redis+cluster://u:p@a@b",
        "redis+cluster://u/v:p@a",
        "http+cluster://a",
        "unix+cluster:///a",
    ],
)
def test_invalid_redis_url_is_rejected(url: str) -> None:
    assert list(errors_of({"REDIS_URL": url})) == ["REDIS_URL"]


def test_lists_keep_their_order_without_duplicates() -> None:
    settings = Settings.read(
        {
            "CORS_ORIGIN": "https://Shop.example/, http://[::1]:80,https://shop.example:443,",
            "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "METRICS_NETWORKS": "192.0.2.1",
        }
    )
    assert settings.cors_origin == ("https://shop.example", "http://[::1]")
    text = "https://*.Vercel.app:443,http://*.localhost:3000,http://[0:0:0::1]:80,http://127.0.0.1"
    assert Settings.read({"CORS_ORIGIN": text}).cors_origin == (
        "https://*.vercel.app",
        "http://*.localhost:3000",
        "http://[::1]",
        "http://127.0.0.1",
    )
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.metrics_networks == (ip_network("192.0.2.1/32"),)


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "shop.example", "https://shop.example/a", "https://u@shop.example", "é"),
        *("https://*", "https://*.example", "https://*.*.shop.example", "*.shop.example"),
        *("https://a*.shop.example", "https://a.*.example", "https://*shop.example"),
        *("http://127.1", "http://010.0.0.1", "http://256.0.0.1", "http://0x7f.1", "http://*.1"),
        *("https://a..example", "https://-a.example", "https://a%2e.example", "https://a!.example"),
    ],
)
def test_invalid_origin_is_rejected(origin: str) -> None:
    assert list(errors_of({"CORS_ORIGIN": f"https://shop.example,{origin}"})) == ["CORS_ORIGIN"]


@pytest.mark.parametrize("number", ["", "0", "604800"])
def test_numbers_within_bounds_are_parsed(number: str) -> None:
    assert Settings.read({"CACHE_TTL": number}).cache_ttl == int(number or 300)


@pytest.mark.parametrize(
    "number", ["+5", "-5", "5.0", "5_0", "٣", "²", "604801", "9" * 5000, "0x1"]
)
def test_invalid_numbers_are_rejected(number: str) -> None:
    assert list(errors_of({"CACHE_TTL": number})) == ["CACHE_TTL"]


@pytest.mark.parametrize("code", ["JPY", "KWD", "KRW", "CLF", "XAU", "EURO", "€"])
def test_currency_without_two_decimals_is_rejected(code: str) -> None:
    assert list(errors_of({"CURRENCY": code})) == ["CURRENCY"]


def test_case_does_not_matter() -> None:
    settings = Settings.read(
        {"LOG_LEVEL": "WARNING", "CURRENCY": "usd", "ENABLE_API_METRICS": "No"}
    )
    assert settings.log_level is LogLevel.WARNING
    assert settings.currency == "USD"
    assert settings.enable_api_metrics is False


@given(st.fixed_dictionaries({name: st.text(max_size=8) for name in NAMES}))
def test_errors_never_contain_values(tails: dict[str, str]) -> None:
    marker = "m4rk3r"
    environment = {name: f"{INVALID[name]}{marker}\0{tail}" for name, tail in tails.items()}
    with pytest.raises(ConfigurationError) as raised:
        Settings.read(environment)
    assert {error.field for error in raised.value.errors} == set(NAMES)
    assert marker not in str(raised.value)
    assert marker not in repr(raised.value.errors)
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize("value", ["m4rk3r é", "postgres://m4rk3r:m4rk3r@m4rk3r:m4rk3r/m4rk3r é"])
def test_errors_never_contain_nearly_valid_values(value: str) -> None:
    errors = errors_of(dict.fromkeys(NAMES, value))
    assert set(errors) == set(NAMES) - {"EGGYPRO_DATA_DIR"}
    assert "m4rk3r" not in str(errors)


def test_repr_contains_no_secrets() -> None:
    secrets = {
        "POSTGRES_URL": "postgres://u:m4rk3r@h/eggs",
        "POSTGRES_URL_NON_POOLING": "postgres://u:m4rk3r@h/eggs",
        "POSTGRES_READ_URL": "postgres://u:m4rk3r@h/eggs",
        "ADMIN_SECRET_KEY": "m4rk3r" * 6,
        "JWT_SECRET": "m4rk3r" * 6,
        "JWT_SECRET_PREVIOUS": "m4rk3r" * 6,
        "CRON_SECRET": "m4rk3r" * 6,
        "CLOUDINARY_CLOUD_NAME": "eggypro",
        "CLOUDINARY_API_KEY": "m4rk3r",
        "CLOUDINARY_API_SECRET": "m4rk3r",
        "REDIS_URL": "redis://:m4rk3r@h",
        "SENTRY_DSN": "https://m4rk3r@sentry.example/1",
    }
    settings = Settings.read(secrets)
    assert "m4rk3r" not in repr(settings)
    hidden = {attribute.name.upper() for attribute in fields(Settings) if not attribute.repr}
    assert hidden == set(secrets) - {"CLOUDINARY_CLOUD_NAME"}


def test_example_sets_nothing() -> None:
    variables = dotenv_values(stream=StringIO(settings_example()), interpolate=False)
    assert variables == {}


def test_example_has_every_setting_with_its_default() -> None:
    lines = "\n".join(re.findall(r"^# ([A-Z_]+=.*)$", settings_example(), flags=re.MULTILINE))
    variables = dotenv_values(stream=StringIO(lines), interpolate=False)
    assert sorted(variables) == sorted(NAMES)
    assert Settings.read({name: text or "" for name, text in variables.items()}) == Settings()
    assert (variables["CACHE_TTL"], variables["CURRENCY"], variables["APP_ENV"]) == (
        "300",
        "EUR",
        "development",
    )
    assert variables["ENABLE_API_METRICS"] == "true"
    assert variables["ADMIN_SECRET_KEY"] == ""


def test_example_has_short_lines_and_names_aliases() -> None:
    assert all(len(line) <= 100 for line in settings_example().splitlines())
    assert "Also read as NODE_ENV." in settings_example()


def test_configuration_error_has_one_line_per_error() -> None:
    error = ConfigurationError([FieldError("A", "A is wrong"), FieldError("B", "B is required")])
    assert str(error) == "A is wrong\nB is required"
