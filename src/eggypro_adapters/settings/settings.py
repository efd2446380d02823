"""Settings: their definitions, read from an environment with all errors reported at once."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from eggypro_adapters.settings import types as values
from eggypro_adapters.settings.definition import (
    computed,
    parse_setting,
    setting,
    setting_definitions,
)
from eggypro_adapters.settings.types import (
    AppEnvironment,
    ImageStoreKind,
    LogFormat,
    LogLevel,
    Network,
    Pooler,
)
from eggypro_core.errors import ConfigurationError, FieldError

_CLOUDINARY_FIELDS = ("cloudinary_cloud_name", "cloudinary_api_key", "cloudinary_api_secret")
_INTRODUCTION = """\
# Settings of EggyPro, for .env.local or the environment. Commented lines show the default, or have
# none; a blank value counts as absent."""


def _image_store(settings: "Settings") -> ImageStoreKind:
    configured = any(getattr(settings, name) for name in _CLOUDINARY_FIELDS)
    return (
        ImageStoreKind.CLOUDINARY if configured or settings.in_production else ImageStoreKind.LOCAL
    )


def _log_format(settings: "Settings") -> LogFormat:
    return LogFormat.JSON if settings.in_production else LogFormat.CONSOLE


@frozen(kw_only=True)
class Settings:
    """The settings, each named like its variable in lower case.

    `Settings()` equals an empty environment: development, where None means an embedded service or
    a disabled feature.
    """

    app_env: AppEnvironment = setting(
        values.one_of(AppEnvironment),
        "The environment that this runs in.",
        default=AppEnvironment.DEVELOPMENT,
        alias="NODE_ENV",
        group="Application",
    )
    app_url: str | None = setting(
        values.HTTP_URL, "URL of the storefront.", default=None, alias="NEXT_PUBLIC_APP_URL"
    )
    public_url: str | None = setting(
        values.HTTP_URL,
        "Public URL of this API, for absolute addresses in exports and webhooks.",
        default=None,
    )
    currency: str = setting(values.CURRENCY, "Currency of all prices.", default="EUR")
    eggypro_data_dir: Path = setting(
        values.FOLDER,
        "Folder of the embedded database, local images and generated secrets.",
        default=Path(".data"),
    )

    postgres_url: str | None = setting(
        values.POSTGRES_URL,
        "URL of the database. Required in production; development defaults to an embedded one,"
        " which ignores the PG* variables of libpq. Options that other libraries write there"
        " (pgbouncer, connection_limit, schema, ...) are dropped.",
        default=None,
        group="Database",
        secret=True,
    )
    postgres_url_non_pooling: str | None = setting(
        values.POSTGRES_URL,
        "URL of the same database without the pooler, for migrations and cache invalidation.",
        default=None,
        secret=True,
    )
    postgres_read_url: str | None = setting(
        values.POSTGRES_URL,
        "URL of a read replica, used by servers that cache responses (`CACHE_TTL`).",
        default=None,
        secret=True,
    )
    postgres_pooler: Pooler = setting(
        values.one_of(Pooler),
        "Whether the database is behind a transaction pooler (PgBouncer, Neon).",
        default=Pooler.AUTO,
    )

    admin_secret_key: str | None = setting(
        values.secret(32),
        "Key of the administrator. Required in production; generated and stored in development.",
        default=None,
        group="Access",
        secret=True,
    )
    jwt_secret: str | None = setting(
        values.secret(32),
        "Secret that signs the tokens of administrators. Without it, production issues no tokens;"
        " development generates and stores one.",
        default=None,
        secret=True,
    )
    jwt_secret_previous: str | None = setting(
        values.secret(32),
        "The former JWT_SECRET, so that tokens signed with it stay valid until they expire.",
        default=None,
        secret=True,
    )
    cron_secret: str | None = setting(
        values.secret(16),
        "Secret that the scheduler of the platform sends to the maintenance endpoints.",
        default=None,
        secret=True,
    )
    cors_origin: tuple[str, ...] = setting(
        values.ORIGINS,
        "Origins whose pages may call the API from a browser; *. stands for all subdomains.",
        default=("http://localhost:3000",),
    )
    trusted_proxies: tuple[Network, ...] = setting(
        values.NETWORKS, "Proxies whose X-Forwarded-For header is trusted.", default=()
    )

    cloudinary_cloud_name: str | None = setting(
        values.CLOUD_NAME,
        "Cloudinary account that stores the images. Required in production, unless"
        " IMAGE_STORE=local.",
        default=None,
        group="Images",
    )
    cloudinary_api_key: str | None = setting(
        values.WORD,
        "Cloudinary API key. Required when CLOUDINARY_CLOUD_NAME is set.",
        default=None,
        secret=True,
    )
    cloudinary_api_secret: str | None = setting(
        values.WORD,
        "Cloudinary API secret. Required when CLOUDINARY_CLOUD_NAME is set.",
        default=None,
        secret=True,
    )
    cloudinary_upload_prefix: str = setting(
        values.HTTP_URL,
        "URL of the Cloudinary API.",
        default="https://api.cloudinary.com",
    )
    image_store: ImageStoreKind = setting(
        values.one_of(ImageStoreKind),
        "Where images are stored. Defaults to cloudinary in production or if a Cloudinary setting"
        " is set, else to local.",
        default=computed(_image_store),
    )

    redis_url: str | None = setting(
        values.REDIS_URL,
        "URL of a Redis (or redis+cluster://host:port,host:port) that workers share. Without it,"
        " each worker has its own cache and rate limit counters.",
        default=None,
        group="Cache",
        secret=True,
    )
    cache_ttl: int = setting(
        values.integer_between(0, 604_800),
        "Seconds for which responses are cached; 0 disables the cache.",
        default=300,
    )
    cdn_ttl: int = setting(
        values.integer_between(0, 31_536_000),
        "Seconds a CDN may cache responses (`s-maxage` and `stale-while-revalidate`); 0 disables"
        " CDN caching.",
        default=0,
    )
    event_retention_days: int = setting(
        values.integer_between(1, 3650),
        "Days for which the event log is kept: history, undo, and the feed of events.",
        default=90,
    )

    rate_limit_window_ms: int = setting(
        values.integer_between(1, 86_400_000),
        "Length of the rate limit window in milliseconds.",
        default=900_000,
        group="Rate limits",
    )
    rate_limit_max_requests: int = setting(
        values.integer_between(0, 1_000_000_000),
        "Requests a client may make per window; 0 means unlimited.",
        default=100,
    )

    enable_api_metrics: bool = setting(
        values.BOOLEAN,
        "Whether requests are recorded in `api_metrics`.",
        default=True,
        group="Monitoring",
    )
    metrics_networks: tuple[Network, ...] = setting(
        values.NETWORKS, "Networks that may read /metrics without a credential.", default=()
    )
    enable_error_tracking: bool = setting(
        values.BOOLEAN, "Whether unexpected errors are reported to Sentry.", default=True
    )
    sentry_dsn: str | None = setting(
        values.SENTRY_DSN,
        "DSN of the Sentry project that errors are reported to. Without it, they are only logged.",
        default=None,
        secret=True,
    )
    log_level: LogLevel = setting(
        values.one_of(LogLevel), "Minimum level of logged lines.", default=LogLevel.INFO
    )
    log_format: LogFormat = setting(
        values.one_of(LogFormat),
        "Format of the log. Defaults to json in production, else to console.",
        default=computed(_log_format),
    )

    @property
    def in_production(self) -> bool:
        """Return whether everything must be configured: nothing is embedded or generated."""
        return self.app_env is AppEnvironment.PRODUCTION

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Read all settings from an environment; other variables are ignored.

        Values are stripped; a blank value counts as absent. Raises ConfigurationError with every
        error: the name of the variable and the reason, never the value.
        """
        parsed = {row.field: parse_setting(row, environment) for row in setting_definitions(cls)}
        errors = [value for value in parsed.values() if isinstance(value, FieldError)]
        values: dict[str, Any] = {
            name: value
            for name, value in parsed.items()
            if value is not None and not isinstance(value, FieldError)
        }
        settings = cls(**values)
        missing = (
            error for error in _missing_settings(settings) if parsed[error.field.lower()] is None
        )
        if errors := [*errors, *missing]:
            raise ConfigurationError(errors)
        return settings


def settings_example() -> str:
    """Return a commented `.env` file with the description and default of every setting."""
    blocks = [_INTRODUCTION]
    for row in setting_definitions(Settings):
        heading = [f"# --- {row.group} ---"] if row.group else []
        blocks += [*heading, "\n".join(row.example())]
    return "\n\n".join(blocks) + "\n"


def _missing_settings(settings: Settings) -> Iterator[FieldError]:
    if settings.in_production:
        for name in ("postgres_url", "admin_secret_key"):
            if not getattr(settings, name):
                yield FieldError(name.upper(), f"{name.upper()} is required in production")
    if settings.image_store is ImageStoreKind.CLOUDINARY:
        for name in _CLOUDINARY_FIELDS:
            if not getattr(settings, name):
                yield FieldError(
                    name.upper(), f"{name.upper()} is required, unless IMAGE_STORE=local"
                )
