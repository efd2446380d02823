"""The tree of categories: finding, listing, changing and moving them, and what is in them."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from eggypro_core.domain.category import (
    SHOWN,
    Category,
    CategoryChanges,
    CategoryDraft,
    CategoryQuery,
    no_category,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.slug import is_slug
from eggypro_core.errors import Fault, InvalidError
from eggypro_core.ports import CategoryStore, Clock
from eggypro_core.services.products import known_slug
from eggypro_core.validation.parameters import Status


@frozen
class Taxonomy:
    """The categories of a shop.

    Every method may raise UnavailableError. Those that take `values` take them as they came from
    outside, by the names of the wire, and raise InvalidError with all that is wrong with them.
    Of its states, a category is active if it is visible: itself and all above it are not archived.
    """

    _categories: CategoryStore
    _clock: Clock

    def find(self, slug: str, status: Status = Status.ACTIVE) -> Category:
        """Return a category. Raises NotFoundError (also for one in another state)."""
        category = self._categories.find(_slug(slug))
        if not status.shows(is_active=category.is_visible):
            raise no_category(slug)
        return category

    def page(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page of categories; its `next_query` asks for the page after it."""
        return self._categories.page(query)

    def add(self, values: Mapping[str, object]) -> Category:
        """Add a category. Raises ConflictError where its slug is another's, or it is too deep."""
        changes = CategoryChanges.read(values, required=("name",))
        return self._categories.add(changes.draft(), self._clock())

    def load(self, values: Sequence[Mapping[str, object]]) -> int:
        """Add many categories, each behind its parent: all of them or none. Say how many.

        Raises as `add`. A fault's field begins with the place of its category, from 0: `7.name`.
        """
        drafts: list[CategoryDraft] = []
        faults: list[Fault] = []
        for place, each in enumerate(values):
            try:
                drafts.append(CategoryChanges.read(each, required=("name",)).draft())
            except InvalidError as invalid:
                faults += [Fault(f"{place}.{one.field}", one.message) for one in invalid.faults]
        if faults:
            raise InvalidError(faults)
        self._categories.add_all(drafts, self._clock())
        return len(drafts)

    def change(self, slug: str, values: Mapping[str, object]) -> Category:
        """Change the named fields of a category, and return it.

        Raises NotFoundError, and ConflictError as `add` does and where it would be below itself.
        """
        return self._categories.change(_slug(slug), CategoryChanges.read(values).apply)

    def replace(self, slug: str, values: Mapping[str, object]) -> Category:
        """Replace a category: without `parent` it becomes a root. Raises as `change`.

        Left out, `slug` and `is_active` stay as they are. Names that a category shows but that
        cannot be set are passed over.
        """
        changes = CategoryChanges.read(values, required=("name",), ignored=SHOWN)
        return self._categories.change(_slug(slug), changes.whole().apply)

    def archive(self, slug: str) -> Category:
        """Hide a category and all below it; nothing is lost. Raises NotFoundError."""
        return self._categories.change(_slug(slug), CategoryChanges(is_active=False).apply)

    def restore(self, slug: str) -> Category:
        """Show an archived category again. Raises NotFoundError."""
        return self._categories.change(_slug(slug), CategoryChanges(is_active=True).apply)

    def remove(self, slug: str) -> None:
        """Delete a category for good. Its products stay, its children go to its parent.

        Raises NotFoundError.
        """
        self._categories.remove(_slug(slug))

    def link(self, product: str, category: str) -> None:
        """Put a product in a category, if it is not there. Its version stays.

        Raises NotFoundError, and MovedError where the product has another slug now.
        """
        self._categories.link(known_slug(product), _slug(category))

    def unlink(self, product: str, category: str) -> None:
        """Take a product out of a category, if it is there. Raises MovedError as `link`."""
        if is_slug(product) and is_slug(category):
            self._categories.unlink(product, category)


def _slug(text: str) -> str:
    """Return the slug. Raises NotFoundError for a text that cannot be one: no store is asked."""
    if not is_slug(text):
        raise no_category(text)
    return text
