"""The shop: its services, put together."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import field, frozen

from eggypro_core.access.authentication import Gate
from eggypro_core.caching.entries import ServerCaches
from eggypro_core.operations.health import Health
from eggypro_core.operations.idempotency import Once
from eggypro_core.operations.request_metrics import Monitor
from eggypro_core.ports import Clock, SearchMisses, utc_now
from eggypro_core.services.categories import Taxonomy
from eggypro_core.services.images import Gallery
from eggypro_core.services.products import Catalog
from eggypro_core.services.reviews import Feedback
from eggypro_core.services.variants import Assortment


@frozen
class Shop:
    """The services of a shop. Use it in a `with` block, or `close` it.

    All prices are in one `currency`. `zero_results` are the searches that found nothing. Without
    `idempotency`, a request that is repeated is done again. `cache` stands for the response caches
    of all servers of this shop.
    """

    products: Catalog
    variants: Assortment
    categories: Taxonomy
    reviews: Feedback
    images: Gallery
    authenticator: Gate
    request_metrics: Monitor
    health: Health
    zero_results: SearchMisses
    idempotency: "Once[Shop] | None" = None
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
