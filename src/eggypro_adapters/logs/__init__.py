"""Logging: one line per request and event, as JSON or for a terminal."""

from eggypro_adapters.logs.lines import LineWriter
from eggypro_adapters.logs.setup import Logs, set_up_logs

__all__ = ["LineWriter", "Logs", "set_up_logs"]
