"""Entry points for WSGI servers: applications configured from the environment."""

import atexit
import logging
import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from wsgiref.types import WSGIApplication

from attrs import evolve

from eggypro_adapters.settings import Settings, read_environment, warn_of_typos
from eggypro_adapters.wiring import (
    ServerParts,
    logs_to_stderr,
    open_server,
    open_serverless,
    startup_warnings,
    temporary_metrics_folder,
)
from eggypro_core.access.rate_limiting import rate_limit_policies
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig

_MAX_SERVERLESS_IMPORT_BYTES = 4 * 1024 * 1024
"""The largest file that platforms which end requests after 30 seconds can import."""


def application() -> WSGIApplication:
    """Return the application configured from the environment and `.env`.

    For example: `gunicorn 'eggypro_http.wsgi:application()'`. Resources are closed when the process
    exits. Workers share their metrics if PROMETHEUS_MULTIPROC_DIR names a folder that is empty at
    the start, as usual with Prometheus; otherwise each has its own. Raises ConfigurationError.
    """
    environment = read_environment(os.environ, Path.cwd())
    settings = Settings.read(environment)
    logs = logs_to_stderr(settings, colours=not os.environ.get("NO_COLOR"))
    for note in (*warn_of_typos(environment), *startup_warnings(settings)):
        logging.getLogger(__name__).warning(note)
    parts = open_server(settings, logs, _metrics_dir())
    return _create_app(parts.shop, config_of(settings, parts))


def serverless_application(environment: Mapping[str, str]) -> WSGIApplication:
    """Return the application for platforms that may freeze a process after any response.

    No work is left to threads: requests are logged and recorded before their responses are sent.
    Responses are not cached, since a frozen process receives no invalidations. Raises
    ConfigurationError.
    """
    settings = Settings.read(environment)
    logs = logs_to_stderr(settings, colours=False)
    for note in warn_of_typos(environment):
        logging.getLogger(__name__).warning(note)
    parts = open_serverless(settings, logs)
    config = evolve(config_of(settings, parts), max_import_bytes=_MAX_SERVERLESS_IMPORT_BYTES)
    return _create_app(parts.shop, config)


def open_worker(settings: Settings, metrics_dir: Path, *, colours: bool) -> tuple[Shop, HttpConfig]:
    """Open the shop that a worker process serves; return it with the HTTP configuration."""
    logs = logs_to_stderr(settings, colours=colours)
    parts = open_server(settings, logs, metrics_dir)
    return parts.shop, config_of(settings, parts)


def config_of(settings: Settings, parts: ServerParts) -> HttpConfig:
    """Return the HTTP configuration that follows from the settings and the opened parts."""
    return HttpConfig(
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors_origin,
        cdn_ttl=settings.cdn_ttl,
        in_production=settings.in_production,
        metrics_networks=settings.metrics_networks,
        rate_limits=rate_limit_policies(
            settings.rate_limit_max_requests, settings.rate_limit_window_ms
        ),
        rate_counter=parts.rate_counter,
        cache=parts.cache,
        recorders=parts.recorders,
        trackers=parts.trackers,
        exporter=parts.exporter,
    )


def _create_app(shop: Shop, config: HttpConfig) -> WSGIApplication:
    """Return the application of a shop, which is closed when the process exits."""
    atexit.register(shop.close)
    return create_app(shop, config)


def _metrics_dir() -> Path:
    """Return the folder of the metrics files: shared by workers, or private and temporary."""
    shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if shared:
        return Path(shared)
    private = temporary_metrics_folder()
    atexit.register(partial(shutil.rmtree, private, ignore_errors=True))
    return private
