"""EggyPro, put together: the services as every edge sees them."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from attrs import field, frozen

from eggypro_core.access import Gate
from eggypro_core.assortment import Assortment
from eggypro_core.catalog import Catalog
from eggypro_core.feedback import Feedback
from eggypro_core.gallery import Gallery
from eggypro_core.ports import ImageFiles, ProductReader, ProductWriter
from eggypro_core.taxonomy import Taxonomy


@frozen
class EggyPro:
    """A running shop backend. Use it in a `with` block, or `close` it.

    It has `image_files` where it serves its images itself.
    """

    catalog: Catalog
    assortment: Assortment
    feedback: Feedback
    taxonomy: Taxonomy
    gallery: Gallery
    gate: Gate
    reader: ProductReader
    writer: ProductWriter
    currency: str = "EUR"
    image_files: ImageFiles | None = None
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
