"""Count what an export leaves out: products, fields, and images without a public address."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from attrs import define, field, frozen

from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ExportReport


def _nothing(_: Product) -> Iterable[str]:
    return ()


def _no_omission(_: Product) -> str | None:
    return None


@frozen
class FormatLimits:
    """The limits of a format.

    `lost_fields` names the values of a product that the format cannot hold: "ingredients",
    "archived variants". `omission` describes the products that are left out: "archived products".
    `is_foreign`: other shops read the format, so images need public addresses.
    """

    lost_fields: Callable[[Product], Iterable[str]] = _nothing
    omission: Callable[[Product], str | None] = _no_omission
    is_foreign: bool = False


@define
class ExportLog:
    """The losses of one export."""

    _limits: FormatLimits
    _exported: int = 0
    _private_images: int = 0
    """Number of products with an image that has no public address."""
    _losses: Counter[str] = field(factory=Counter)
    _omissions: Counter[str] = field(factory=Counter)
    _first_omitted: dict[str, str] = field(factory=dict)
    """The slug of the first product of each omission."""

    def exportable(self, products: Iterable[Product]) -> Iterator[Product]:
        """Yield the products that the format can identify, and count all losses."""
        for product in products:
            omission = self._limits.omission(product)
            if omission is not None:
                self._omissions[omission] += 1
                self._first_omitted.setdefault(omission, product.slug)
                continue
            self._exported += 1
            self._losses.update(set(self._limits.lost_fields(product)))
            self._private_images += self._limits.is_foreign and _has_private_image(product)
            yield product

    def report(self) -> ExportReport:
        """Return the number of exported products and a sentence for each kind of loss."""
        return ExportReport(self._exported, tuple(self._warnings()))

    def _warnings(self) -> Iterator[str]:
        for omission, count in self._omissions.items():
            first = self._first_omitted[omission]
            yield f"Left out: {omission} ({_products(count)}, such as '{first}')"
        if self._losses:
            losses = ", ".join(
                f"{name} ({_products(count)})" for name, count in sorted(self._losses.items())
            )
            yield f"Not exported: {losses}"
        if self._private_images:
            yield (
                f"Images without a public address ({_products(self._private_images)}): "
                "set PUBLIC_URL to the address of this API, so that other shops can load them"
            )


def _products(count: int) -> str:
    return f"{count:,} products" if count > 1 else "1 product"


def _has_private_image(product: Product) -> bool:
    return any("://" not in image.ref for image in product.images)
