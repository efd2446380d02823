"""The parts of a server: the shop, and its cache, rate counter, recorders and trackers."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from eggypro_adapters.monitoring.cache_gauges import cache_metrics
from eggypro_adapters.monitoring.thread_errors import report_thread_errors
from eggypro_adapters.postgres.pruning import Pruner
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import ImageStoreKind
from eggypro_adapters.wiring.access import open_rate_counter
from eggypro_adapters.wiring.cache import open_cache
from eggypro_adapters.wiring.database import SERVERLESS_POOL_SIZES
from eggypro_adapters.wiring.monitoring import (
    access_log_drops,
    connection_metrics,
    open_recorders,
    open_trackers,
    pruner_metrics,
    request_log_drops,
)
from eggypro_adapters.wiring.shop import connect_shop
from eggypro_core.access.rate_limiting import RateCounter
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.errors import ConfigurationError, FieldError
from eggypro_core.operations.error_tracking import ErrorTracker, OutageDetector
from eggypro_core.operations.request_metrics import MetricsExporter, RequestRecorder
from eggypro_core.operations.request_sampling import UnmatchedSampler
from eggypro_core.shop import Shop

if TYPE_CHECKING:
    from eggypro_adapters.logs import Logs


@frozen(kw_only=True)
class ServerParts:
    """A shop and the other parts of a server. Closing the shop closes all of them."""

    shop: Shop
    trackers: tuple[ErrorTracker, ...]
    recorders: tuple[RequestRecorder, ...]
    rate_counter: RateCounter
    cache: ReadCache | None = None
    exporter: MetricsExporter | None = None


def open_server(settings: Settings, logs: "Logs", metrics_dir: Path) -> ServerParts:
    """Open a shop like `open_shop`, for a server process.

    All workers of a server share `metrics_dir`.
    """
    from eggypro_adapters.monitoring.prometheus import PrometheusMetrics

    with ExitStack() as stack:
        trackers = stack.enter_context(open_trackers(settings))
        stack.enter_context(report_thread_errors(trackers))
        connected = stack.enter_context(connect_shop(settings, trackers))
        database = connected.database
        recorders = stack.enter_context(open_recorders(settings, database))
        redis_outage = OutageDetector("Redis", trackers)
        counter = stack.enter_context(open_rate_counter(settings.redis_url, redis_outage))
        cache, counts = stack.enter_context(
            open_cache(settings, database, connected.write_versions)
        )
        access = logs.access()
        stack.callback(access.close)
        pruner = stack.enter_context(Pruner(connected.shop, database).running())
        metrics = (
            *pruner_metrics(pruner),
            *connection_metrics(database),
            *cache_metrics(counts),
            *map(request_log_drops, recorders),
            access_log_drops(access),
        )
        prometheus = PrometheusMetrics(metrics_dir, metrics)
        stack.callback(prometheus.close)
        connected.shop.health.is_database_healthy()  # logs the reason if the server is not ready
        return ServerParts(
            shop=evolve(connected.shop, close=stack.pop_all().close),
            trackers=trackers,
            recorders=(*map(UnmatchedSampler, recorders), access, prometheus),
            rate_counter=counter,
            cache=cache,
            exporter=prometheus,
        )


def open_serverless(settings: Settings, logs: "Logs") -> ServerParts:
    """Open a shop like `open_server`, for a process that may stop between two requests.

    Requests are recorded before their responses are sent; responses are not cached. Each process
    has few connections, as there may be many processes, and exports no metrics. Raises
    ConfigurationError if images would be stored in a folder, which is lost with the process.
    """
    if settings.image_store is ImageStoreKind.LOCAL:
        reason = "IMAGE_STORE must be cloudinary: serverless platforms delete local files"
        raise ConfigurationError([FieldError("IMAGE_STORE", reason)])
    with ExitStack() as stack:
        trackers = stack.enter_context(open_trackers(settings, in_request=True))
        connected = stack.enter_context(
            connect_shop(settings, trackers, SERVERLESS_POOL_SIZES, in_request=True)
        )
        recorders = stack.enter_context(
            open_recorders(settings, connected.database, in_request=True)
        )
        redis_outage = OutageDetector("Redis", trackers)
        counter = stack.enter_context(open_rate_counter(settings.redis_url, redis_outage))
        return ServerParts(
            shop=evolve(connected.shop, close=stack.pop_all().close),
            trackers=trackers,
            recorders=(*map(UnmatchedSampler, recorders), logs.access(in_request=True)),
            rate_counter=counter,
        )


def startup_warnings(settings: Settings) -> list[str]:
    """Return notes for the operator at the start of a server, one sentence each."""
    if settings.redis_url is None:
        return ["Each worker counts the requests of clients on its own: REDIS_URL is not set."]
    return []
