"""ProductImporter: validate import entries, match them with stored products and write batches."""

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
from eggypro_core.domain.product_files import (
    ConflictPolicy,
    ImportEntry,
    ImportMessage,
    ImportReport,
)
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
MAX_REPORTED_MESSAGES = 10_000
"""Maximum number of errors and of warnings in a report. More errors stop the import."""
_TOO_MANY_ERRORS = FieldError("", "Import stopped: too many invalid lines. Is this the right file?")


@frozen
class _Candidate:
    """A valid entry and the slug of its product.

    A slug generated from the name gets a number if the file repeats the name.
    """

    line: int
    slug: str
    changes: ProductChanges
    categories: CategoryReferences
    is_slug_generated: bool = False

    @property
    def has_categories(self) -> bool:
        """Return whether the entry sets the categories of its product."""
        return self.categories.references is not None

    @property
    def skus(self) -> list[str]:
        """Return the SKUs of the product and its variants."""
        skus = [self.changes.sku, *(variant.sku for variant in self.changes.variants)]
        return [sku for sku in skus if isinstance(sku, str)]

    @property
    def is_unpriced(self) -> bool:
        """Return whether only the price is missing to create a product from the entry."""
        unpriced = self.changes.is_unset("price") and not self.changes.variants
        return unpriced and not self.changes.is_unset("name")

    @property
    def images(self) -> tuple[Image, ...]:
        """Return the images of the entry, none if it does not set them."""
        return () if self.changes.images is UNSET else self.changes.images

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Return the fields and values that must be unique in the file."""
        return [("slug", self.slug), *(("sku", sku) for sku in self.skus)]


@define
class _Batch:
    """The writes of a batch. `known_categories` are those of existing products, by slug."""

    known_categories: Mapping[str, Collection[str]]
    new: list[ProductDraft] = field(factory=list)
    changed: list[Product] = field(factory=list)
    new_variants: list[tuple[str, VariantDraft]] = field(factory=list)
    changed_variants: list[tuple[str, Variant]] = field(factory=list)
    new_categories: dict[str, Sequence[str]] = field(factory=dict)
    recategorised_count: int = 0
    """Number of products whose categories alone changed: their version stays unchanged."""


@define
class ProductImporter:
    """One import: its session, counts, errors and warnings."""

    session: ImportSession
    clean_html: Callable[[str], str]
    now: datetime
    on_conflict: ConflictPolicy
    image_url: ImageUrlBuilder = no_image_url
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[ImportMessage] = field(factory=list)
    warnings: list[ImportMessage] = field(factory=list)
    _categories: CategoryResolver = field(init=False)
    _last_numbers: dict[str, int] = field(factory=dict, init=False)
    """The last number of each repeated generated slug; cleared when it grows too large."""

    @_categories.default
    def _(self) -> CategoryResolver:
        return CategoryResolver(self.session)

    def run(self, entries: Iterable[ImportEntry]) -> None:
        """Process the entries. Stop at too many errors: it is probably the wrong file."""
        rest = iter(entries)
        while batch := list(islice(rest, IMPORT_BATCH_SIZE)):
            if len(self.errors) >= MAX_REPORTED_MESSAGES:
                self._add_errors(batch[0].line, [_TOO_MANY_ERRORS])
                return
            waiting: Sequence[_Candidate] = self._reject_repeated(list(self._parse_entries(batch)))
            while waiting:
                free, waiting = self._split_by_sku(waiting)
                self._write(self._resolve_images(free))

    def report(self, *, is_accepted: bool, dry_run: bool) -> ImportReport:
        """Return the result, or what it would be without `dry_run`."""
        return ImportReport(
            created=self.created if is_accepted else 0,
            changed=self.changed if is_accepted else 0,
            unchanged=self.unchanged,
            refused=_by_line(self.errors),
            warnings=_by_line(self.warnings[:MAX_REPORTED_MESSAGES]),
            dry_run=dry_run,
        )

    def _add_errors(self, line: int, errors: Iterable[FieldError]) -> None:
        self.errors += [ImportMessage(line, error.field, error.message) for error in errors]

    def _add_warnings(self, line: int, warnings: Iterable[FieldError]) -> None:
        if len(self.warnings) < MAX_REPORTED_MESSAGES:
            self.warnings += [
                ImportMessage(line, warning.field, warning.message) for warning in warnings
            ]

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
        categories, product_values, errors = _split_categories(values)
        normalised, warnings = normalise_amounts(product_values)
        self._add_warnings(line, warnings)
        changes = self._parse_changes(normalised, errors)
        self._categories.create_missing(categories.details)
        if changes.slug is not UNSET:
            return _Candidate(line, changes.slug, changes, categories)
        slug = free_slug(slugify(str(changes.name)), ())
        changes = evolve(changes, slug=slug)
        return _Candidate(line, slug, changes, categories, is_slug_generated=True)

    def _parse_changes(
        self, values: Mapping[str, object], errors: Sequence[FieldError]
    ) -> ProductChanges:
        """Return the changes of a product. Raises ValidationError with its errors and `errors`."""
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
            raise ValidationError([*invalid.errors, *errors]) from None
        fields.raise_if(errors)
        return changes

    def _reject_repeated(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return the candidates with new slugs and SKUs; add errors for repeated ones."""
        keys = [f"{name}:{value}" for candidate in batch for name, value in candidate.keys]
        used_keys = set(self.session.find_repeated(list(dict.fromkeys(keys))))
        accepted = []
        for candidate in batch:
            numbered = (
                self._with_next_number(candidate, used_keys)
                if candidate.is_slug_generated and _slug_key(candidate.slug) in used_keys
                else candidate
            )
            errors = []
            for name, value in numbered.keys:
                if f"{name}:{value}" in used_keys:
                    errors.append(_repeated_value(name, value))
                used_keys.add(f"{name}:{value}")
            self._add_errors(numbered.line, errors)
            if not errors:
                accepted.append(numbered)
        return accepted

    def _with_next_number(self, candidate: _Candidate, used_keys: Collection[str]) -> _Candidate:
        """Return the candidate with the next number for its slug that is unused in the file."""
        number = self._last_numbers.get(candidate.slug, 1) + 1
        while _slug_key(
            slug := numbered_slug(candidate.slug, number)
        ) in used_keys or self.session.find_repeated([_slug_key(slug)]):
            number += 1
        if len(self._last_numbers) >= MAX_REPORTED_MESSAGES:
            self._last_numbers.clear()
        self._last_numbers[candidate.slug] = number
        return evolve(candidate, slug=slug, changes=evolve(candidate.changes, slug=slug))

    def _split_by_sku(
        self, batch: Sequence[_Candidate]
    ) -> tuple[Sequence[_Candidate], Sequence[_Candidate]]:
        """Return the candidates with free or own SKUs, and the rest to retry after the write.

        The rest begins with a candidate whose SKU belongs to an earlier product of the batch, which
        may release it. Adds errors for SKUs that other products own.
        """
        owners = self.session.find_sku_owners(
            [sku for candidate in batch for sku in candidate.skus]
        )
        free: dict[str, _Candidate] = {}
        for index, candidate in enumerate(batch):
            slug = candidate.slug
            taken = [sku for sku in candidate.skus if owners.get(sku, slug) != slug]
            if any(owners[sku] in free for sku in taken):
                return [*free.values()], batch[index:]
            errors = [_sku_owned_by_other(sku, owners[sku]) for sku in taken]
            self._add_errors(candidate.line, errors)
            if not taken:
                free[slug] = candidate
        return [*free.values()], ()

    def _resolve_images(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return the candidates without stored images that do not exist."""
        image_ids = frozenset[str]().union(*(own_image_ids(item.images) for item in batch))
        missing = image_ids
        if image_ids:
            missing = image_ids.difference(self.session.find_attachable_images(image_ids))
        return [
            self._drop_missing_images(candidate, missing)
            if own_image_ids(candidate.images) & missing
            else candidate
            for candidate in batch
        ]

    def _drop_missing_images(self, candidate: _Candidate, missing: Collection[str]) -> _Candidate:
        """Return the candidate without missing stored images, unless they have an external URL."""
        images = []
        for image in candidate.images:
            ref = self.image_url(image.ref, None) if image.ref in missing else image.ref
            if image.ref not in missing or is_external(ref):
                images.append(evolve(image, ref=ref))
            elif len(self.warnings) < MAX_REPORTED_MESSAGES:
                message = f"{image_not_found(image.ref)}: ignored"
                self.warnings.append(ImportMessage(candidate.line, "images", message))
        return evolve(candidate, changes=evolve(candidate.changes, images=tuple(images)))

    def _write(self, candidates: Sequence[_Candidate]) -> None:
        products = self.session.find_by_slugs([item.slug for item in candidates])
        slugs = [item.slug for item in candidates if item.slug in products and item.has_categories]
        batch = _Batch(self.session.find_category_slugs(slugs) if slugs else {})
        for candidate in candidates:
            try:
                self._add_to_batch(candidate, products.get(candidate.slug), batch)
            except (ValidationError, ConflictError) as error:
                self._add_errors(candidate.line, _field_errors(error))
        self.created += len(batch.new)
        self.changed += len(batch.changed) + batch.recategorised_count
        if categories := self._categories.pop_created():
            self.session.create_categories(categories, self.now)
        self.session.write_products(batch.new, batch.changed, self.now)
        if batch.new_variants or batch.changed_variants:
            self.session.write_variants(batch.new_variants, batch.changed_variants)
        if batch.new_categories:
            self.session.set_categories(batch.new_categories)

    def _add_to_batch(self, candidate: _Candidate, existing: Product | None, batch: _Batch) -> None:
        if existing is None and candidate.is_unpriced:
            self._add_warnings(candidate.line, [NO_PRICE_WARNING])
        elif existing is None:
            draft = candidate.changes.to_draft()
            _check_option_names(draft.variants)
            self._set_categories(candidate, batch)
            batch.new.append(draft)
            batch.new_variants += [(candidate.slug, variant) for variant in draft.variants]
        elif self.on_conflict is ConflictPolicy.FAIL:
            raise ValidationError(
                [FieldError("slug", f"Product '{candidate.slug}' already exists")]
            )
        elif self.on_conflict is ConflictPolicy.SKIP:
            self.unchanged += 1
        else:
            self._update(candidate, existing, batch)

    def _update(self, candidate: _Candidate, existing: Product, batch: _Batch) -> None:
        """Update a product, and its variants if the entry has any."""
        product = candidate.changes.apply_to(existing, self.now)
        new, changed = _merge_variants(candidate.changes.variants, existing.variants)
        _check_skus(product, existing.variants, new, changed)
        has_new_categories = self._set_categories(candidate, batch)
        if product is existing and not new and not changed:
            batch.recategorised_count += has_new_categories
            self.unchanged += not has_new_categories
            return
        if product is existing:
            product = evolve(existing, version=existing.version + 1, updated_at=self.now)
        batch.changed.append(product)
        batch.new_variants += [(candidate.slug, variant) for variant in new]
        batch.changed_variants += [(candidate.slug, variant) for variant in changed]

    def _set_categories(self, candidate: _Candidate, batch: _Batch) -> bool:
        """Set the categories of a product; return whether they differ from the current ones."""
        if candidate.categories.references is None:
            return False
        slugs = self._categories.resolve(candidate.categories.references)
        if set(slugs) == set(batch.known_categories.get(candidate.slug, ())):
            return False
        batch.new_categories[candidate.slug] = slugs
        return True


def _split_categories(
    values: Mapping[str, object],
) -> tuple[CategoryReferences, Mapping[str, object], Sequence[FieldError]]:
    """Return the category references, the other values, and the errors of the references."""
    if CATEGORY_FIELDS.isdisjoint(values):
        return NO_REFERENCES, values, ()
    others = {name: value for name, value in values.items() if name not in CATEGORY_FIELDS}
    try:
        references = {name: values[name] for name in CATEGORY_FIELDS & values.keys()}
        return CategoryReferences.parse(references), others, ()
    except ValidationError as invalid:
        return NO_REFERENCES, others, invalid.errors


def _merge_variants(
    changes: Sequence[VariantChanges], known: Sequence[Variant]
) -> tuple[list[VariantDraft], list[Variant]]:
    """Return the new and the changed variants of a product, if the entry has any.

    Variants are matched by their options. Variants missing in the entry are archived, and lose
    their SKU only if the entry gives it to another variant. Raises ConflictError if the variants
    would have too many option names together.
    """
    if not changes:
        return [], []
    unmatched = {options_key(variant.options): variant for variant in known}
    claimed = {change.sku for change in changes if isinstance(change.sku, str)}
    new, changed = [], []
    for position, change in enumerate(changes):
        variant = unmatched.pop(change.options_key, None)
        if variant is None:
            new.append(change.to_draft_at(position))
        elif (updated := change.apply_to(variant)) != variant:
            changed.append(updated)
    archived = ((variant, _archive_variant(variant, claimed)) for variant in unmatched.values())
    changed += [after for before, after in archived if after != before]
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
    """Raise ConflictError if a product would have a SKU twice, or take one of its variants."""
    uses = Counter(variant.sku for variant in new)
    uses.update({variant.id: variant.sku for variant in (*known, *changed)}.values())
    if product.sku is not None:
        uses[product.sku] += 1 + sum(variant.sku == product.sku for variant in known)
    for sku, count in uses.items():
        if sku is not None and count > 1:
            raise ConflictError(f"The product already has the SKU '{sku}'", field="sku")


def _check_option_names(variants: Sequence[Variant | VariantDraft]) -> None:
    check_option_names({}, (name for variant in variants for name in variant.options))


def _by_line(notices: Iterable[ImportMessage]) -> tuple[ImportMessage, ...]:
    return tuple(sorted(notices, key=lambda notice: notice.line))


def _field_errors(error: ValidationError | ConflictError) -> Sequence[FieldError]:
    if isinstance(error, ValidationError):
        return error.errors
    return [FieldError(error.field, str(error))]


def _slug_key(slug: str) -> str:
    return f"slug:{slug}"


def _repeated_value(name: str, value: str) -> FieldError:
    return FieldError(name, f"{fields.field_label(name)} '{value}' appears twice in the file")


def _sku_owned_by_other(sku: str, owner: str) -> FieldError:
    return FieldError("sku", f"SKU '{sku}' belongs to the product '{owner}'")


NO_PRICE_WARNING = FieldError("price", "Skipped: no price")
"""The warning for a product without a price and without variants that could have one."""


def normalise_amounts(values: Mapping[str, object]) -> tuple[dict[str, object], list[FieldError]]:
    """Return the values of a product with corrected amounts, and a warning per correction.

    Negative stock becomes 0, and a compare-at price that is not above the price is dropped: of the
    product and of each of its variants.
    """
    normalised, warnings = _normalise_amounts(values)
    variants = values.get("variants")
    if isinstance(variants, list | tuple):
        results = [
            _normalise_amounts(variant) if isinstance(variant, Mapping) else (variant, [])
            for variant in variants
        ]
        normalised["variants"] = [variant for variant, _ in results]
        warnings += [
            FieldError("variants", f"variant {number}: {warning.message}")
            for number, (_, variant_warnings) in enumerate(results, 1)
            for warning in variant_warnings
        ]
    return normalised, warnings


def has_null_price(values: Mapping[str, object]) -> bool:
    """Return whether an entry has an explicit null price and no variants."""
    return "price" in values and values["price"] is None and not values.get("variants")


def _normalise_amounts(values: Mapping[str, object]) -> tuple[dict[str, object], list[FieldError]]:
    normalised, warnings = dict(values), []
    stock, price, compare_at = map(values.get, ("stock_quantity", "price", "compare_at_price"))
    if isinstance(stock, int) and stock < 0:
        normalised["stock_quantity"] = 0
        message = f"Negative stock ({escape_control(str(stock))}): imported as 0"
        warnings.append(FieldError("stock_quantity", message))
    if _is_not_above(compare_at, price):
        normalised["compare_at_price"] = None
        message = f"Compare-at price {compare_at} is not above the price {price}: ignored"
        warnings.append(FieldError("compare_at_price", escape_control(message)))
    return normalised, warnings


def _is_not_above(compare_at: object, price: object) -> bool:
    """Return whether both are amounts and the first is not above the second."""
    try:
        return decimal("", compare_at) <= decimal("", price)
    except InvalidValueError:
        return False
