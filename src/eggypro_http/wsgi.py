"""The entry for any WSGI server: from the environment to the application."""

import atexit
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from wsgiref.types import WSGIApplication

from eggypro_adapters.settings import Settings, read_environment
from eggypro_adapters.wiring import logs_to_stderr, open_server, open_serverless, start_notes
from eggypro_core.shop import Shop
from eggypro_http.app import create_app


def application() -> WSGIApplication:
    """Return the application that the settings describe, for example to Gunicorn.

    As in `gunicorn 'eggypro_http.wsgi:application()'`. What it opens is closed with the process.
    Workers share their figures if PROMETHEUS_MULTIPROC_DIR names a folder, empty at the start, as
    is usual for Prometheus; otherwise each has its own.
    """
    settings = Settings.read(read_environment(os.environ, Path.cwd()))
    logs = logs_to_stderr(settings, colours=not os.environ.get("NO_COLOR"))
    for note in start_notes(settings):
        logging.getLogger(__name__).warning(note)
    return _served(open_server(settings, logs, _figures()))


def serverless_application(environment: Mapping[str, str]) -> WSGIApplication:
    """Return the same for a platform whose processes may stop after any answer.

    Nothing is left to threads: calls are logged and noted before their answers go out, and answers
    are not kept, since a process that stands still hears of no write. Raises ConfigurationError.
    """
    settings = Settings.read(environment)
    return _served(open_serverless(settings, logs_to_stderr(settings, colours=False)))


def _served(shop: Shop) -> WSGIApplication:
    atexit.register(shop.close)
    return create_app(shop)


def _figures() -> Path:
    """Return the folder of the figures."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if shared:
        return Path(shared)
    own = tempfile.TemporaryDirectory(prefix="eggypro-figures-")
    atexit.register(own.cleanup)
    return Path(own.name)
