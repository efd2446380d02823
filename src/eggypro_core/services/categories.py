"""CategoryService: manage the category tree and the products in each category."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from eggypro_core.domain.category import (
    READ_ONLY_FIELDS,
    Category,
    CategoryChanges,
    CategoryDraft,
    CategoryQuery,
    category_not_found,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.slug import is_slug
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.ports import CategoryStore, Clock
from eggypro_core.services.products import require_slug
from eggypro_core.validation.parameters import Status


@frozen
class CategoryService:
    """Manage the categories of a shop.

    Every method may raise UnavailableError. Methods with `values` parse the JSON fields of a
    request and raise ValidationError with all invalid fields. ACTIVE categories are the visible
    ones: neither they nor an ancestor are archived.
    """

    _categories: CategoryStore
    _clock: Clock

    def get(self, slug: str, status: Status = Status.ACTIVE) -> Category:
        """Return a category of a status. Raises NotFoundError, also for another status."""
        category = self._categories.get(_require_category_slug(slug))
        if not status.includes(is_active=category.is_visible):
            raise category_not_found(slug)
        return category

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page of categories; its `next_query` requests the next page."""
        return self._categories.list(query)

    def create(self, values: Mapping[str, object]) -> Category:
        """Create a category. Raises ConflictError if its slug is taken or it would be too deep."""
        changes = CategoryChanges.parse(values, required=("name",))
        return self._categories.create(changes.to_draft(), self._clock())

    def create_many(self, values: Sequence[Mapping[str, object]]) -> int:
        """Create categories, parents first: all or none. Return their number.

        Raises like `create`. Error fields have the zero-based index of the category: `7.name`.
        """
        drafts: list[CategoryDraft] = []
        errors: list[FieldError] = []
        for index, item in enumerate(values):
            try:
                drafts.append(CategoryChanges.parse(item, required=("name",)).to_draft())
            except ValidationError as invalid:
                errors += [
                    FieldError(f"{index}.{error.field}", error.message) for error in invalid.errors
                ]
        if errors:
            raise ValidationError(errors)
        self._categories.create_many(drafts, self._clock())
        return len(drafts)

    def update(self, slug: str, values: Mapping[str, object]) -> Category:
        """Update the given fields of a category and return it.

        Raises NotFoundError, and ConflictError like `create` and for a cycle in the tree.
        """
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges.parse(values).apply_to
        )

    def replace(self, slug: str, values: Mapping[str, object]) -> Category:
        """Replace a category; without `parent` it becomes a root. Raises like `update`.

        Omitted, `slug` and `is_active` stay unchanged. Read-only fields are ignored.
        """
        changes = CategoryChanges.parse(values, required=("name",), ignore=READ_ONLY_FIELDS)
        return self._categories.update(
            _require_category_slug(slug), changes.as_replacement().apply_to
        )

    def archive(self, slug: str) -> Category:
        """Hide a category and all its descendants; no data is lost. Raises NotFoundError."""
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges(is_active=False).apply_to
        )

    def restore(self, slug: str) -> Category:
        """Show an archived category again. Raises NotFoundError."""
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges(is_active=True).apply_to
        )

    def delete(self, slug: str) -> None:
        """Delete a category permanently. Its products stay, its children move to its parent.

        Raises NotFoundError.
        """
        self._categories.delete(_require_category_slug(slug))

    def link(self, product: str, category: str) -> None:
        """Add a product to a category. Idempotent; the product's version stays unchanged.

        Raises NotFoundError, and SlugMovedError for a former slug.
        """
        self._categories.link(require_slug(product), _require_category_slug(category))

    def unlink(self, product: str, category: str) -> None:
        """Remove a product from a category. Idempotent. Raises SlugMovedError like `link`."""
        if is_slug(product) and is_slug(category):
            self._categories.unlink(product, category)


def _require_category_slug(text: str) -> str:
    """Return `text` if it is a valid slug, else raise NotFoundError without a store lookup."""
    if not is_slug(text):
        raise category_not_found(text)
    return text
