"""An import at work: each entry checked, matched with what is there, and put in batches."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from attrs import define, evolve, field, frozen

from eggypro_core.domain.image import ImageUrlBuilder, image_not_found, is_external, no_image_url
from eggypro_core.domain.product import (
    IMPORT_READ_ONLY_FIELDS,
    IMPORT_REQUIRED_FIELDS,
    Image,
    Product,
    ProductDraft,
    own_image_ids,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.domain.slug import free_slug, numbered_slug, slugify
from eggypro_core.domain.variant import (
    Variant,
    VariantChanges,
    VariantDraft,
    check_option_names,
    options_key,
)
from eggypro_core.errors import ConflictError, FieldError, ValidationError
from eggypro_core.ports import ImportSession
from eggypro_core.services.category_resolver import (
    CATEGORY_FIELDS,
    NO_REFERENCES,
    CategoryReferences,
    CategoryResolver,
)
from eggypro_core.validation import fields
from eggypro_core.validation.fields import InvalidValueError, decimal, escape_control
from eggypro_core.validation.unset import UNSET

IMPORT_BATCH_SIZE = 1000
MAX_REPORTED_NOTICES = 10_000
"""How many refusals and how many warnings are listed. An import stops at more refusals."""
_TOO_MANY_ERRORS = FieldError(
    "", "So much is refused that the import stopped here: is this the right file?"
)


@frozen
class _Candidate:
    """An entry that is right by itself, and the slug by which it is known.

    One that is `made` of the name has a number behind it where the file has that name again.
    """

    line: int
    slug: str
    changes: ProductChanges
    categories: CategoryReferences
    is_slug_generated: bool = False

    @property
    def has_categories(self) -> bool:
        """Whether it says which categories it is in."""
        return self.categories.references is not None

    @property
    def skus(self) -> list[str]:
        """The SKUs that it claims, for itself and for its variants."""
        every = [self.changes.sku, *(one.sku for one in self.changes.variants)]
        return [sku for sku in every if isinstance(sku, str)]

    @property
    def is_unpriced(self) -> bool:
        """Whether it has no price that a new product could have, but could be one otherwise."""
        unpriced = self.changes.is_unset("price") and not self.changes.variants
        return unpriced and not self.changes.is_unset("name")

    @property
    def images(self) -> tuple[Image, ...]:
        """The images that it names, none if it leaves them alone."""
        return () if self.changes.images is UNSET else self.changes.images

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The field and the value of what nothing else in the file may have."""
        return [("slug", self.slug), *(("sku", sku) for sku in self.skus)]


@define
class _Batch:
    """What a batch of entries comes to; `linked` are the categories of its known products."""

    known_categories: Mapping[str, Collection[str]]
    new: list[ProductDraft] = field(factory=list)
    changed: list[Product] = field(factory=list)
    new_variants: list[tuple[str, VariantDraft]] = field(factory=list)
    changed_variants: list[tuple[str, Variant]] = field(factory=list)
    new_categories: dict[str, Sequence[str]] = field(factory=dict)
    recategorised_count: int = 0
    """Products of which nothing but the categories changed: they stay at their version."""


@define
class ProductImporter:
    """The state of one import: what was counted, and what was said of which line."""

    session: ImportSession
    clean_html: Callable[[str], str]
    now: datetime
    on_conflict: OnConflict
    image_url: ImageUrlBuilder = no_image_url
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[Notice] = field(factory=list)
    warnings: list[Notice] = field(factory=list)
    _categories: CategoryResolver = field(init=False)
    _last_numbers: dict[str, int] = field(factory=dict, init=False)
    """The last number behind each slug that was made more than once, as far as it is remembered."""

    @_categories.default
    def _(self) -> CategoryResolver:
        return CategoryResolver(self.session)

    def run(self, entries: Iterable[ImportEntry]) -> None:
        """Take every entry, or stop where so many are refused that the file must be wrong."""
        rest = iter(entries)
        while batch := list(islice(rest, IMPORT_BATCH_SIZE)):
            if len(self.errors) >= MAX_REPORTED_NOTICES:
                self._add_errors(batch[0].line, [_TOO_MANY_ERRORS])
                return
            waiting: Sequence[_Candidate] = self._reject_repeated(list(self._parse_entries(batch)))
            while waiting:
                free, waiting = self._split_by_sku(waiting)
                self._write(self._resolve_images(free))

    def report(self, *, is_accepted: bool, dry_run: bool) -> ImportReport:
        """Return what came of it, or would in a run that is not dry."""
        return ImportReport(
            created=self.created if is_accepted else 0,
            changed=self.changed if is_accepted else 0,
            unchanged=self.unchanged,
            refused=_by_line(self.errors),
            warnings=_by_line(self.warnings[:MAX_REPORTED_NOTICES]),
            dry_run=dry_run,
        )

    def _add_errors(self, line: int, faults: Iterable[FieldError]) -> None:
        self.errors += [Notice(line, fault.field, fault.message) for fault in faults]

    def _add_warnings(self, line: int, warnings: Iterable[FieldError]) -> None:
        if len(self.warnings) < MAX_REPORTED_NOTICES:
            self.warnings += [Notice(line, said.field, said.message) for said in warnings]

    def _parse_entries(self, batch: Sequence[ImportEntry]) -> Iterator[_Candidate]:
        for entry in batch:
            self._add_warnings(entry.line, entry.warnings)
            self._add_errors(entry.line, entry.errors)
            if entry.values is None or entry.errors:
                continue
            if has_null_price(entry.values):
                self._add_warnings(entry.line, [NO_PRICE_WARNING])
                continue
            try:
                yield self._parse_entry(entry.line, entry.values)
            except (ValidationError, ConflictError) as error:
                self._add_errors(entry.line, _field_errors(error))

    def _parse_entry(self, line: int, values: Mapping[str, object]) -> _Candidate:
        places, others, wrong = _split_categories(values)
        taken, warnings = normalise_amounts(others)
        self._add_warnings(line, warnings)
        changes = self._parse_changes(taken, wrong)
        self._categories.create_missing(places.details)
        if changes.slug is not UNSET:
            return _Candidate(line, changes.slug, changes, places)
        slug = free_slug(slugify(str(changes.name)), ())
        return _Candidate(line, slug, evolve(changes, slug=slug), places, is_slug_generated=True)

    def _parse_changes(
        self, values: Mapping[str, object], wrong: Sequence[FieldError]
    ) -> ProductChanges:
        """Return what is written to a product, unless that is wrong, or anything was already."""
        required = () if {"slug", "name"} & values.keys() else IMPORT_REQUIRED_FIELDS
        try:
            changes = ProductChanges.parse(
                values,
                self.clean_html,
                required=required,
                read_only=IMPORT_READ_ONLY_FIELDS,
                image_url=self.image_url,
            )
        except ValidationError as invalid:
            raise ValidationError([*invalid.errors, *wrong]) from None
        fields.raise_if(wrong)
        return changes

    def _reject_repeated(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those whose slug and SKU the file has not had before; the others are refused."""
        keys = [f"{name}:{value}" for one in batch for name, value in one.keys]
        before = set(self.session.find_repeated(list(dict.fromkeys(keys))))
        fresh = []
        for one in batch:
            own = (
                self._with_next_number(one, before)
                if one.is_slug_generated and _slug_key(one.slug) in before
                else one
            )
            again = []
            for name, value in own.keys:
                if f"{name}:{value}" in before:
                    again.append(_repeated_value(name, value))
                before.add(f"{name}:{value}")
            self._add_errors(own.line, again)
            if not again:
                fresh.append(own)
        return fresh

    def _with_next_number(self, one: _Candidate, before: Collection[str]) -> _Candidate:
        """Return it with a number behind its slug that nothing of the file has had so far."""
        number = self._last_numbers.get(one.slug, 1) + 1
        while _slug_key(
            slug := numbered_slug(one.slug, number)
        ) in before or self.session.find_repeated([_slug_key(slug)]):
            number += 1
        if len(self._last_numbers) >= MAX_REPORTED_NOTICES:
            self._last_numbers.clear()
        self._last_numbers[one.slug] = number
        return evolve(one, slug=slug, changes=evolve(one.changes, slug=slug))

    def _split_by_sku(
        self, batch: Sequence[_Candidate]
    ) -> tuple[Sequence[_Candidate], Sequence[_Candidate]]:
        """Return those whose SKUs are free or their own, and what has to wait until they are put.

        Those wait that come after an entry whose product has a SKU of theirs: it may give it up.
        What is taken by others is refused.
        """
        holders = self.session.find_sku_owners([sku for one in batch for sku in one.skus])
        free: dict[str, _Candidate] = {}
        for place, one in enumerate(batch):
            taken = [sku for sku in one.skus if holders.get(sku, one.slug) != one.slug]
            if any(holders[sku] in free for sku in taken):
                return [*free.values()], batch[place:]
            self._add_errors(one.line, [_sku_owned_by_other(sku, holders[sku]) for sku in taken])
            if not taken:
                free[one.slug] = one
        return [*free.values()], ()

    def _resolve_images(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return them with those of our images that there are."""
        wanted = frozenset[str]().union(*(own_image_ids(one.images) for one in batch))
        absent = (
            wanted.difference(self.session.find_attachable_images(wanted)) if wanted else wanted
        )
        return [
            self._drop_missing_images(one, absent) if own_image_ids(one.images) & absent else one
            for one in batch
        ]

    def _drop_missing_images(self, one: _Candidate, absent: Collection[str]) -> _Candidate:
        """Return it without our images that are not there, unless they can be had elsewhere."""
        images = []
        for image in one.images:
            there = self.image_url(image.ref, None) if image.ref in absent else image.ref
            if image.ref not in absent or is_external(there):
                images.append(evolve(image, ref=there))
            elif len(self.warnings) < MAX_REPORTED_NOTICES:
                self.warnings.append(
                    Notice(one.line, "images", f"{image_not_found(image.ref)}: left out")
                )
        return evolve(one, changes=evolve(one.changes, images=tuple(images)))

    def _write(self, candidates: Sequence[_Candidate]) -> None:
        known = self.session.find_by_slugs([one.slug for one in candidates])
        placed = [one.slug for one in candidates if one.slug in known and one.has_categories]
        batch = _Batch(self.session.find_category_slugs(placed) if placed else {})
        for one in candidates:
            try:
                self._add_to_batch(one, known.get(one.slug), batch)
            except (ValidationError, ConflictError) as error:
                self._add_errors(one.line, _field_errors(error))
        self.created += len(batch.new)
        self.changed += len(batch.changed) + batch.recategorised_count
        if categories := self._categories.take_created():
            self.session.create_categories(categories, self.now)
        self.session.write_products(batch.new, batch.changed, self.now)
        if batch.new_variants or batch.changed_variants:
            self.session.write_variants(batch.new_variants, batch.changed_variants)
        if batch.new_categories:
            self.session.set_categories(batch.new_categories)

    def _add_to_batch(self, one: _Candidate, known: Product | None, batch: _Batch) -> None:
        if known is None and one.is_unpriced:
            self._add_warnings(one.line, [NO_PRICE_WARNING])
        elif known is None:
            draft = one.changes.to_draft()
            _check_option_names(draft.variants)
            self._set_categories(one, batch)
            batch.new.append(draft)
            batch.new_variants += [(one.slug, variant) for variant in draft.variants]
        elif self.on_conflict is OnConflict.FAIL:
            raise ValidationError([FieldError("slug", f"There is a product '{one.slug}' already")])
        elif self.on_conflict is OnConflict.SKIP:
            self.unchanged += 1
        else:
            self._update(one, known, batch)

    def _update(self, one: _Candidate, known: Product, batch: _Batch) -> None:
        """Bring a product, and its variants if the file has any, to what the file says."""
        product = one.changes.apply_to(known, self.now)
        new, changed = _merge_variants(one.changes.variants, known.variants, one.skus)
        _check_skus(product, known.variants, new, changed)
        is_moved = self._set_categories(one, batch)
        if product is known and not new and not changed:
            batch.recategorised_count += is_moved
            self.unchanged += not is_moved
            return
        if product is known:
            product = evolve(known, version=known.version + 1, updated_at=self.now)
        batch.changed.append(product)
        batch.new_variants += [(one.slug, variant) for variant in new]
        batch.changed_variants += [(one.slug, variant) for variant in changed]

    def _set_categories(self, one: _Candidate, batch: _Batch) -> bool:
        """Put a product into the categories of the file, if it is not in just those already."""
        if one.categories.references is None:
            return False
        wanted = self._categories.resolve(one.categories.references)
        if set(wanted) == set(batch.known_categories.get(one.slug, ())):
            return False
        batch.new_categories[one.slug] = wanted
        return True


def _split_categories(
    values: Mapping[str, object],
) -> tuple[CategoryReferences, Mapping[str, object], Sequence[FieldError]]:
    """Return what values say of categories, the other values, and what is wrong with the former."""
    if CATEGORY_FIELDS.isdisjoint(values):
        return NO_REFERENCES, values, ()
    others = {name: value for name, value in values.items() if name not in CATEGORY_FIELDS}
    try:
        named = {name: values[name] for name in CATEGORY_FIELDS & values.keys()}
        return CategoryReferences.parse(named), others, ()
    except ValidationError as invalid:
        return NO_REFERENCES, others, invalid.errors


def _merge_variants(
    wanted: Sequence[VariantChanges], known: Sequence[Variant], claimed: Collection[str]
) -> tuple[list[VariantDraft], list[Variant]]:
    """Return which variants of a product are new and which changed, if a file has any.

    They are known by their options. Those that the file does not have are put away: nothing of them
    is lost but the SKUs that it has `claimed` for others. Raises ConflictError where all of them
    would have too many names of options.
    """
    if not wanted:
        return [], []
    former = {options_key(one.options): one for one in known}
    claimed = {one.sku for one in wanted if isinstance(one.sku, str)}
    new, changed = [], []
    for place, one in enumerate(wanted):
        variant = former.pop(one.options_key, None)
        if variant is None:
            new.append(one.to_draft_at(place))
        elif (now := one.apply_to(variant)) != variant:
            changed.append(now)
    away = ((one, _archive_variant(one, claimed)) for one in former.values())
    changed += [now for one, now in away if now != one]
    _check_option_names([*known, *new])
    return new, changed


def _archive_variant(variant: Variant, claimed: Collection[str]) -> Variant:
    return evolve(variant, is_active=False, sku=None if variant.sku in claimed else variant.sku)


def _check_skus(
    product: Product,
    known: Sequence[Variant],
    new: Sequence[VariantDraft],
    changed: Sequence[Variant],
) -> None:
    """Raise ConflictError where a SKU would be twice in a product, or move up from its variant."""
    held = Counter(one.sku for one in new)
    held.update({one.id: one.sku for one in (*known, *changed)}.values())
    if product.sku is not None:
        held[product.sku] += 1 + sum(one.sku == product.sku for one in known)
    for sku, count in held.items():
        if sku is not None and count > 1:
            raise ConflictError(f"The product has the SKU '{sku}' already", field="sku")


def _check_option_names(variants: Sequence[Variant | VariantDraft]) -> None:
    check_option_names({}, (name for one in variants for name in one.options))


def _by_line(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(sorted(notices, key=lambda notice: notice.line))


def _field_errors(error: ValidationError | ConflictError) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    return [FieldError(error.field, str(error))]


def _slug_key(slug: str) -> str:
    return f"slug:{slug}"


def _repeated_value(name: str, value: str) -> FieldError:
    return FieldError(name, f"{fields.field_label(name)} '{value}' stands in the file twice")


def _sku_owned_by_other(sku: str, holder: str) -> FieldError:
    return FieldError("sku", f"SKU '{sku}' belongs to the product '{holder}'")


NO_PRICE_WARNING = FieldError("price", "Skipped: no price")
"""The warning of a product that has no price, nor a variant that could have one."""


def normalise_amounts(values: Mapping[str, object]) -> tuple[dict[str, object], list[FieldError]]:
    """Return the values of a product with its amounts put right, and the warnings of that.

    A stock below zero becomes none, and a compare-at price is dropped that is not above the price
    beside it: of the product, and of each of its variants.
    """
    kept, warnings = _normalise_amounts(values)
    variants = values.get("variants")
    if isinstance(variants, list | tuple):
        each = [
            _normalise_amounts(one) if isinstance(one, Mapping) else (one, []) for one in variants
        ]
        kept["variants"] = [one for one, _ in each]
        warnings += [
            FieldError("variants", f"variant {number}: {said.message}")
            for number, (_, all_said) in enumerate(each, 1)
            for said in all_said
        ]
    return kept, warnings


def has_null_price(values: Mapping[str, object]) -> bool:
    """Whether an entry says that there is no price at all."""
    return "price" in values and values["price"] is None and not values.get("variants")


def _normalise_amounts(values: Mapping[str, object]) -> tuple[dict[str, object], list[FieldError]]:
    kept, warnings = dict(values), []
    stock, price, compared = map(values.get, ("stock_quantity", "price", "compare_at_price"))
    if isinstance(stock, int) and stock < 0:
        kept["stock_quantity"] = 0
        said = f"Negative stock ({escape_control(str(stock))}) taken as 0"
        warnings.append(FieldError("stock_quantity", said))
    if _is_not_above(compared, price):
        kept["compare_at_price"] = None
        said = f"Compare-at price {compared} is not above the price {price}: left out"
        warnings.append(FieldError("compare_at_price", escape_control(said)))
    return kept, warnings


def _is_not_above(compared: object, price: object) -> bool:
    """Whether both are amounts, the first not above the second."""
    try:
        return decimal("", compared) <= decimal("", price)
    except InvalidValueError:
        return False
