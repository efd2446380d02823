"""Where the log goes: called once by each process that serves, by nobody else."""

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
    """The log of a process, as it was set up."""

    _lines: LineWriter
    _rendered: Renderer

    def access(self, *, in_request: bool = False) -> BufferedWriter:
        """Return what writes a line for each call: before its answer goes out, if `in_request`."""
        return access_log(self._lines, self._rendered, in_request=in_request)


def set_up_logs(level: str, *, json: bool, lines: LineWriter, colours: bool) -> Logs:
    """Have all that is logged, by whatever library, be written as lines of one form.

    Libraries are heard from warnings on: what they tell of their work in detail may hold
    credentials. Set up again, the former lines end.
    """
    rendered = json_renderer() if json else console_renderer(colours=colours)
    handler = _LineHandler(lines)
    handler.setFormatter(_formatter(rendered))
    root = logging.getLogger()
    for former in [one for one in root.handlers if isinstance(one, _LineHandler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    least = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(least, logging.WARNING))
    for name in LOGGER_NAMES:
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(capture=True)
    return Logs(lines, rendered)


class _LineHandler(logging.StreamHandler[LineWriter]):
    """The handler that is ours, to be told from those of others."""


def _formatter(rendered: Renderer) -> logging.Formatter:
    def render(_logger: object, _name: str, event: structlog.typing.EventDict) -> str:
        return rendered(event)

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=PROCESSORS,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
