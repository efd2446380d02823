"""One category of a tree: its rules, what may be written to it, and the wish for a list of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from attrs import evolve, fields_dict, frozen

from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, text_key
from eggypro_core.domain.product_fields import NOT_IN_NAMES
from eggypro_core.domain.product_query import name_key
from eggypro_core.errors import ConflictError, Fault, InvalidError, NotFoundError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import STATUS, Status, number
from eggypro_core.validation.unset import UNSET, Unset

DEPTH = 100
"""How many levels a tree may have: a page shows the path of each of its categories."""
SLUG = 100
"""How long the slug of a category may be."""
ROOTS = "none"
"""What a list is asked for by the parent of the roots; so it is no slug."""
SHOWN = frozenset({"id", "path", "product_count", "created_at"})
"""What a category shows but a write cannot set. PUT passes over it, so a GET can be put back."""


@frozen(kw_only=True)
class Category:
    """A category. `parent` is the slug of the one above it, None for a root.

    `path` has the slugs from the root to itself. It `is_visible` if it and all above it are active.
    `product_count` counts the active products in it and in what is visible below it, each once.
    """

    id: int
    name: str
    slug: str
    description: str | None
    parent: str | None
    path: tuple[str, ...]
    is_active: bool
    is_visible: bool
    product_count: int
    created_at: datetime


@frozen(kw_only=True)
class CategoryDraft:
    """A category that is not stored yet. Without a `slug`, one is made from its name."""

    name: str
    slug: str | None = None
    description: str | None = None
    parent: str | None = None
    is_active: bool = True


@frozen(kw_only=True)
class CategoryChanges:
    """What a write says about a category. A field that it leaves alone is UNSET."""

    name: str | Unset = UNSET
    slug: str | Unset = UNSET
    description: str | Unset | None = UNSET
    parent: str | Unset | None = UNSET
    is_active: bool | Unset = UNSET

    @classmethod
    def read(
        cls,
        values: Mapping[str, object],
        *,
        required: Collection[str] = (),
        ignored: Collection[str] = (),
    ) -> "CategoryChanges":
        """Check what came from outside. Raises InvalidError with every fault of it.

        `required` names must be there. What is only shown cannot be set, unless it is `ignored`.
        """
        return cls(**fields.check(values, FIELDS, required=required, ignored=ignored, closed=SHOWN))

    def draft(self) -> CategoryDraft:
        """Return the new category that this describes, which has a name."""
        return CategoryDraft(**self._given())

    def whole(self) -> "CategoryChanges":
        """Return the changes of a replacement: one that leaves them out has no text, no parent."""
        return evolve(
            self,
            description=None if self.description is UNSET else self.description,
            parent=None if self.parent is UNSET else self.parent,
        )

    def apply(self, category: Category) -> Category:
        """Return the category as changed. Its path stays, for the store to follow the parent."""
        return evolve(category, **self._given())

    def _given(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in fields_dict(CategoryDraft)}
        return {name: value for name, value in values.items() if value is not UNSET}


@frozen(kw_only=True)
class CategoryQuery(ListQuery[Category, str]):
    """A query for categories, sorted by name.

    `parent` is the slug of the one whose children are meant, or ROOTS; None stands for all.
    """

    parameters: ClassVar[Parameters] = {
        "parent": fields.line("Parent", 255),
        "status": STATUS,
        **PAGE_PARAMETERS,
        "limit": number("Limit", 1, 1000),
    }

    parent: str | None = None
    status: Status = Status.ACTIVE

    def _sort_key(self, item: Category) -> str:
        return name_key(item.name)

    def _parse_key(self, text: str) -> str:
        return text_key(text)


def require_place(slug: str, above: Sequence[str], *, levels: int) -> None:
    """Raise ConflictError if a category cannot be where its parent's path is `above` it.

    It must not come below itself, nor it or what it has below it, `levels` in all, too deep.
    """
    if slug in above:
        raise ConflictError("A category cannot be below itself", field="parent")
    if len(above) + levels > DEPTH:
        raise ConflictError(f"A tree of categories has at most {DEPTH} levels", field="parent")


def no_category(slug: str) -> NotFoundError:
    """Return what is said where there is no such category."""
    return NotFoundError(_absent(slug), kind="category")


def no_parent(slug: str) -> InvalidError:
    """Return the refusal of a parent that does not exist."""
    return InvalidError([Fault("parent", _absent(slug))])


def no_categories(slugs: Collection[str]) -> InvalidError:
    """Return the refusal of a product in categories that do not exist."""
    return InvalidError([Fault("categories", _absent(slug)) for slug in slugs])


def _absent(slug: str) -> str:
    return f"There is no category '{fields.printable(slug)}'"


NAME = fields.line("Name", 100, never=NOT_IN_NAMES)
"""The rule of a category's name."""
FIELDS: Mapping[str, fields.Rule] = {
    "name": NAME,
    "slug": fields.slug("Slug", SLUG, {ROOTS}),
    "description": fields.optional(fields.long_text("Description", 5000)),
    "parent": fields.optional(fields.slug("Parent", SLUG)),
    "is_active": fields.yes_or_no("Is active"),
}
