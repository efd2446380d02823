"""VariantService: create, read, update and delete the variants of products."""

from collections.abc import Mapping

from attrs import frozen

from eggypro_core.domain.origin import writing_for
from eggypro_core.domain.pagination import Page, is_id
from eggypro_core.domain.product import MAX_STOCK, insufficient_stock
from eggypro_core.domain.product_changes import parse_quantity, parse_stock_change
from eggypro_core.domain.variant import (
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    Variant,
    VariantChanges,
    VariantQuery,
)
from eggypro_core.errors import NotFoundError
from eggypro_core.ports import Clock, VariantStore
from eggypro_core.services.products import ExpectedVersion, require_slug, require_version
from eggypro_core.validation.fields import escape_control
from eggypro_core.validation.parameters import Status


@frozen
class VariantService:
    """Manage the variants of products, by product slug and variant id.

    Every method may raise UnavailableError, NotFoundError and, for a former slug, SlugMovedError.
    Methods with `values` parse the JSON fields of a request and raise ValidationError with all
    invalid fields. `version` is the product's; unless the product is at it, VersionConflictError is
    raised and nothing is stored.
    """

    _variants: VariantStore
    _clock: Clock

    def get(self, slug: str, variant_id: int, status: Status = Status.ACTIVE) -> Variant:
        """Return a variant of a status; ACTIVE means an active one of an active product."""
        return self._variants.get(*_require_key(slug, variant_id), status)

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of a product's variants; its `next_query` requests the next page."""
        require_slug(query.product)
        return self._variants.list(query)

    def create(self, slug: str, values: Mapping[str, object]) -> Variant:
        """Create a variant. With variants, the product's price and stock are derived from them.

        Raises ConflictError if another variant has the same options, if there would be more than
        MAX_OPTION_NAMES option names, or if the SKU is taken.
        """
        draft = VariantChanges.parse(values, required=REQUIRED_FIELDS).to_draft()
        return self._variants.create(require_slug(slug), draft, self._clock())

    def update(
        self,
        slug: str,
        variant_id: int,
        values: Mapping[str, object],
        *,
        version: ExpectedVersion = None,
    ) -> Variant:
        """Update a variant by a JSON merge patch (RFC 7396).

        Raises ConflictError like `create`.
        """
        return self._update(slug, variant_id, VariantChanges.parse(values, merge=True), version)

    def replace(
        self,
        slug: str,
        variant_id: int,
        values: Mapping[str, object],
        *,
        version: ExpectedVersion = None,
    ) -> Variant:
        """Replace a variant: omitted `sku`, `compare_at_price` and `image` are cleared.

        Omitted stock, position and status stay. Raises ConflictError like `create`.
        """
        changes = VariantChanges.parse(
            values, required=REQUIRED_FIELDS, ignore=READ_ONLY_FIELDS
        ).as_replacement()
        return self._update(slug, variant_id, changes, version)

    def delete(self, slug: str, variant_id: int, *, version: ExpectedVersion = None) -> None:
        """Delete a variant permanently. Idempotent: a missing variant is no error."""
        if not is_id(variant_id):
            return
        self._variants.delete(
            require_slug(slug),
            variant_id,
            lambda variant: require_version(version, variant.version),
            self._clock(),
        )

    def update_stock(self, slug: str, variant_id: int, values: Mapping[str, object]) -> int:
        """Adjust the stock of a variant by `delta`, or set it to `set`, as given in `values`.

        Returns the new stock. Raises like `adjust_stock`.
        """
        change = parse_stock_change(values)
        with writing_for(reason=change.reason, reference=change.reference):
            if change.quantity is not None:
                return self.set_stock(slug, variant_id, change.quantity)
            return self.adjust_stock(slug, variant_id, change.delta)

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        """Add `delta` to the stock of a variant and return the new stock.

        Raises ConflictError if the stock would fall below zero or exceed MAX_STOCK.
        """
        if abs(delta) > MAX_STOCK:  # beyond the integers that a store must support
            raise insufficient_stock(self.get(slug, variant_id, Status.ALL).stock_quantity, delta)
        return self._variants.adjust_stock(*_require_key(slug, variant_id), delta)

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        """Set the stock of a variant and return it."""
        stock = parse_quantity(quantity)
        return self._variants.set_stock(*_require_key(slug, variant_id), stock)

    def _update(
        self, slug: str, variant_id: int, changes: VariantChanges, version: ExpectedVersion
    ) -> Variant:
        def change(variant: Variant) -> Variant:
            require_version(version, variant.version)
            return changes.apply_to(variant)

        return self._variants.update(*_require_key(slug, variant_id), change, self._clock())


def variant_not_found(slug: str, variant_id: int) -> NotFoundError:
    """Return the error for a variant that the product does not have."""
    message = f"The product '{escape_control(slug)}' has no variant {variant_id}"
    return NotFoundError(message, kind="variant")


def _require_key(slug: str, variant_id: int) -> tuple[str, int]:
    """Return slug and id if valid, else raise NotFoundError without a store lookup."""
    if not is_id(variant_id):
        raise variant_not_found(slug, variant_id)
    return require_slug(slug), variant_id
