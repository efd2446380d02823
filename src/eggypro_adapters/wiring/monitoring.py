"""Logs, error trackers, request recorders, metrics and health checks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING

from eggypro_adapters.buffered_writer import BufferedWriter
from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.pruning import Pruner
from eggypro_adapters.postgres.readiness import DatabaseCheck
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.request_log_buffer import request_log_buffer
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind, LogFormat
from eggypro_adapters.wiring.common import package_version
from eggypro_core.operations.error_tracking import ErrorTracker
from eggypro_core.operations.health import CACHE, DATABASE, IMAGE_STORE, Health
from eggypro_core.operations.request_metrics import Metric
from eggypro_core.ports import ImageStore, utc_now

if TYPE_CHECKING:
    from eggypro_adapters.logs import Logs


def logs_to_stderr(settings: Settings, *, colours: bool) -> "Logs":
    """Set up the log of a server process and return it.

    It goes to stderr, as stdout is for the output of commands. Colours appear on terminals only.
    """
    from eggypro_adapters.logs import LineWriter, set_up_logs

    lines = LineWriter()
    return set_up_logs(
        settings.log_level,
        json=settings.log_format is LogFormat.JSON,
        lines=lines,
        colours=colours and lines.is_terminal,
    )


@contextmanager
def open_trackers(
    settings: Settings, *, in_request: bool = False
) -> Iterator[tuple[ErrorTracker, ...]]:
    """Yield the error trackers: the log, and Sentry if the settings name a project."""
    log = LogErrorTracker()
    if settings.sentry_dsn is None or not settings.enable_error_tracking:
        yield (log,)
        return
    from eggypro_adapters.monitoring.sentry import SentryErrorTracker

    sentry = SentryErrorTracker(
        settings.sentry_dsn,
        environment=settings.app_env,
        release=f"eggypro@{package_version()}",
        in_request=in_request,
    )
    try:
        yield (log, sentry)
    finally:
        sentry.close()


@contextmanager
def open_recorders(
    settings: Settings, database: Database, *, in_request: bool = False
) -> Iterator[tuple[BufferedWriter, ...]]:
    """Yield the recorder that writes requests to the database, if the settings enable it."""
    if not settings.enable_api_metrics:
        yield ()
        return
    recorder = request_log_buffer(PostgresRequestLog(database), in_request=in_request)
    try:
        yield (recorder,)
    finally:
        recorder.close()


def temporary_metrics_folder() -> Path:
    """Return a new path for the metrics files of one server, which must delete it at its end.

    Nothing is created yet, so that a server starts while the disk is full.
    """
    try:
        parent = tempfile.gettempdir()
    except FileNotFoundError:  # all temporary folders are full: use the first, as soon as possible
        parent = tempfile.tempdir = os.environ.get("TMPDIR", "/tmp")  # noqa: S108
    return Path(parent, f"eggypro-metrics-{token_hex(8)}")


def access_log_drops(access: BufferedWriter) -> Metric:
    """Return the metric of the requests that the access log dropped."""
    description = "Requests missing from the access log."
    return Metric("eggypro_log_dropped", description, access.dropped, is_counter=True)


def request_log_drops(recorder: BufferedWriter) -> Metric:
    """Return the metric of the requests that a recorder dropped."""
    description = "Requests missing from api_metrics."
    return Metric("eggypro_calls_dropped", description, recorder.dropped, is_counter=True)


def pruner_metrics(pruner: Pruner) -> tuple[Metric, Metric]:
    """Return the metrics of the deletion of expired rows."""
    return (
        Metric(
            "eggypro_pruned_rows", "Expired rows deleted.", lambda: pruner.removed, is_counter=True
        ),
        Metric(
            "eggypro_prune_failures",
            "Failed attempts to delete expired rows.",
            lambda: pruner.failures,
            is_counter=True,
        ),
    )


def connection_metrics(database: Database) -> tuple[Metric, Metric]:
    """Return the metrics of the database connections of a process."""
    return (
        Metric(
            "eggypro_database_connections_busy",
            "Database connections in use.",
            database.busy_connection_count,
        ),
        Metric(
            "eggypro_database_connections_max",
            "Database connections that may be in use.",
            database.max_connection_count,
        ),
    )


def health_of(settings: Settings, database: Database, images: ImageStore) -> Health:
    """Return the health checks of all configured services."""
    uses_cloudinary = settings.image_store is ImageStoreKind.CLOUDINARY
    return Health(
        {
            DATABASE: DatabaseCheck(database),
            IMAGE_STORE: images.check if uses_cloudinary else None,
            CACHE: partial(_ping, settings.redis_url) if settings.redis_url else None,
        },
        {
            "database": settings.postgres_url is not None,
            "cloudinary": uses_cloudinary,
            "admin": settings.admin_secret_key is not None,
        },
        package_version,
        settings.app_env,
        utc_now,
        monotonic,
    )


def _ping(redis_url: str) -> None:
    from eggypro_adapters.redis import ping

    ping(redis_url)
