"""CategoryResolver: look up or create the categories of an import."""

from collections.abc import Collection, Mapping, Sequence

from attrs import define, field

from eggypro_core.domain.category import (
    MAX_DEPTH,
    MAX_SLUG_LENGTH,
    NAME_VALIDATOR,
    NO_PARENT,
    READ_ONLY_FIELDS,
    CategoryChanges,
    CategoryDraft,
    check_position,
)
from eggypro_core.domain.product import MAX_CATEGORIES
from eggypro_core.domain.product_files import CategoryReference, CategoryReferences
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.slug import free_slug, slugify
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.ports import ImportSession
from eggypro_core.validation import fields

CATEGORY_FIELDS = frozenset({"categories", "category_details"})
_MAX_DETAILS = 10_000


def parse_references(values: Mapping[str, object]) -> CategoryReferences:
    """Parse the CATEGORY_FIELDS of an entry. Raises ValidationError."""
    checked = fields.check(values, _VALIDATORS)
    details = checked.get("category_details", ())
    if "categories" not in checked:
        return CategoryReferences(None, details)
    references: dict[CategoryReference, None] = {}
    for item in checked["categories"]:
        if isinstance(item, CategoryDraft):
            details = (*details, item)
            references[str(item.slug)] = None
        else:
            references[item] = None
    return CategoryReferences(tuple(references), details)


@define
class CategoryResolver:
    """The category tree during one import, with the categories that the import adds."""

    _session: ImportSession
    _paths: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    """By slug: the slugs from the root to the category."""
    _slugs_by_name: dict[tuple[str | None, str], str] = field(factory=dict, init=False)
    """Slug by parent slug and `name_sort_key`; of equal names, the first."""
    _keys: dict[str, str] = field(factory=dict, init=False)
    """`name_sort_key` by slug."""
    _created: list[CategoryDraft] = field(factory=list, init=False)
    _is_loaded: bool = field(default=False, init=False)
    created_names: list[str] = field(factory=list, init=False)
    """The names of all categories created."""

    def create_missing(self, details: Sequence[CategoryDraft]) -> None:
        """Create the missing categories. Raises ValidationError or ConflictError."""
        if details:
            self._load_categories()
        for draft in details:
            if draft.slug not in self._paths:
                self._create(draft)

    def resolve(self, references: Sequence[CategoryReference]) -> tuple[str, ...]:
        """Return the slugs of the categories; missing ones of a path of names are created.

        Unknown slugs are left out: see `unknown_slugs`.
        """
        unknown = self.unknown_slugs(references)
        known = [reference for reference in references if reference not in unknown]
        return tuple(dict.fromkeys(map(self._resolve_slug, known)))

    def unknown_slugs(self, references: Sequence[CategoryReference]) -> list[str]:
        """Return the slugs that no category has."""
        if references:
            self._load_categories()
        return [
            reference
            for reference in references
            if isinstance(reference, str) and reference not in self._paths
        ]

    def is_valid(self, categories: CategoryReferences) -> bool:
        """Return whether all categories given by slug exist or have details."""
        slugs = {slug for slug in categories.references or () if isinstance(slug, str)}
        slugs -= {str(draft.slug) for draft in categories.details}
        if slugs:
            self._load_categories()
        return slugs <= self._paths.keys()

    def is_known(self, references: Sequence[CategoryReference], slugs: Collection[str]) -> bool:
        """Return whether the references are those of a product in the categories `slugs`.

        A path of names may mean any category with that path.
        """
        if all(isinstance(reference, str) for reference in references):
            return set(references) == set(slugs)
        self._load_categories()
        given = {
            reference if isinstance(reference, str) else tuple(map(name_sort_key, reference))
            for reference in references
        }
        names = {slug: tuple(map(self._keys.__getitem__, self._paths[slug])) for slug in slugs}
        return all(slug in given or path in given for slug, path in names.items()) and (
            given <= {*slugs, *names.values()}
        )

    def pop_created(self) -> Sequence[CategoryDraft]:
        """Return the categories created since the last call; parents come first."""
        created, self._created = self._created, []
        return created

    def _load_categories(self) -> None:
        """Load the existing categories on first use."""
        if not self._is_loaded:
            self._is_loaded = True
            for draft in self._session.list_categories():
                self._remember(draft)

    def _resolve_slug(self, reference: CategoryReference) -> str:
        if isinstance(reference, str):
            return reference
        *ancestors, name = reference
        parent = self._resolve_slug(tuple(ancestors)) if ancestors else None
        slug = self._slugs_by_name.get((parent, name_sort_key(name)))
        return slug or self._create(
            CategoryDraft(name=name, slug=self._free_slug(name), parent=parent)
        )

    def _free_slug(self, name: str) -> str:
        return free_slug(
            slugify(name, MAX_SLUG_LENGTH, fallback="category"),
            lambda slug: slug == NO_PARENT or slug in self._paths,
            MAX_SLUG_LENGTH,
        )

    def _create(self, draft: CategoryDraft) -> str:
        if draft.parent is not None and draft.parent not in self._paths:
            message = f"Parent category '{draft.parent}' of '{draft.slug}' does not exist"
            raise ValidationError([FieldError("category_details", message)])
        slug = self._remember(draft)
        self._created.append(draft)
        self.created_names.append(draft.name)
        return slug

    def _remember(self, draft: CategoryDraft) -> str:
        slug = str(draft.slug)
        ancestors = self._paths[draft.parent] if draft.parent else ()
        check_position(slug, ancestors, levels=1)
        self._paths[slug] = (*ancestors, slug)
        self._keys[slug] = name_sort_key(draft.name)
        self._slugs_by_name.setdefault((draft.parent, self._keys[slug]), slug)
        return slug


def _parse_reference(value: object) -> CategoryReference | CategoryDraft:
    """Parse a slug, a path of names from the root, or a map of details."""
    if isinstance(value, str):
        return _SLUG_VALIDATOR(value)
    if isinstance(value, Mapping):
        return _parse_detail(value)
    if not value:
        raise fields.InvalidValueError("A category path must not be empty")
    return _PATH_VALIDATOR(value)


def _parse_detail(value: object) -> CategoryDraft:
    if not isinstance(value, Mapping):
        raise fields.InvalidValueError("Category details must be a map")
    try:
        return CategoryChanges.parse(
            value, required=("slug", "name"), ignore=READ_ONLY_FIELDS
        ).to_draft()
    except ValidationError as invalid:
        raise fields.InvalidValueError(
            fields.escape_control(f"Invalid category details: {invalid}", 1000)
        ) from None


_SLUG_VALIDATOR = fields.slug("Category", MAX_SLUG_LENGTH)
_PATH_VALIDATOR = fields.list_of("Names", NAME_VALIDATOR, MAX_DEPTH)
_VALIDATORS: Mapping[str, fields.Validator] = {
    "categories": fields.list_of("Categories", _parse_reference, MAX_CATEGORIES),
    "category_details": fields.list_of("Category details", _parse_detail, _MAX_DETAILS),
}
