"""Log setup, called once by each server process."""

import logging

import structlog
from attrs import frozen

from eggypro_adapters.buffered_writer import BufferedWriter
from eggypro_adapters.logs.access import access_log
from eggypro_adapters.logs.lines import LineWriter
from eggypro_adapters.logs.rendering import PROCESSORS, Renderer, console_renderer, json_renderer

LOGGER_NAMES = ("eggypro_core", "eggypro_adapters", "eggypro_http", "eggypro_cli")


@frozen
class Logs:
    """The log of a process."""

    _lines: LineWriter
    _render: Renderer

    def access(self, *, in_request: bool = False) -> BufferedWriter:
        """Return the access log; it is written before the response is sent if `in_request`."""
        return access_log(self._lines, self._render, in_request=in_request)


def set_up_logs(level: str, *, json: bool, lines: LineWriter, colours: bool) -> Logs:
    """Write everything that is logged, also by libraries, as lines of one format.

    Libraries are logged from WARNING up: their details may contain credentials. A second setup
    replaces the first.
    """
    render = json_renderer() if json else console_renderer(colours=colours)
    handler = _LineHandler(lines)
    handler.setFormatter(_formatter(render))
    root = logging.getLogger()
    for former in root.handlers[:]:
        if isinstance(former, _LineHandler):
            root.removeHandler(former)
    root.addHandler(handler)
    min_level = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(min_level, logging.WARNING))
    for name in LOGGER_NAMES:
        logging.getLogger(name).setLevel(min_level)
    logging.captureWarnings(capture=True)
    return Logs(lines, render)


class _LineHandler(logging.StreamHandler[LineWriter]):
    """A handler of our own class, to be distinguished from those of others."""


def _formatter(render: Renderer) -> logging.Formatter:
    def processor(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
        return render(event)

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=PROCESSORS,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, processor],
    )
