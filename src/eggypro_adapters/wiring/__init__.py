"""The composition root: builds a shop from settings. No other module combines adapters."""

from eggypro_adapters.wiring.access import admin_key_file, require_tokens
from eggypro_adapters.wiring.backups import open_backups
from eggypro_adapters.wiring.common import DEMO_CATALOG_PATH
from eggypro_adapters.wiring.database import (
    open_libpq_environment,
    open_migrations,
    postgres_bin_dirs,
    replica_check,
)
from eggypro_adapters.wiring.images import image_store_and_server
from eggypro_adapters.wiring.monitoring import logs_to_stderr, temporary_metrics_folder
from eggypro_adapters.wiring.server import (
    ServerParts,
    open_server,
    open_serverless,
    startup_warnings,
)
from eggypro_adapters.wiring.shop import open_shop

__all__ = [
    "DEMO_CATALOG_PATH",
    "ServerParts",
    "admin_key_file",
    "image_store_and_server",
    "logs_to_stderr",
    "open_backups",
    "open_libpq_environment",
    "open_migrations",
    "open_server",
    "open_serverless",
    "open_shop",
    "postgres_bin_dirs",
    "replica_check",
    "require_tokens",
    "startup_warnings",
    "temporary_metrics_folder",
]
