"""The composition root: builds a shop from settings. No other module combines adapters."""

from eggypro_adapters.wiring.access import admin_key_file, open_tokens
from eggypro_adapters.wiring.common import DEMO
from eggypro_adapters.wiring.database import open_address, open_migrations, tool_folders
from eggypro_adapters.wiring.images import image_store
from eggypro_adapters.wiring.monitoring import logs_to_stderr
from eggypro_adapters.wiring.server import (
    ServerParts,
    open_server,
    open_serverless,
    start_notes,
)
from eggypro_adapters.wiring.shop import open_shop

__all__ = [
    "DEMO",
    "ServerParts",
    "admin_key_file",
    "image_store",
    "logs_to_stderr",
    "open_address",
    "open_migrations",
    "open_server",
    "open_serverless",
    "open_shop",
    "open_tokens",
    "start_notes",
    "tool_folders",
]
