"""EggyPro, put together: the services as every edge sees them."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import field, frozen

from eggypro_core.access import Gate
from eggypro_core.assortment import Assortment
from eggypro_core.catalog import Catalog
from eggypro_core.feedback import Feedback
from eggypro_core.ports import ImageFiles, ProductReader, ProductWriter
from eggypro_core.taxonomy import Taxonomy


@frozen
class EggyPro:
    """A running shop backend. Use it in a `with` block, or `close` it.

    It has `image_files` where it serves its images itself. Pages of the `cors_origins` may call it
    from a browser, and a CDN may keep what is public for `cdn_ttl` seconds.
    """

    catalog: Catalog
    assortment: Assortment
    feedback: Feedback
    taxonomy: Taxonomy
    gate: Gate
    reader: ProductReader
    writer: ProductWriter
    currency: str = "EUR"
    image_files: ImageFiles | None = None
    cors_origins: tuple[str, ...] = ()
    cdn_ttl: int = 0
    in_production: bool = False
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
