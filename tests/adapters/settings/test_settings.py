"""Settings: what is read, what is refused, and that nothing refused is ever repeated."""

import re
from io import StringIO
from ipaddress import ip_network
from pathlib import Path

import pytest
from attrs import fields
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from eggypro_adapters.settings import Settings, settings_example
from eggypro_adapters.settings.definition import definitions_of
from eggypro_adapters.settings.types import AppEnvironment, ImageStoreKind, LogFormat, LogLevel
from eggypro_core.errors import ConfigurationError, FieldError

NAMES = """
    POSTGRES_URL POSTGRES_URL_NON_POOLING POSTGRES_READ_URL POSTGRES_POOLER ADMIN_SECRET_KEY
    CLOUDINARY_CLOUD_NAME CLOUDINARY_API_KEY CLOUDINARY_API_SECRET CLOUDINARY_UPLOAD_PREFIX
    IMAGE_STORE APP_ENV APP_URL CURRENCY RATE_LIMIT_WINDOW_MS RATE_LIMIT_MAX_REQUESTS
    ENABLE_API_METRICS ENABLE_ERROR_TRACKING SENTRY_DSN REDIS_URL CACHE_TTL CDN_TTL CORS_ORIGIN
    JWT_SECRET TRUSTED_PROXIES METRICS_NETWORKS CRON_SECRET EGGYPRO_DATA_DIR LOG_LEVEL LOG_FORMAT
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
WRONG = {
    "APP_ENV": "staging",
    "APP_URL": "shop.example",
    "CURRENCY": "JPY",
    "POSTGRES_URL": "mysql://db/eggs",
    "POSTGRES_URL_NON_POOLING": "postgres://db",
    "POSTGRES_READ_URL": "postgres://db:port/eggs",
    "POSTGRES_POOLER": "maybe",
    "ADMIN_SECRET_KEY": "short",
    "JWT_SECRET": "k" * 31,
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


def faults_of(environment: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as refused:
        Settings.read(environment)
    return {fault.field: fault.message for fault in refused.value.errors}


def test_an_empty_environment_is_development_with_nothing_missing() -> None:
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


def test_every_setting_that_the_specification_names_is_there_and_no_other() -> None:
    assert sorted(row.name for row in definitions_of(Settings)) == sorted(NAMES)
    assert sorted(WRONG) == sorted(NAMES)


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of(WRONG)
    assert sorted(faults) == sorted(NAMES)
    assert faults["CACHE_TTL"] == (
        "CACHE_TTL must be a whole number from 0 to 604800, in plain digits"
    )
    assert faults["CURRENCY"] == "CURRENCY must be an ISO 4217 code with two decimals, such as EUR"


def test_the_sentences_of_the_seed_are_used() -> None:
    faults = faults_of({**WRONG, "APP_URL": "", "NEXT_PUBLIC_APP_URL": "shop.example"})
    assert faults["POSTGRES_URL"].startswith("Invalid POSTGRES_URL: it must be postgresql://")
    assert faults["NEXT_PUBLIC_APP_URL"].startswith(
        "Invalid NEXT_PUBLIC_APP_URL: it must be an http"
    )
    key = faults["ADMIN_SECRET_KEY"]
    assert key.startswith("ADMIN_SECRET_KEY must be at least 32 characters")


def test_blank_is_absent_and_space_around_a_value_is_dropped() -> None:
    assert Settings.read(dict.fromkeys(NAMES, " \t")) == Settings()
    assert Settings.read({"ADMIN_SECRET_KEY": f" {KEY}\n"}).admin_secret_key == KEY


def test_an_alias_counts_where_its_setting_is_absent() -> None:
    aliases = {"NODE_ENV": "test", "NEXT_PUBLIC_APP_URL": "https://shop.example"}
    settings = Settings.read({**aliases, "APP_ENV": "", "APP_URL": ""})
    assert settings.app_env is AppEnvironment.TEST
    assert settings.app_url == "https://shop.example"
    assert Settings.read({**aliases, "APP_ENV": "development"}) == Settings(
        app_url="https://shop.example"
    )


def test_a_fault_of_an_alias_names_the_alias() -> None:
    assert list(faults_of({"NODE_ENV": "staging"})) == ["NODE_ENV"]


def test_production_needs_a_database_a_key_and_a_place_for_images() -> None:
    assert faults_of({"NODE_ENV": "production"}) == {
        "POSTGRES_URL": "POSTGRES_URL is required in production",
        "ADMIN_SECRET_KEY": "ADMIN_SECRET_KEY is required in production",
        "CLOUDINARY_CLOUD_NAME": "CLOUDINARY_CLOUD_NAME is required, unless IMAGE_STORE=local",
        "CLOUDINARY_API_KEY": "CLOUDINARY_API_KEY is required, unless IMAGE_STORE=local",
        "CLOUDINARY_API_SECRET": "CLOUDINARY_API_SECRET is required, unless IMAGE_STORE=local",
    }


def test_what_is_wrong_is_not_called_missing_too() -> None:
    faults = faults_of({**PRODUCTION, "ADMIN_SECRET_KEY": "short"})
    assert faults == {
        "ADMIN_SECRET_KEY": "ADMIN_SECRET_KEY must be at least 32 characters,"
        " all visible ASCII without spaces"
    }


def test_production_starts_with_local_images_or_with_cloudinary() -> None:
    local = Settings.read(PRODUCTION)
    assert local.in_production
    assert local.image_store is ImageStoreKind.LOCAL
    assert local.log_format is LogFormat.JSON
    named = Settings.read({**PRODUCTION, "IMAGE_STORE": "", **CLOUDINARY})
    assert named.image_store is ImageStoreKind.CLOUDINARY


def test_development_uses_cloudinary_when_it_is_named_and_only_as_a_whole() -> None:
    assert Settings.read(CLOUDINARY).image_store is ImageStoreKind.CLOUDINARY
    assert Settings.read({**CLOUDINARY, "IMAGE_STORE": "local"}).image_store is ImageStoreKind.LOCAL
    assert list(faults_of({**CLOUDINARY, "CLOUDINARY_API_KEY": ""})) == ["CLOUDINARY_API_KEY"]
    assert len(faults_of({"IMAGE_STORE": "cloudinary"})) == 3


@pytest.mark.parametrize(
    ("given_url", "read_url"),
    [
        ("postgres://u:p@h:5432/eggs", "postgresql+psycopg://u:p@h:5432/eggs"),
        ("postgresql://h/eggs?sslmode=require", "postgresql+psycopg://h/eggs?sslmode=require"),
        ("postgresql+psycopg://u@[::1]/eggs", "postgresql+psycopg://u@[::1]/eggs"),
        ("POSTGRES://u:%40%2F@h/eggs", "postgresql+psycopg://u:%40%2F@h/eggs"),
        ("postgres:///eggs?host=/run/pg", "postgresql+psycopg:///eggs?host=/run/pg"),
        ("postgres://u@/eggs?a=b&host=h", "postgresql+psycopg://u@/eggs?a=b&host=h"),
    ],
)
def test_a_database_address_is_made_the_driver_s(given_url: str, read_url: str) -> None:
    settings = Settings.read({"POSTGRES_URL": given_url})
    assert settings.postgres_url == read_url
    url = make_url(read_url)
    assert url.database == "eggs"
    assert url.host or url.query["host"]


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
def test_a_database_address_without_host_or_database_is_refused(url: str) -> None:
    assert list(faults_of({"POSTGRES_URL": url})) == ["POSTGRES_URL"]


@pytest.mark.parametrize(
    ("given_url", "read_url"),
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
def test_a_redis_address_is_read(given_url: str, read_url: str) -> None:
    assert Settings.read({"REDIS_URL": given_url}).redis_url == read_url


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
def test_a_redis_address_without_a_place_is_refused(url: str) -> None:
    assert list(faults_of({"REDIS_URL": url})) == ["REDIS_URL"]


def test_lists_are_read_in_order_and_once() -> None:
    settings = Settings.read(
        {
            "CORS_ORIGIN": "https://Shop.example/, http://[::1]:80,https://shop.example:443,",
            "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "METRICS_NETWORKS": "192.0.2.1",
        }
    )
    assert settings.cors_origin == ("https://shop.example", "http://[::1]")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert settings.metrics_networks == (ip_network("192.0.2.1/32"),)


@pytest.mark.parametrize(
    "origin", ["*", "null", "shop.example", "https://shop.example/a", "https://u@shop.example", "é"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    assert list(faults_of({"CORS_ORIGIN": f"https://shop.example,{origin}"})) == ["CORS_ORIGIN"]


@pytest.mark.parametrize("number", ["", "0", "604800"])
def test_numbers_within_their_bounds_are_read(number: str) -> None:
    assert Settings.read({"CACHE_TTL": number}).cache_ttl == int(number or 300)


@pytest.mark.parametrize(
    "number", ["+5", "-5", "5.0", "5_0", "٣", "²", "604801", "9" * 5000, "0x1"]
)
def test_other_numbers_are_refused(number: str) -> None:
    assert list(faults_of({"CACHE_TTL": number})) == ["CACHE_TTL"]


@pytest.mark.parametrize("code", ["JPY", "KWD", "KRW", "CLF", "XAU", "EURO", "€"])
def test_a_currency_without_two_decimals_is_refused(code: str) -> None:
    assert list(faults_of({"CURRENCY": code})) == ["CURRENCY"]


def test_words_are_read_in_upper_and_lower_case() -> None:
    settings = Settings.read(
        {"LOG_LEVEL": "WARNING", "CURRENCY": "usd", "ENABLE_API_METRICS": "No"}
    )
    assert settings.log_level is LogLevel.WARNING
    assert settings.currency == "USD"
    assert settings.enable_api_metrics is False


@given(st.fixed_dictionaries({name: st.text(max_size=8) for name in NAMES}))
def test_no_value_is_ever_repeated(tails: dict[str, str]) -> None:
    marker = "m4rk3r"
    environment = {name: f"{WRONG[name]}{marker}\0{tail}" for name, tail in tails.items()}
    with pytest.raises(ConfigurationError) as refused:
        Settings.read(environment)
    assert {fault.field for fault in refused.value.errors} == set(NAMES)
    assert marker not in str(refused.value)
    assert marker not in repr(refused.value.errors)
    assert refused.value.__cause__ is refused.value.__context__ is None


@pytest.mark.parametrize("value", ["m4rk3r é", "postgres://m4rk3r:m4rk3r@m4rk3r:m4rk3r/m4rk3r é"])
def test_no_value_is_repeated_that_is_nearly_right(value: str) -> None:
    faults = faults_of(dict.fromkeys(NAMES, value))
    assert set(faults) == set(NAMES) - {"EGGYPRO_DATA_DIR"}
    assert "m4rk3r" not in str(faults)


def test_no_secret_is_in_a_repr() -> None:
    secrets = {
        "POSTGRES_URL": "postgres://u:m4rk3r@h/eggs",
        "POSTGRES_URL_NON_POOLING": "postgres://u:m4rk3r@h/eggs",
        "POSTGRES_READ_URL": "postgres://u:m4rk3r@h/eggs",
        "ADMIN_SECRET_KEY": "m4rk3r" * 6,
        "JWT_SECRET": "m4rk3r" * 6,
        "CRON_SECRET": "m4rk3r" * 6,
        "CLOUDINARY_CLOUD_NAME": "eggypro",
        "CLOUDINARY_API_KEY": "m4rk3r",
        "CLOUDINARY_API_SECRET": "m4rk3r",
        "REDIS_URL": "redis://:m4rk3r@h",
        "SENTRY_DSN": "https://m4rk3r@sentry.example/1",
    }
    settings = Settings.read(secrets)
    assert "m4rk3r" not in repr(settings)
    hidden = {column.name.upper() for column in fields(Settings) if not column.repr}
    assert hidden == set(secrets) - {"CLOUDINARY_CLOUD_NAME"}


def test_the_example_is_as_good_as_no_settings() -> None:
    read = dotenv_values(stream=StringIO(settings_example()), interpolate=False)
    assert read == {}


def test_the_example_shows_every_setting_with_its_default() -> None:
    shown = "\n".join(re.findall(r"^# ([A-Z_]+=.*)$", settings_example(), flags=re.MULTILINE))
    read = dotenv_values(stream=StringIO(shown), interpolate=False)
    assert sorted(read) == sorted(NAMES)
    assert Settings.read({name: text or "" for name, text in read.items()}) == Settings()
    assert (read["CACHE_TTL"], read["CURRENCY"], read["APP_ENV"]) == ("300", "EUR", "development")
    assert read["ENABLE_API_METRICS"] == "true"
    assert read["ADMIN_SECRET_KEY"] == ""


def test_the_example_fits_a_screen_and_explains_aliases() -> None:
    assert all(len(line) <= 100 for line in settings_example().splitlines())
    assert "Also read as NODE_ENV." in settings_example()


def test_a_configuration_error_reads_as_one_fault_a_line() -> None:
    error = ConfigurationError([FieldError("A", "A is wrong"), FieldError("B", "B is required")])
    assert str(error) == "A is wrong\nB is required"
