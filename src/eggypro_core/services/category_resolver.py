"""The categories that a file names: found by slug or by name, and made where they are missing."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from eggypro_core.domain.category import (
    MAX_DEPTH,
    MAX_SLUG_LENGTH,
    NAME_VALIDATOR,
    NO_PARENT,
    READ_ONLY_FIELDS,
    CategoryChanges,
    CategoryDraft,
    categories_not_found,
    check_position,
)
from eggypro_core.domain.product import MAX_CATEGORIES
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slugify
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.ports import ImportSession
from eggypro_core.validation import fields

CategoryReference: TypeAlias = str | tuple[str, ...]
"""A category by its slug, or by the names from the root down to its own."""
CATEGORY_FIELDS = frozenset({"categories", "category_details"})
_MAX_DETAILS = 10_000


@frozen
class CategoryReferences:
    """What an entry says of categories: those its product is in, if it says so, and how some are.

    `details` are made where there is none of their slug, and let alone where there is.
    """

    references: tuple[CategoryReference, ...] | None = None
    details: tuple[CategoryDraft, ...] = ()

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "CategoryReferences":
        """Check what a file gives by the names NAMED. Raises ValidationError."""
        checked = fields.check(values, _VALIDATORS)
        details = checked.get("category_details", ())
        if "categories" not in checked:
            return cls(None, details)
        links: dict[CategoryReference, None] = {}
        for item in checked["categories"]:
            if isinstance(item, CategoryDraft):
                details = (*details, item)
                links[str(item.slug)] = None
            else:
                links[item] = None
        return cls(tuple(links), details)


NO_REFERENCES = CategoryReferences()


@define
class CategoryResolver:
    """The categories of a shop, as one load comes to know them and to add to them."""

    _session: ImportSession
    _paths: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    """By slug: the slugs from the root to it."""
    _slugs_by_name: dict[tuple[str | None, str], str] = field(factory=dict, init=False)
    """The slug of each by that of its parent and the key of its name: the first of equal ones."""
    _created: list[CategoryDraft] = field(factory=list, init=False)
    _is_loaded: bool = field(default=False, init=False)

    def create_missing(self, details: Sequence[CategoryDraft]) -> None:
        """Create the missing categories. Raises ValidationError or ConflictError."""
        if details:
            self._load_categories()
        for draft in details:
            if draft.slug not in self._paths:
                self._create(draft)

    def resolve(self, references: Sequence[CategoryReference]) -> tuple[str, ...]:
        """Return the slugs of some categories; what is missing of a path of names is made.

        Raises ValidationError where there is none of a slug.
        """
        if references:
            self._load_categories()
        if unknown := [
            one for one in references if isinstance(one, str) and one not in self._paths
        ]:
            raise categories_not_found(unknown)
        return tuple(dict.fromkeys(self._resolve_slug(link) for link in references))

    def take_created(self) -> Sequence[CategoryDraft]:
        """Return what was made since this was last asked, each behind its parent."""
        new, self._created = self._created, []
        return new

    def _load_categories(self) -> None:
        """Read the categories that are there, if that was not done."""
        if not self._is_loaded:
            self._is_loaded = True
            for draft in self._session.list_categories():
                self._remember(draft)

    def _resolve_slug(self, link: CategoryReference) -> str:
        if isinstance(link, str):
            return link
        *above, name = link
        parent = self._resolve_slug(tuple(above)) if above else None
        known = self._slugs_by_name.get((parent, name_sort_key(name)))
        return known or self._create(
            CategoryDraft(name=name, slug=self._free_slug(name), parent=parent)
        )

    def _free_slug(self, name: str) -> str:
        wanted = slugify(name, MAX_SLUG_LENGTH, fallback="category")
        return free_slug(
            wanted, lambda slug: slug == NO_PARENT or slug in self._paths, MAX_SLUG_LENGTH
        )

    def _create(self, draft: CategoryDraft) -> str:
        if draft.parent is not None and draft.parent not in self._paths:
            message = f"There is no category '{draft.parent}' for '{draft.slug}' to be below"
            raise ValidationError([FieldError("category_details", message)])
        slug = self._remember(draft)
        self._created.append(draft)
        return slug

    def _remember(self, draft: CategoryDraft) -> str:
        slug = str(draft.slug)
        above = self._paths[draft.parent] if draft.parent else ()
        check_position(slug, above, levels=1)
        self._paths[slug] = (*above, slug)
        self._slugs_by_name.setdefault((draft.parent, name_sort_key(draft.name)), slug)
        return slug


def _parse_reference(value: object) -> CategoryReference | CategoryDraft:
    """Return a category by its slug, as a list of names from the root, or as a map of details."""
    if isinstance(value, str):
        return _SLUG_VALIDATOR(value)
    if isinstance(value, Mapping):
        return _parse_detail(value)
    if not value:
        raise fields.InvalidValueError("A path of categories has no names")
    return _PATH_VALIDATOR(value)


def _parse_detail(value: object) -> CategoryDraft:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("The details of a category must be a map")
    try:
        return CategoryChanges.parse(
            value, required=("slug", "name"), ignore=READ_ONLY_FIELDS
        ).to_draft()
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            fields.escape_control(f"A category has wrong details: {invalid}", 1000)
        ) from None


_SLUG_VALIDATOR = fields.slug("Category", MAX_SLUG_LENGTH)
_PATH_VALIDATOR = fields.list_of("Names", NAME_VALIDATOR, MAX_DEPTH)
_VALIDATORS: Mapping[str, fields.Validator] = {
    "categories": fields.list_of("Categories", _parse_reference, MAX_CATEGORIES),
    "category_details": fields.list_of("Category details", _parse_detail, _MAX_DETAILS),
}
