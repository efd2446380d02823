"""The entry for any WSGI server: from the environment to the application."""

import atexit
import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from wsgiref.types import WSGIApplication

from eggypro_adapters.settings import Settings, read_environment
from eggypro_adapters.wiring import (
    ServerParts,
    logs_to_stderr,
    open_server,
    open_serverless,
    start_notes,
)
from eggypro_core.access.rate_limiting import policies
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig


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
    return _create_app(settings, open_server(settings, logs, _metrics_dir()))


def serverless_application(environment: Mapping[str, str]) -> WSGIApplication:
    """Return the same for a platform whose processes may stop after any answer.

    Nothing is left to threads: calls are logged and noted before their answers go out, and answers
    are not kept, since a process that stands still hears of no write. Raises ConfigurationError.
    """
    settings = Settings.read(environment)
    logs = logs_to_stderr(settings, colours=False)
    return _create_app(settings, open_serverless(settings, logs))


def open_worker(settings: Settings, metrics_dir: Path, *, colours: bool) -> tuple[Shop, HttpConfig]:
    """Open what a worker process serves: the shop that the settings describe, and its config."""
    logs = logs_to_stderr(settings, colours=colours)
    parts = open_server(settings, logs, metrics_dir)
    return parts.shop, config_of(settings, parts)


def config_of(settings: Settings, parts: ServerParts) -> HttpConfig:
    """Return the configuration of the API that the settings describe, over the opened parts."""
    return HttpConfig(
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors_origin,
        cdn_ttl=settings.cdn_ttl,
        in_production=settings.in_production,
        metrics_networks=settings.metrics_networks,
        rate_limits=policies(settings.rate_limit_max_requests, settings.rate_limit_window_ms),
        rate_counter=parts.rate_counter,
        cache=parts.cache,
        recorders=parts.recorders,
        trackers=parts.trackers,
        exporter=parts.exporter,
    )


def _create_app(settings: Settings, parts: ServerParts) -> WSGIApplication:
    atexit.register(parts.shop.close)
    return create_app(parts.shop, config_of(settings, parts))


def _metrics_dir() -> Path:
    """Return the folder of the metrics."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if shared:
        return Path(shared)
    own = tempfile.TemporaryDirectory(prefix="eggypro-figures-")
    atexit.register(own.cleanup)
    return Path(own.name)
