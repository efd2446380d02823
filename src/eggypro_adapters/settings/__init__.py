"""Settings of the process: their definitions, types and the .env files."""

from eggypro_adapters.settings.dotenv import locate_variables, read_environment
from eggypro_adapters.settings.report import settings_in_force, warn_of_typos
from eggypro_adapters.settings.settings import Settings, settings_example

__all__ = [
    "Settings",
    "locate_variables",
    "read_environment",
    "settings_example",
    "settings_in_force",
    "warn_of_typos",
]
