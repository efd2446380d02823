"""The log: one line for each request and for each event, for machines or for people."""

from eggypro_adapters.logs.lines import Lines
from eggypro_adapters.logs.setup import Logs, set_up_logs

__all__ = ["Lines", "Logs", "set_up_logs"]
