"""Configuration of the HTTP API: everything it needs besides the shop."""

from collections.abc import Callable, Mapping

from attrs import field, frozen

from eggypro_core.access.rate_limiting import NullRateCounter, RateCounter, RateLimitPolicy
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.operations.error_tracking import ErrorTracker
from eggypro_core.operations.request_metrics import MetricsExporter, RequestRecorder
from eggypro_http.requests.client_address import Network


@frozen(kw_only=True)
class HttpConfig:
    """Settings of the HTTP API. The defaults suit tests: no limits, no cache, no metrics.

    Client addresses forwarded by `trusted_proxies` are accepted, and pages of the `cors_origins`
    may send requests from a browser. CDNs may cache public responses for `cdn_ttl` seconds; 0
    disables CDN caching. With `in_production`, responses tell browsers to use HTTPS only. Clients
    in `metrics_networks` may read /metrics, which the `exporter` writes, without a credential.

    `rate_limits` maps names to policies, counted in the `rate_counter`; the default counter counts
    nothing. Every request is reported to the `recorders`, every unexpected error to the `trackers`;
    without trackers it is logged. While `is_shutting_down()` holds, /api/health/ready returns 503.
    Imported files may have `max_import_bytes`.
    """

    trusted_proxies: tuple[Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    cdn_ttl: int = 0
    in_production: bool = False
    metrics_networks: tuple[Network, ...] = ()
    rate_limits: Mapping[str, RateLimitPolicy] = field(factory=dict)
    rate_counter: RateCounter = field(factory=NullRateCounter)
    cache: ReadCache | None = None
    recorders: tuple[RequestRecorder, ...] = ()
    trackers: tuple[ErrorTracker, ...] = ()
    exporter: MetricsExporter | None = None
    max_import_bytes: int = 50 * 1024 * 1024
    is_shutting_down: Callable[[], bool] = lambda: False
