"""The configuration of the HTTP API: what only this edge needs besides the shop."""

from collections.abc import Callable, Mapping

from attrs import field, frozen

from eggypro_core.access.rate_limiting import NullRateCounter, Policy, RateCounter
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.operations.error_tracking import ErrorTracker
from eggypro_core.operations.request_metrics import MetricsExporter, RequestRecorder
from eggypro_http.requests.client_address import Network


@frozen(kw_only=True)
class HttpConfig:
    """How the API is served. The default suits a test: no limits, no cache, no metrics.

    `trusted_proxies` may forward the address of a client, and pages of the `cors_origins` may call
    the API from a browser. CDNs may cache public responses for `cdn_ttl` seconds; 0 means not at
    all. `in_production` browsers are told to use HTTPS only. Clients in `metrics_networks` may read
    /metrics, which the `exporter` writes, without a credential.

    `rate_limits` are the policies by their names, counted in the `rate_counter`; the default one
    counts nothing. Each request is reported to the `recorders`, each unexpected error to the
    `trackers`; without any, it is logged. While `is_ending`, /api/health/ready says that the
    server is not ready.
    """

    trusted_proxies: tuple[Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    cdn_ttl: int = 0
    in_production: bool = False
    metrics_networks: tuple[Network, ...] = ()
    rate_limits: Mapping[str, Policy] = field(factory=dict)
    rate_counter: RateCounter = field(factory=NullRateCounter)
    cache: ReadCache | None = None
    recorders: tuple[RequestRecorder, ...] = ()
    trackers: tuple[ErrorTracker, ...] = ()
    exporter: MetricsExporter | None = None
    is_ending: Callable[[], bool] = lambda: False
