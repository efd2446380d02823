"""The shop: all services as one object."""

from collections.abc import Callable
from typing import Self

from attrs import field, frozen

from eggypro_core.access.authentication import Authenticator
from eggypro_core.caching.entries import ServerCaches
from eggypro_core.domain.event_query import DEFAULT_RETENTION_DAYS
from eggypro_core.operations.health import Health
from eggypro_core.operations.idempotency import IdempotencyStore
from eggypro_core.operations.request_metrics import RequestMetrics
from eggypro_core.ports import Clock, ZeroResultStore, utc_now
from eggypro_core.services.api_keys import ApiKeyService
from eggypro_core.services.bulk_updates import BulkUpdateService
from eggypro_core.services.categories import CategoryService
from eggypro_core.services.events import EventService
from eggypro_core.services.images import ProductImageService
from eggypro_core.services.products import ProductService
from eggypro_core.services.reviews import ReviewService
from eggypro_core.services.variants import VariantService


@frozen
class Shop:
    """The services of a running catalogue. Use it in a `with` block, or call `close`.

    - `products`: create, read, update, import and export products.
    - `variants`: manage the variants of products.
    - `categories`: manage the category tree and the products in it.
    - `reviews`: submit and moderate reviews.
    - `images`: upload, order and serve the images of products.
    - `bulk_updates`: change many products at once.
    - `events`: read the history of the catalogue, and follow the feed of its events.
    - `api_keys`: create, list and revoke API keys.
    - `authenticator`: authenticate credentials and issue tokens.
    - `request_metrics`: summarise and prune the request log.
    - `health`: check the services that the shop depends on.
    - `zero_results`: the counts of zero-result searches.
    - `idempotency`: responses stored by idempotency key; None: repeated requests run again.
    - `caches`: the response caches of all servers of this shop.
    - `event_retention_days`: days for which events are stored.
    - `currency`: the ISO 4217 code of all prices.
    - `clock`: the source of the current time.
    - `close`: release connections and threads.
    """

    products: ProductService
    variants: VariantService
    categories: CategoryService
    reviews: ReviewService
    images: ProductImageService
    events: EventService
    bulk_updates: BulkUpdateService
    api_keys: ApiKeyService
    authenticator: Authenticator
    request_metrics: RequestMetrics
    health: Health
    zero_results: ZeroResultStore
    idempotency: "IdempotencyStore[Shop] | None" = None
    caches: ServerCaches = field(factory=ServerCaches)
    event_retention_days: int = DEFAULT_RETENTION_DAYS
    currency: str = "EUR"
    clock: Clock = utc_now
    close: Callable[[], None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
