"""The categories that a file names: found by slug or by name, and made where they are missing."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import define, field, frozen

from eggypro_core.domain.category import (
    DEPTH,
    NAME,
    ROOTS,
    SHOWN,
    SLUG,
    CategoryChanges,
    CategoryDraft,
    no_categories,
    require_place,
)
from eggypro_core.domain.product import CATEGORIES
from eggypro_core.domain.product_query import name_key
from eggypro_core.domain.slug import free_slug, slug_of
from eggypro_core.errors import Fault, InvalidError
from eggypro_core.ports import ProductLoad
from eggypro_core.validation import fields

Link: TypeAlias = str | tuple[str, ...]
"""A category by its slug, or by the names from the root down to its own."""
NAMED = frozenset({"categories", "category_details"})
_DETAILS = 10_000


@frozen
class Places:
    """What an entry says of categories: those its product is in, if it says so, and how some are.

    `details` are made where there is none of their slug, and let alone where there is.
    """

    links: tuple[Link, ...] | None = None
    details: tuple[CategoryDraft, ...] = ()

    @classmethod
    def read(cls, values: Mapping[str, object]) -> "Places":
        """Check what a file gives by the names NAMED. Raises InvalidError."""
        checked = fields.check(values, _RULES)
        details = checked.get("category_details", ())
        if "categories" not in checked:
            return cls(None, details)
        links: dict[Link, None] = {}
        for item in checked["categories"]:
            if isinstance(item, CategoryDraft):
                details = (*details, item)
                links[str(item.slug)] = None
            else:
                links[item] = None
        return cls(tuple(links), details)


NOWHERE = Places()


@define
class Tree:
    """The categories of a shop, as one load comes to know them and to add to them."""

    _load: ProductLoad
    _paths: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    """By slug: the slugs from the root to it."""
    _named: dict[tuple[str | None, str], str] = field(factory=dict, init=False)
    """The slug of each by that of its parent and the key of its name: the first of equal ones."""
    _new: list[CategoryDraft] = field(factory=list, init=False)
    _is_read: bool = field(default=False, init=False)

    def add(self, details: Sequence[CategoryDraft]) -> None:
        """Make those of which there is none. Raises InvalidError or ConflictError if it cannot."""
        if details:
            self._read()
        for draft in details:
            if draft.slug not in self._paths:
                self._make(draft)

    def find(self, links: Sequence[Link]) -> tuple[str, ...]:
        """Return the slugs of some categories; what is missing of a path of names is made.

        Raises InvalidError where there is none of a slug.
        """
        if links:
            self._read()
        if unknown := [one for one in links if isinstance(one, str) and one not in self._paths]:
            raise no_categories(unknown)
        return tuple(dict.fromkeys(self._slug(link) for link in links))

    def take_new(self) -> Sequence[CategoryDraft]:
        """Return what was made since this was last asked, each behind its parent."""
        new, self._new = self._new, []
        return new

    def _read(self) -> None:
        """Read the categories that are there, if that was not done."""
        if not self._is_read:
            self._is_read = True
            for draft in self._load.categories():
                self._keep(draft)

    def _slug(self, link: Link) -> str:
        if isinstance(link, str):
            return link
        *above, name = link
        parent = self._slug(tuple(above)) if above else None
        known = self._named.get((parent, name_key(name)))
        return known or self._make(CategoryDraft(name=name, slug=self._free(name), parent=parent))

    def _free(self, name: str) -> str:
        wanted = slug_of(name, SLUG, otherwise="category")
        return free_slug(wanted, lambda slug: slug == ROOTS or slug in self._paths, SLUG)

    def _make(self, draft: CategoryDraft) -> str:
        if draft.parent is not None and draft.parent not in self._paths:
            message = f"There is no category '{draft.parent}' for '{draft.slug}' to be below"
            raise InvalidError([Fault("category_details", message)])
        slug = self._keep(draft)
        self._new.append(draft)
        return slug

    def _keep(self, draft: CategoryDraft) -> str:
        slug = str(draft.slug)
        above = self._paths[draft.parent] if draft.parent else ()
        require_place(slug, above, levels=1)
        self._paths[slug] = (*above, slug)
        self._named.setdefault((draft.parent, name_key(draft.name)), slug)
        return slug


def _item(value: object) -> Link | CategoryDraft:
    """Return a category by its slug, as a list of names from the root, or as a map of details."""
    if isinstance(value, str):
        return _SLUG(value)
    if isinstance(value, Mapping):
        return _detail(value)
    if not value:
        raise fields.RefusedError("A path of categories has no names")
    return _PATH(value)


def _detail(value: object) -> CategoryDraft:
    if not isinstance(value, Mapping):
        raise fields.RefusedError("The details of a category must be a map")
    try:
        return CategoryChanges.read(value, required=("slug", "name"), ignored=SHOWN).draft()
    except InvalidError as invalid:
        raise fields.RefusedError(
            fields.printable(f"A category has wrong details: {invalid}", 1000)
        ) from None


_SLUG = fields.slug("Category", SLUG)
_PATH = fields.listed("Names", NAME, DEPTH)
_RULES: Mapping[str, fields.Rule] = {
    "categories": fields.listed("Categories", _item, CATEGORIES),
    "category_details": fields.listed("Category details", _detail, _DETAILS),
}
