"""The log: one line for each request and for each event, for machines or for people."""

from eggypro_adapters.logs.lines import LineWriter
from eggypro_adapters.logs.setup import Logs, set_up_logs

__all__ = ["LineWriter", "Logs", "set_up_logs"]
