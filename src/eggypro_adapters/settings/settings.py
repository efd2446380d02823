"""The settings: one table of them, read from an environment with all faults at once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from eggypro_adapters.settings import types as values
from eggypro_adapters.settings.definition import computed, definitions_of, parse_setting, setting
from eggypro_adapters.settings.types import (
    AppEnvironment,
    ImageStoreKind,
    LogFormat,
    LogLevel,
    Network,
    Pooler,
)
from eggypro_core.errors import ConfigurationError, FieldError

_CLOUDINARY = ("cloudinary_cloud_name", "cloudinary_api_key", "cloudinary_api_secret")
_INTRODUCTION = """\
# The settings of EggyPro, for .env.local or the environment. A line is commented out where what it
# shows is the default, or where there is none; a blank value counts as absent."""


def _image_keeper(settings: "Settings") -> ImageStoreKind:
    named = any(getattr(settings, name) for name in _CLOUDINARY)
    return ImageStoreKind.CLOUDINARY if named or settings.in_production else ImageStoreKind.LOCAL


def _log_format(settings: "Settings") -> LogFormat:
    return LogFormat.JSON if settings.in_production else LogFormat.CONSOLE


@frozen(kw_only=True)
class Settings:
    """All settings, each under its variable's name in lower case.

    `Settings()` is what an empty environment gives: development, where None is an embedded
    stand-in or a thing that is switched off.
    """

    app_env: AppEnvironment = setting(
        values.one_of(AppEnvironment),
        "Where this runs.",
        default=AppEnvironment.DEVELOPMENT,
        alias="NODE_ENV",
        group="Application",
    )
    app_url: str | None = setting(
        values.HTTP_URL, "The storefront.", default=None, alias="NEXT_PUBLIC_APP_URL"
    )
    currency: str = setting(values.CURRENCY, "The currency of every price.", default="EUR")
    eggypro_data_dir: Path = setting(
        values.FOLDER,
        "The folder of the embedded database, the local images and the generated admin key.",
        default=Path(".data"),
    )

    postgres_url: str | None = setting(
        values.POSTGRES_URL,
        "The database. Required in production; an embedded one in development.",
        default=None,
        group="Database",
        secret=True,
    )
    postgres_url_non_pooling: str | None = setting(
        values.POSTGRES_URL,
        "The same database past its pooler, for migrations.",
        default=None,
        secret=True,
    )
    postgres_read_url: str | None = setting(
        values.POSTGRES_URL,
        "A replica of it, for reads by servers that keep answers (`CACHE_TTL`).",
        default=None,
        secret=True,
    )
    postgres_pooler: Pooler = setting(
        values.one_of(Pooler),
        "Whether a transaction pooler (PgBouncer, Neon) stands before the database.",
        default=Pooler.AUTO,
    )

    admin_secret_key: str | None = setting(
        values.secret(32),
        "The administrator's key. Required in production; made once and kept in development.",
        default=None,
        group="Access",
        secret=True,
    )
    jwt_secret: str | None = setting(
        values.secret(32),
        "What signs the tokens of administrators; without it none are issued.",
        default=None,
        secret=True,
    )
    cron_secret: str | None = setting(
        values.secret(16),
        "What the platform's scheduler sends to the maintenance endpoints.",
        default=None,
        secret=True,
    )
    cors_origin: tuple[str, ...] = setting(
        values.ORIGINS,
        "The origins whose pages may call the API from a browser.",
        default=("http://localhost:3000",),
    )
    trusted_proxies: tuple[Network, ...] = setting(
        values.NETWORKS, "The proxies whose X-Forwarded-For is believed.", default=()
    )

    cloudinary_cloud_name: str | None = setting(
        values.CLOUD_NAME,
        "The account that keeps the images. Required in production, unless IMAGE_STORE=local.",
        default=None,
        group="Images",
    )
    cloudinary_api_key: str | None = setting(
        values.WORD, "Its key; required with it.", default=None, secret=True
    )
    cloudinary_api_secret: str | None = setting(
        values.WORD, "Its secret; required with it.", default=None, secret=True
    )
    cloudinary_upload_prefix: str = setting(
        values.HTTP_URL,
        "Cloudinary's own API, where it is not the usual one.",
        default="https://api.cloudinary.com",
    )
    image_store: ImageStoreKind = setting(
        values.one_of(ImageStoreKind),
        "Who keeps the images; local in development when Cloudinary is not named.",
        default=computed(_image_keeper),
    )

    redis_url: str | None = setting(
        values.REDIS_URL,
        "The Redis, or redis+cluster://host:port,host:port, that workers share; without it each has"
        " its own cache and counts.",
        default=None,
        group="Cache",
        secret=True,
    )
    cache_ttl: int = setting(
        values.integer_between(0, 604_800),
        "How many seconds an answer is kept; 0 keeps none.",
        default=300,
    )
    cdn_ttl: int = setting(
        values.integer_between(0, 31_536_000),
        "How many seconds a CDN may keep an answer, and as many more while it asks anew; 0: none.",
        default=0,
    )

    rate_limit_window_ms: int = setting(
        values.integer_between(1, 86_400_000),
        "The milliseconds over which a client's requests are counted.",
        default=900_000,
        group="Rate limits",
    )
    rate_limit_max_requests: int = setting(
        values.integer_between(0, 1_000_000_000),
        "How many a client may make in that time; 0 means any number.",
        default=100,
    )

    enable_api_metrics: bool = setting(
        values.BOOLEAN, "Whether requests are recorded.", default=True, group="Monitoring"
    )
    metrics_networks: tuple[Network, ...] = setting(
        values.NETWORKS, "Who may read /metrics without a credential.", default=()
    )
    enable_error_tracking: bool = setting(
        values.BOOLEAN, "Whether unexpected errors are reported.", default=True
    )
    sentry_dsn: str | None = setting(
        values.SENTRY_DSN,
        "The Sentry project they are reported to; without it, the log.",
        default=None,
        secret=True,
    )
    log_level: LogLevel = setting(
        values.one_of(LogLevel), "The least serious line that is logged.", default=LogLevel.INFO
    )
    log_format: LogFormat = setting(
        values.one_of(LogFormat),
        "How a line is logged; json in production, else console.",
        default=computed(_log_format),
    )

    @property
    def in_production(self) -> bool:
        """Whether nothing may be embedded or made up."""
        return self.app_env is AppEnvironment.PRODUCTION

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read all settings from an environment; other variables are left alone.

        Space around a value is dropped, and a blank value is an absent one. Raises
        ConfigurationError with every fault: the variable's name and the reason, never its value.
        """
        found = {row.field: parse_setting(row, environment) for row in definitions_of(cls)}
        faults = [value for value in found.values() if isinstance(value, FieldError)]
        given: dict[str, Any] = {
            name: value
            for name, value in found.items()
            if value is not None and not isinstance(value, FieldError)
        }
        settings = cls(**given)
        missing = (
            fault for fault in _missing_settings(settings) if found[fault.field.lower()] is None
        )
        if faults := [*faults, *missing]:
            raise ConfigurationError(faults)
        return settings


def settings_example() -> str:
    """Return a commented `.env.example`: every setting with its meaning and its default."""
    blocks = [_INTRODUCTION]
    for row in definitions_of(Settings):
        heading = [f"# --- {row.group} ---"] if row.group else []
        blocks += [*heading, "\n".join(row.example())]
    return "\n\n".join(blocks) + "\n"


def _missing_settings(settings: Settings) -> Iterator[FieldError]:
    if settings.in_production:
        for name in ("postgres_url", "admin_secret_key"):
            if not getattr(settings, name):
                yield FieldError(name.upper(), f"{name.upper()} is required in production")
    if settings.image_store is ImageStoreKind.CLOUDINARY:
        for name in _CLOUDINARY:
            if not getattr(settings, name):
                yield FieldError(
                    name.upper(), f"{name.upper()} is required, unless IMAGE_STORE=local"
                )
