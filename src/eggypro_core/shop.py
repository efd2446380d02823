"""Shop, put together: the services as every edge sees them."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from types import TracebackType
from typing import Self

from attrs import field, frozen

from eggypro_core.access.authentication import Gate
from eggypro_core.access.rate_limiting import Limiter
from eggypro_core.caching.entries import CacheReport
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.operations.error_tracking import ErrorTracker
from eggypro_core.operations.health import Health
from eggypro_core.operations.idempotency import Once
from eggypro_core.operations.request_metrics import CallRecorder, Exposition, Figure, Monitor
from eggypro_core.ports import Clock, ImageFiles, SearchMisses, utc_now
from eggypro_core.services.categories import Taxonomy
from eggypro_core.services.images import Gallery
from eggypro_core.services.products import Catalog
from eggypro_core.services.reviews import Feedback
from eggypro_core.services.variants import Assortment


@frozen
class Shop:
    """A running shop backend. Use it in a `with` block, or `close` it.

    It has `image_files` where it serves its images itself. Who serves it asks for a `limiter` and a
    `cache` once, and believes what `trusted_proxies` forward. Pages of the `cors_origins` may call
    it from a browser, and a CDN may keep what is public for `cdn_ttl` seconds. The `recorders` are
    told of each call, the `trackers` of what goes wrong. Its `figures` are for an `exposition`,
    which the `metrics_networks` may look at without a credential. What is asked for with a key is
    done once by `idempotency`, where there is one. `clear_caches` has every server forget its
    answers, and returns how many they shared; it and `cache_report` may raise UnavailableError.
    Where it `is_ending`, it is served for a moment more.
    """

    products: Catalog
    variants: Assortment
    reviews: Feedback
    categories: Taxonomy
    images: Gallery
    authenticator: Gate
    limiter: Callable[[Gate], Limiter]
    zero_results: SearchMisses
    trackers: tuple[ErrorTracker, ...]
    request_metrics: Monitor
    health: Health
    currency: str = "EUR"
    image_files: ImageFiles | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    cdn_ttl: int = 0
    in_production: bool = False
    recorders: tuple[CallRecorder, ...] = ()
    idempotency: "Once[Shop] | None" = None
    clock: Clock = utc_now
    figures: tuple[Figure, ...] = ()
    exposition: Exposition | None = None
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    cache: Callable[[], ReadCache | None] = lambda: None
    clear_caches: Callable[[], int] = lambda: 0
    cache_report: Callable[[], CacheReport] = CacheReport
    is_ending: Callable[[], bool] = lambda: False
    close: Callable[[], None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
