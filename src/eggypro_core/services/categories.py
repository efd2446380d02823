"""The tree of categories: finding, listing, changing and moving them, and what is in them."""

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
    """The categories of a shop.

    Every method may raise UnavailableError. Those that take `values` take them as they came from
    outside, by the names of the wire, and raise ValidationError with all that is wrong with them.
    Of its states, a category is active if it is visible: itself and all above it are not archived.
    """

    _categories: CategoryStore
    _clock: Clock

    def get(self, slug: str, status: Status = Status.ACTIVE) -> Category:
        """Return a category. Raises NotFoundError (also for one in another state)."""
        category = self._categories.get(_require_category_slug(slug))
        if not status.includes(is_active=category.is_visible):
            raise category_not_found(slug)
        return category

    def list(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page of categories; its `next_query` asks for the page after it."""
        return self._categories.list(query)

    def create(self, values: Mapping[str, object]) -> Category:
        """Add a category. Raises ConflictError where its slug is another's, or it is too deep."""
        changes = CategoryChanges.parse(values, required=("name",))
        return self._categories.create(changes.to_draft(), self._clock())

    def create_many(self, values: Sequence[Mapping[str, object]]) -> int:
        """Add many categories, each behind its parent: all of them or none. Say how many.

        Raises as `add`. A fault's field begins with the place of its category, from 0: `7.name`.
        """
        drafts: list[CategoryDraft] = []
        faults: list[FieldError] = []
        for place, each in enumerate(values):
            try:
                drafts.append(CategoryChanges.parse(each, required=("name",)).to_draft())
            except ValidationError as invalid:
                faults += [
                    FieldError(f"{place}.{one.field}", one.message) for one in invalid.errors
                ]
        if faults:
            raise ValidationError(faults)
        self._categories.create_many(drafts, self._clock())
        return len(drafts)

    def update(self, slug: str, values: Mapping[str, object]) -> Category:
        """Change the named fields of a category, and return it.

        Raises NotFoundError, and ConflictError as `add` does and where it would be below itself.
        """
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges.parse(values).apply_to
        )

    def replace(self, slug: str, values: Mapping[str, object]) -> Category:
        """Replace a category: without `parent` it becomes a root. Raises as `change`.

        Left out, `slug` and `is_active` stay as they are. Names that a category shows but that
        cannot be set are passed over.
        """
        changes = CategoryChanges.parse(values, required=("name",), ignore=READ_ONLY_FIELDS)
        return self._categories.update(
            _require_category_slug(slug), changes.as_replacement().apply_to
        )

    def archive(self, slug: str) -> Category:
        """Hide a category and all below it; nothing is lost. Raises NotFoundError."""
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges(is_active=False).apply_to
        )

    def restore(self, slug: str) -> Category:
        """Show an archived category again. Raises NotFoundError."""
        return self._categories.update(
            _require_category_slug(slug), CategoryChanges(is_active=True).apply_to
        )

    def delete(self, slug: str) -> None:
        """Delete a category for good. Its products stay, its children go to its parent.

        Raises NotFoundError.
        """
        self._categories.delete(_require_category_slug(slug))

    def link(self, product: str, category: str) -> None:
        """Put a product in a category, if it is not there. Its version stays.

        Raises NotFoundError, and SlugMovedError where the product has another slug now.
        """
        self._categories.link(require_slug(product), _require_category_slug(category))

    def unlink(self, product: str, category: str) -> None:
        """Take a product out of a category, if it is there. Raises SlugMovedError as `link`."""
        if is_slug(product) and is_slug(category):
            self._categories.unlink(product, category)


def _require_category_slug(text: str) -> str:
    """Return the slug. Raises NotFoundError for a text that cannot be one: no store is asked."""
    if not is_slug(text):
        raise category_not_found(text)
    return text
