"""The variants of products: finding, listing, adding and changing them."""

from collections.abc import Mapping

from attrs import frozen

from eggypro_core.domain.pagination import Page, is_id
from eggypro_core.domain.product import HIGHEST_STOCK, stock_refused
from eggypro_core.domain.product_changes import read_stock
from eggypro_core.domain.variant import REQUIRED, SHOWN, Variant, VariantChanges, VariantQuery
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import Clock, VariantStore
from eggypro_core.services.products import known_slug, require_version
from eggypro_core.validation.fields import printable
from eggypro_core.validation.parameters import Status


@frozen
class Assortment:
    """The variants of products, by the slug of the product and their id.

    Every method may raise UnavailableError, NotFoundError and, where the slug is a former one,
    MovedError. Those that take `values` take them as they came from outside, by the names of the
    wire, and raise InvalidError with all that is wrong with them. A `version` is the product's:
    where it is at another, StaleError is raised and nothing changed.
    """

    _variants: VariantStore
    _clock: Clock

    def find(self, slug: str, variant_id: int, status: Status = Status.ACTIVE) -> Variant:
        """Return a variant. Active ones of a product on sale are shown to everybody."""
        return self._variants.find(*_named(slug, variant_id), status)

    def page(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of a product's variants; its `next_query` asks for the page after it."""
        known_slug(query.product)
        return self._variants.page(query)

    def add(self, slug: str, values: Mapping[str, object]) -> Variant:
        """Add a variant. From the first one on, price and stock of the product follow from them.

        Raises ConflictError where a sibling has its options, where there would be more than three
        names of options, and where the SKU is another's.
        """
        draft = VariantChanges.read(values, required=REQUIRED).draft()
        return self._variants.add(known_slug(slug), draft, self._clock())

    def change(
        self,
        slug: str,
        variant_id: int,
        values: Mapping[str, object],
        *,
        version: int | None = None,
    ) -> Variant:
        """Change the fields of a variant that a JSON merge patch (RFC 7396) names.

        Raises ConflictError as `add`.
        """
        return self._write(slug, variant_id, VariantChanges.read(values, merge=True), version)

    def replace(
        self,
        slug: str,
        variant_id: int,
        values: Mapping[str, object],
        *,
        version: int | None = None,
    ) -> Variant:
        """Replace a variant: `sku`, `compare_at_price` and `image` are emptied if left out.

        Its stock, position and state stay if they are left out. Raises ConflictError as `add`.
        """
        changes = VariantChanges.read(values, required=REQUIRED, ignored=SHOWN).as_replacement()
        return self._write(slug, variant_id, changes, version)

    def remove(self, slug: str, variant_id: int, *, version: int | None = None) -> None:
        """Delete a variant for good; one that is not there needs nothing."""
        if not is_id(variant_id):
            return
        self._variants.remove(
            known_slug(slug),
            variant_id,
            lambda variant: require_version(version, variant.version),
            self._clock(),
        )

    def change_stock(self, slug: str, variant_id: int, values: Mapping[str, object]) -> int:
        """Change the stock of a variant as `values` say: by a `delta`, or to what they `set`.

        Returns what is there then. Raises as `adjust_stock`.
        """
        wanted = read_stock(values)
        if "set" in wanted:
            return self.set_stock(slug, variant_id, wanted["set"])
        return self.adjust_stock(slug, variant_id, wanted["delta"])

    def adjust_stock(self, slug: str, variant_id: int, by: int) -> int:
        """Add to the stock of a variant, or take from it; return what is left.

        Raises ConflictError where it would fall below zero, or rise above what can be counted.
        """
        if abs(by) > HIGHEST_STOCK:  # more than a store needs to be able to count with
            raise stock_refused(self.find(slug, variant_id, Status.ALL).stock_quantity, by)
        return self._variants.adjust_stock(*_named(slug, variant_id), by)

    def set_stock(self, slug: str, variant_id: int, to: int) -> int:
        """Set the stock of a variant, and return it."""
        stock = read_stock({"set": to})["set"]
        return self._variants.set_stock(*_named(slug, variant_id), stock)

    def _write(
        self, slug: str, variant_id: int, changes: VariantChanges, version: int | None
    ) -> Variant:
        def to(variant: Variant) -> Variant:
            require_version(version, variant.version)
            return changes.apply(variant)

        return self._variants.change(*_named(slug, variant_id), to, self._clock())


def variant_absent(slug: str, variant_id: int) -> NotFoundError:
    """Return the refusal of a variant that the product does not have."""
    sentence = f"The product '{printable(slug)}' has no variant {variant_id}"
    return NotFoundError(sentence, kind="variant")


def _named(slug: str, variant_id: int) -> tuple[str, int]:
    """Return what names a variant. Raises NotFoundError for what cannot: no store is asked."""
    if not is_id(variant_id):
        raise variant_absent(slug, variant_id)
    return known_slug(slug), variant_id
