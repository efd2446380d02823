"""Categories: the record, its draft and changes, validation, and list queries."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from attrs import evolve, fields_dict, frozen

from eggypro_core.domain.pagination import PAGE_PARAMETERS, ListQuery, Parameters, parse_text_key
from eggypro_core.domain.product_fields import FORBIDDEN_NAME_CHARACTERS
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.errors import ConflictError, FieldError, NotFoundError, ValidationError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import STATUS_VALIDATOR, Status, integer_param
from eggypro_core.validation.unset import UNSET, Unset

MAX_DEPTH = 100
"""The maximum depth of the tree: every page shows the path of each of its categories."""
MAX_SLUG_LENGTH = 100
"""The maximum length of a category's slug."""
NO_PARENT = "none"
"""The value of the `parent` filter that matches roots, and therefore a reserved slug."""
READ_ONLY_FIELDS = frozenset({"id", "path", "product_count", "created_at"})
"""The fields that a write cannot set. PUT ignores them, so that it accepts the body of a GET."""


@frozen(kw_only=True)
class Category:
    """A category. `parent` is the slug of its parent, None for a root.

    `path` has the slugs from the root to the category itself. A category is visible if it and all
    its ancestors are active. `product_count` is the number of distinct active and listed products
    in it and in its visible descendants.
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
    """A category that is not stored yet. Without a `slug`, one is generated from its name."""

    name: str
    slug: str | None = None
    description: str | None = None
    parent: str | None = None
    is_active: bool = True


@frozen(kw_only=True)
class CategoryChanges:
    """Changes to a category. Fields that stay unchanged are UNSET."""

    name: str | Unset = UNSET
    slug: str | Unset = UNSET
    description: str | Unset | None = UNSET
    parent: str | Unset | None = UNSET
    is_active: bool | Unset = UNSET

    @classmethod
    def parse(
        cls,
        values: Mapping[str, object],
        *,
        required: Collection[str] = (),
        ignore: Collection[str] = (),
    ) -> "CategoryChanges":
        """Validate input values. Raises ValidationError with all errors.

        `required` fields must be present. Read-only fields are rejected unless in `ignore`.
        """
        return cls(
            **fields.check(
                values,
                CATEGORY_VALIDATORS,
                required=required,
                ignore=ignore,
                read_only=READ_ONLY_FIELDS,
            )
        )

    def to_draft(self) -> CategoryDraft:
        """Return the draft of a new category. The name must be set."""
        return CategoryDraft(**self._set_fields())

    def as_replacement(self) -> "CategoryChanges":
        """Return the changes of a PUT, which clears an omitted description or parent."""
        return evolve(
            self,
            description=None if self.description is UNSET else self.description,
            parent=None if self.parent is UNSET else self.parent,
        )

    def apply_to(self, category: Category) -> Category:
        """Return the changed category. The store updates its path if the parent changes."""
        return evolve(category, **self._set_fields())

    def _set_fields(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in fields_dict(CategoryDraft)}
        return {name: value for name, value in values.items() if value is not UNSET}


@frozen(kw_only=True)
class CategoryQuery(ListQuery[Category, str]):
    """A query for categories, sorted by name.

    `parent` limits it to the children of that slug, or to roots if it is NO_PARENT.
    """

    parameters: ClassVar[Parameters] = {
        "parent": fields.single_line("Parent", 255),
        "status": STATUS_VALIDATOR,
        **PAGE_PARAMETERS,
        "limit": integer_param("Limit", 1, 1000),
    }

    parent: str | None = None
    status: Status = Status.ACTIVE

    def _sort_key(self, item: Category) -> str:
        return name_sort_key(item.name)

    def _parse_key(self, text: str) -> str:
        return parse_text_key(text)


def check_position(slug: str, ancestors: Sequence[str], *, levels: int) -> None:
    """Raise ConflictError if a category cannot be placed below these ancestors.

    A category cannot be its own ancestor, and its subtree of `levels` levels must not exceed
    MAX_DEPTH.
    """
    if slug in ancestors:
        raise ConflictError(
            "A category cannot be below itself", field="parent", code="category-cycle"
        )
    if len(ancestors) + levels > MAX_DEPTH:
        raise ConflictError(
            f"The category tree has at most {MAX_DEPTH} levels",
            field="parent",
            code="limit-reached",
        )


def category_not_found(slug: str) -> NotFoundError:
    """Return the error for a category that does not exist."""
    return NotFoundError(_not_found_message(slug), kind="category")


def parent_not_found(slug: str) -> ValidationError:
    """Return the error for a parent that does not exist."""
    return ValidationError([FieldError("parent", _not_found_message(slug))])


def categories_not_found(slugs: Collection[str]) -> ValidationError:
    """Return the error for a product in categories that do not exist."""
    return ValidationError([FieldError("categories", _not_found_message(slug)) for slug in slugs])


def _not_found_message(slug: str) -> str:
    return f"There is no category '{fields.escape_control(slug)}'"


NAME_VALIDATOR = fields.single_line("Name", 100, excluded=FORBIDDEN_NAME_CHARACTERS)
"""The validator of a category's name."""
CATEGORY_VALIDATORS: Mapping[str, fields.Validator] = {
    "name": NAME_VALIDATOR,
    "slug": fields.slug("Slug", MAX_SLUG_LENGTH, {NO_PARENT}),
    "description": fields.optional(fields.multiline("Description", 5000)),
    "parent": fields.optional(fields.slug("Parent", MAX_SLUG_LENGTH)),
    "is_active": fields.boolean("Is active"),
}
