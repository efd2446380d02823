"""Turn the entries of an imported file into valid items."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from types import MappingProxyType

from attrs import asdict, define, evolve, field

from eggypro_core.domain.image import ImageUrlBuilder
from eggypro_core.domain.product import IMPORT_READ_ONLY_FIELDS
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import (
    NO_CATEGORY_REFERENCES,
    ROW_PREFIX,
    CategoryReferences,
    ImportEntry,
    ImportItem,
    ImportMessage,
    MatchKeys,
)
from eggypro_core.domain.product_query import name_sort_key
from eggypro_core.domain.variant import VariantChanges
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.ports import ImportStage
from eggypro_core.services.importing.category_resolver import CATEGORY_FIELDS, parse_references
from eggypro_core.services.importing.messages import shown
from eggypro_core.services.importing.normaliser import NormalisedEntry, normalise_entry
from eggypro_core.services.importing.recorder import ImportRecorder
from eggypro_core.validation import fields
from eggypro_core.validation.unset import UNSET, Unset

_MAX_SOURCE_KEY = 255

_IDENTIFYING_FIELDS = frozenset({"slug", "name", "sku", "variants"})


@define
class EntryParser:
    """Normalise and validate entries, drop repeated products, and store the rest in a stage.

    `is_lossless`: the file format holds every value of a product, and names in any spelling.
    """

    stage: ImportStage
    recorder: ImportRecorder
    clean_html: Callable[[str], str]
    image_url: ImageUrlBuilder
    is_lossless: bool = False
    item_count: int = 0
    _batch: dict[int, ImportItem] = field(factory=dict)
    """Items that are not staged yet, by number."""

    def stage_entries(self, entries: Sequence[ImportEntry]) -> None:
        """Store the items of a batch of entries."""
        items: list[ImportItem] = []
        for entry in entries:
            self.recorder.add_warnings(entry.warnings)
            self.recorder.add_errors(entry.errors)
            if entry.values is not None and not entry.errors:
                items += self._parse_entry(entry)
        use_keys = [_use_keys(item.keys) for item in items]
        self.stage.load_uses({*chain.from_iterable(use_keys)})
        self._batch = {}
        for item, keys in zip(items, use_keys, strict=True):
            unique = item if item.is_refused else self._without_repeated(item, keys)
            if unique is not None:
                self._batch[item.number] = unique
        self.stage.add([*self._batch.values()])

    def parse_values(self, entry: ImportEntry) -> ProductChanges:
        """Return the changes that an entry describes. Raises ValidationError."""
        values = self._normalise(entry).values or {}
        own = {name: value for name, value in values.items() if name not in CATEGORY_FIELDS}
        return self._parse_changes(own, required=())

    def _normalise(self, entry: ImportEntry) -> NormalisedEntry:
        return normalise_entry(entry, self.clean_html, keeps_spellings=self.is_lossless)

    def _parse_entry(self, entry: ImportEntry) -> Iterator[ImportItem]:
        """Yield the item of an entry, or the categories that a refused one describes."""
        normalised = self._normalise(entry)
        self.recorder.add_warnings(normalised.warnings)
        self.recorder.add_errors(normalised.errors)
        if normalised.values is None or normalised.errors:
            yield from self._details_of(entry)
            return
        try:
            changes, categories = self._parse(normalised.values, entry.source_id)
        except (ValidationError, ConflictError) as error:
            self.recorder.add_errors(messages_of(error, entry.line, entry.values or {}))
            yield from self._details_of(entry)
            return
        yield _with_row_id(
            ImportItem(
                self._next_number(),
                entry.line,
                _keys_of(changes, entry),
                changes,
                categories,
                tuple(normalised.skipped_options),
                entry.has_no_variants,
                not _has_alts(normalised.values.get("images")),
            )
        )

    def _next_number(self) -> int:
        self.item_count += 1
        return self.item_count - 1

    def _details_of(self, entry: ImportEntry) -> Iterator[ImportItem]:
        """Keep the category details of a refused product: others may be in these categories."""
        details = {n: v for n, v in (entry.values or {}).items() if n == "category_details"}
        try:
            categories = parse_references(details)
        except ValidationError:
            return
        if categories.details:
            yield ImportItem(
                self._next_number(),
                entry.line,
                MatchKeys(),
                ProductChanges(),
                categories,
                is_refused=True,
            )

    def _parse(
        self, values: Mapping[str, object], source_id: str | None
    ) -> tuple[ProductChanges, CategoryReferences]:
        own = dict(values)
        references = {name: own.pop(name) for name in CATEGORY_FIELDS if name in own}
        errors: list[FieldError] = []
        categories = NO_CATEGORY_REFERENCES
        if references:
            try:
                categories = parse_references(references)
            except ValidationError as invalid:
                errors += invalid.errors
        try:
            is_identified = source_id is not None or not _IDENTIFYING_FIELDS.isdisjoint(own)
            changes = self._parse_changes(own, required=() if is_identified else ("name",))
        except ValidationError as invalid:
            raise ValidationError([*invalid.errors, *errors]) from None
        fields.raise_if(errors)
        return changes, categories

    def _parse_changes(
        self, values: Mapping[str, object], required: Sequence[str]
    ) -> ProductChanges:
        own, edits = values, values.get("attribute_edits", UNSET)
        if edits is not UNSET:
            own = {name: value for name, value in values.items() if name != "attribute_edits"}
        changes = ProductChanges.parse(
            own,
            self.clean_html,
            required=required,
            read_only=IMPORT_READ_ONLY_FIELDS,
            image_url=self.image_url,
        )
        if edits is UNSET:
            return changes
        patch = ProductChanges.parse({"attributes": edits}, self.clean_html, merge=True)
        return evolve(changes, attribute_edits=patch.attribute_edits)

    def _without_repeated(self, item: ImportItem, keys: Sequence[str]) -> ImportItem | None:
        """Return the item without repeated SKUs, or None if the product is repeated.

        `keys` are all keys that it uses.
        """
        if former := self.stage.find_uses(_identity_keys(item.keys)):
            key, number = next(iter(former.items()))
            first = self._item(number)
            if self._is_same(first, item):
                message = f"The same product as on line {first.line}: ignored"
                self.recorder.warn(item.line, "", message)
            else:
                self._refuse_repeated(item.line, key, first.line)
            return None
        uses = self.stage.record_uses(dict.fromkeys(keys, item.number))
        repeated = {key: number for key, number in uses.items() if key.startswith("sku:")}
        return self._without_skus(item, repeated) if repeated else item

    def _refuse_repeated(self, line: int, key: str, first_line: int) -> None:
        kind, _, value = key.partition(":")
        name, label = ("id", "ID") if kind == "id" else ("slug", "Slug")
        text = fields.escape_control(value)
        message = f"{label} '{text}' is also on line {first_line}, with other values"
        self.recorder.fail(line, name, message, text)

    def _is_same(self, first: ImportItem, item: ImportItem) -> bool:
        """Return whether two items are equal, except for SKUs that `first` has lost."""
        uses = self.stage.find_uses([f"sku:{sku}" for sku in item.keys.skus])
        lost_skus = {
            key.removeprefix("sku:") for key, number in uses.items() if number < first.number
        }
        return _content(first) == _content(without_skus(item, lost_skus))

    def _without_skus(self, item: ImportItem, repeated: Mapping[str, int]) -> ImportItem:
        skus = {key.removeprefix("sku:"): number for key, number in repeated.items()}
        for sku, number in skus.items():
            line = self._item(number).line
            message = f"SKU '{sku}' is already used on line {line}: left out"
            self.recorder.warn(item.line, "sku", message, sku)
        return without_skus(item, set(skus))

    def _item(self, number: int) -> ImportItem:
        return self._batch[number] if number in self._batch else self.stage.get(number)


def without_skus(item: ImportItem, skus: set[str]) -> ImportItem:
    """Return the item without some of its SKUs; stored products keep theirs."""
    changes = item.changes
    if changes.sku in skus:
        changes = evolve(changes, sku=UNSET)
    variants = tuple(
        evolve(variant, sku=UNSET) if variant.sku in skus else variant
        for variant in changes.variants
    )
    remaining_skus = tuple(sku for sku in item.keys.skus if sku not in skus)
    return evolve(
        item,
        changes=evolve(changes, variants=variants),
        keys=evolve(item.keys, skus=remaining_skus),
    )


def messages_of(
    error: ValidationError | ConflictError,
    line: int,
    values: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[ImportMessage]:
    """Yield the messages of an error, with the `values` of their fields except lists and maps."""
    errors = (
        error.errors
        if isinstance(error, ValidationError)
        else [FieldError(error.field, str(error))]
    )
    for item in errors:
        value = values.get(item.field)
        text = "" if isinstance(value, Mapping | list | tuple) else shown(value)
        yield ImportMessage(line, item.field, item.message, value=text)


def _keys_of(changes: ProductChanges, entry: ImportEntry) -> MatchKeys:
    handle = None if entry.values is None else entry.values.get("slug")
    offers: list[ProductChanges | VariantChanges] = [changes, *changes.variants]
    return MatchKeys(
        slug=None if changes.slug is UNSET else changes.slug,
        handle=_handle_key(handle, changes.slug) if isinstance(handle, str) else None,
        source_id=_source_key(entry.source_id or ""),
        name=None if changes.name is UNSET else name_sort_key(changes.name),
        skus=_unique_texts([offer.sku for offer in offers]),
        gtins=_unique_texts([offer.gtin for offer in offers]),
        can_be_new=changes.name is not UNSET and changes.is_priced,
    )


def _unique_texts(values: Sequence[str | Unset | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([value for value in values if isinstance(value, str)]))


def _handle_key(handle: str, slug: str | Unset) -> str | None:
    return handle if handle == slug else _source_key(handle.strip().lower())


def _source_key(text: str) -> str | None:
    """Return a handle or ID in its stored form: with a digest if it is invalid or too long."""
    if not text:
        return None
    key = fields.escape_control(text, _MAX_SOURCE_KEY)
    if key != text:
        digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()
        key = f"{key[: _MAX_SOURCE_KEY - 1 - len(digest)]}-{digest}"
    return key or None


def _has_alts(images: object) -> bool:
    """Return whether any image of an entry has an alt text, even a blank one."""
    return isinstance(images, list) and any(
        isinstance(image, Mapping) and "alt" in image for image in images
    )


def _identity_keys(keys: MatchKeys) -> list[str]:
    handles = [] if keys.handle is None else [f"handle:{keys.handle}"]
    ids = [] if keys.source_id is None else [f"id:{keys.source_id}"]
    return [*handles, *ids]


def _content(item: ImportItem) -> ImportItem:
    """Return the item without its position in the file."""
    return evolve(item, number=0, line=0, keys=evolve(item.keys, source_id=None))


def _with_row_id(item: ImportItem) -> ImportItem:
    """Return the item with an ID made of its values if the file gives it neither handle nor ID.

    Products with the same name can then be told apart when the file is imported again, in any
    order.
    """
    keys = item.keys
    if keys.handle or keys.source_id or keys.name is None:
        return item
    values = (
        _set_values(evolve(item.changes, variants=())),
        [_set_values(variant) for variant in item.changes.variants],
        item.categories,
        item.skipped_options,
    )
    digest = blake2b(repr(values).encode(), digest_size=16).hexdigest()
    return evolve(item, keys=evolve(keys, source_id=f"{ROW_PREFIX}{digest}"))


def _set_values(changes: ProductChanges | VariantChanges) -> dict[str, object]:
    values = asdict(changes, recurse=False)
    return {name: value for name, value in values.items() if value is not UNSET}


def _use_keys(keys: MatchKeys) -> list[str]:
    """Return all keys that an item uses."""
    slugs = [] if keys.slug is None else [f"slug:{keys.slug}"]
    return [*_identity_keys(keys), *[f"sku:{sku}" for sku in keys.skus], *slugs]
