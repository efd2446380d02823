"""The variants of products: finding, listing, adding and changing them."""

from collections.abc import Mapping

from attrs import frozen

from eggypro_core.domain.pagination import Page, is_id
from eggypro_core.domain.product import MAX_STOCK, insufficient_stock
from eggypro_core.domain.product_changes import parse_stock_change
from eggypro_core.domain.variant import (
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    Variant,
    VariantChanges,
    VariantQuery,
)
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import Clock, VariantStore
from eggypro_core.services.products import require_slug, require_version
from eggypro_core.validation.fields import escape_control
from eggypro_core.validation.parameters import Status


@frozen
class VariantService:
    """The variants of products, by the slug of the product and their id.

    Every method may raise UnavailableError, NotFoundError and, where the slug is a former one,
    SlugMovedError. Those that take `values` take them as they came from outside, by the names of
    the wire, and raise ValidationError with all that is wrong with them. A `version` is the
    product's: where it is at another, VersionConflictError is raised and nothing changed.
    """

    _variants: VariantStore
    _clock: Clock

    def get(self, slug: str, variant_id: int, status: Status = Status.ACTIVE) -> Variant:
        """Return a variant. Active ones of a product on sale are shown to everybody."""
        return self._variants.get(*_require_key(slug, variant_id), status)

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of a product's variants; its `next_query` asks for the page after it."""
        require_slug(query.product)
        return self._variants.list(query)

    def create(self, slug: str, values: Mapping[str, object]) -> Variant:
        """Add a variant. From the first one on, price and stock of the product follow from them.

        Raises ConflictError where a sibling has its options, where there would be more than three
        names of options, and where the SKU is another's.
        """
        draft = VariantChanges.parse(values, required=REQUIRED_FIELDS).to_draft()
        return self._variants.create(require_slug(slug), draft, self._clock())

    def update(
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
        return self._update(slug, variant_id, VariantChanges.parse(values, merge=True), version)

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
        changes = VariantChanges.parse(
            values, required=REQUIRED_FIELDS, ignore=READ_ONLY_FIELDS
        ).as_replacement()
        return self._update(slug, variant_id, changes, version)

    def delete(self, slug: str, variant_id: int, *, version: int | None = None) -> None:
        """Delete a variant for good; one that is not there needs nothing."""
        if not is_id(variant_id):
            return
        self._variants.delete(
            require_slug(slug),
            variant_id,
            lambda variant: require_version(version, variant.version),
            self._clock(),
        )

    def update_stock(self, slug: str, variant_id: int, values: Mapping[str, object]) -> int:
        """Change the stock of a variant as `values` say: by a `delta`, or to what they `set`.

        Returns what is there then. Raises as `adjust_stock`.
        """
        wanted = parse_stock_change(values)
        if "set" in wanted:
            return self.set_stock(slug, variant_id, wanted["set"])
        return self.adjust_stock(slug, variant_id, wanted["delta"])

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        """Add to the stock of a variant, or take from it; return what is left.

        Raises ConflictError where it would fall below zero, or rise above what can be counted.
        """
        if abs(delta) > MAX_STOCK:  # more than a store needs to be able to count with
            raise insufficient_stock(self.get(slug, variant_id, Status.ALL).stock_quantity, delta)
        return self._variants.adjust_stock(*_require_key(slug, variant_id), delta)

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        """Set the stock of a variant, and return it."""
        stock = parse_stock_change({"set": quantity})["set"]
        return self._variants.set_stock(*_require_key(slug, variant_id), stock)

    def _update(
        self, slug: str, variant_id: int, changes: VariantChanges, version: int | None
    ) -> Variant:
        def to(variant: Variant) -> Variant:
            require_version(version, variant.version)
            return changes.apply_to(variant)

        return self._variants.update(*_require_key(slug, variant_id), to, self._clock())


def variant_not_found(slug: str, variant_id: int) -> NotFoundError:
    """Return the refusal of a variant that the product does not have."""
    sentence = f"The product '{escape_control(slug)}' has no variant {variant_id}"
    return NotFoundError(sentence, kind="variant")


def _require_key(slug: str, variant_id: int) -> tuple[str, int]:
    """Return what names a variant. Raises NotFoundError for what cannot: no store is asked."""
    if not is_id(variant_id):
        raise variant_not_found(slug, variant_id)
    return require_slug(slug), variant_id
