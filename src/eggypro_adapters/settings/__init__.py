"""Settings of the process: their definitions, types and the .env files."""

from eggypro_adapters.settings.dotenv import read_environment
from eggypro_adapters.settings.settings import Settings, settings_example

__all__ = ["Settings", "read_environment", "settings_example"]
