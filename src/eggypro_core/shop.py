"""The shop: its services, put together."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import field, frozen

from eggypro_core.access.authentication import Authenticator
from eggypro_core.caching.entries import ServerCaches
from eggypro_core.operations.health import Health
from eggypro_core.operations.idempotency import IdempotencyStore
from eggypro_core.operations.request_metrics import RequestMetrics
from eggypro_core.ports import Clock, ZeroResultStore, utc_now
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.images import ProductImageService
from eggypro_core.services.products import ProductService
from eggypro_core.services.reviews import ReviewService
from eggypro_core.services.variants import VariantService


@frozen
class Shop:
    """The services of a shop. Use it in a `with` block, or `close` it.

    All prices are in one `currency`. `zero_results` are the searches that found nothing. Without
    `idempotency`, a request that is repeated is done again. `cache` stands for the response caches
    of all servers of this shop.
    """

    products: ProductService
    variants: VariantService
    categories: CategoryService
    reviews: ReviewService
    images: ProductImageService
    authenticator: Authenticator
    request_metrics: RequestMetrics
    health: Health
    zero_results: ZeroResultStore
    idempotency: "IdempotencyStore[Shop] | None" = None
    cache: ServerCaches = field(factory=ServerCaches)
    currency: str = "EUR"
    clock: Clock = utc_now
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
