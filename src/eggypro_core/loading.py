"""An import at work: each entry checked, matched with what is there, and put in batches."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from attrs import define, evolve, field, frozen

from eggypro_core import rules
from eggypro_core.errors import ConflictError, Fault, InvalidError
from eggypro_core.images import AddressOf, image_absent, is_elsewhere, nowhere
from eggypro_core.imports import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.ports import ProductLoad
from eggypro_core.products import (
    IMPORT_CLOSED,
    IMPORT_REQUIRED,
    Image,
    Product,
    ProductChanges,
    ProductDraft,
    own_images,
)
from eggypro_core.slugs import free_slug, slug_of
from eggypro_core.unset import UNSET
from eggypro_core.variants import (
    Variant,
    VariantChanges,
    VariantDraft,
    combination,
    refuse_names,
)

BATCH = 1000
LISTED = 10_000
"""How many refusals and how many warnings are listed. An import stops at more refusals."""
_STOPPED = Fault("", "So much is refused that the import stopped here: is this the right file?")


@frozen
class _Candidate:
    """An entry that is right by itself, and the slug by which it is known."""

    line: int
    slug: str
    changes: ProductChanges

    @property
    def skus(self) -> list[str]:
        """The SKUs that it claims, for itself and for its variants."""
        every = [self.changes.sku, *(one.sku for one in self.changes.variants)]
        return [sku for sku in every if isinstance(sku, str)]

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
    """What a batch of entries comes to."""

    new: list[ProductDraft] = field(factory=list)
    changed: list[Product] = field(factory=list)
    new_variants: list[tuple[str, VariantDraft]] = field(factory=list)
    changed_variants: list[tuple[str, Variant]] = field(factory=list)


@define
class Loading:
    """The state of one import: what was counted, and what was said of which line."""

    load: ProductLoad
    clean_html: Callable[[str], str]
    now: datetime
    on_conflict: OnConflict
    address: AddressOf = nowhere
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Notice] = field(factory=list)
    warnings: list[Notice] = field(factory=list)

    def take(self, entries: Iterable[ImportEntry]) -> None:
        """Take every entry, or stop where so many are refused that the file must be wrong."""
        rest = iter(entries)
        while batch := list(islice(rest, BATCH)):
            if len(self.refused) >= LISTED:
                self._refuse(batch[0].line, [_STOPPED])
                return
            right = self._not_repeated(list(self._checked(batch)))
            self._put(self._illustrated(self._not_taken(right)))

    def report(self, *, kept: bool, dry_run: bool) -> ImportReport:
        """Return what came of it, or would in a run that is not dry."""
        counts = kept or dry_run
        return ImportReport(
            created=self.created if counts else 0,
            changed=self.changed if counts else 0,
            unchanged=self.unchanged,
            refused=_by_line(self.refused),
            warnings=_by_line(self.warnings[:LISTED]),
            dry_run=dry_run,
        )

    def _refuse(self, line: int, faults: Iterable[Fault]) -> None:
        self.refused += [Notice(line, fault.field, fault.message) for fault in faults]

    def _checked(self, batch: Sequence[ImportEntry]) -> Iterator[_Candidate]:
        for entry in batch:
            if len(self.warnings) < LISTED:
                self.warnings += [Notice(entry.line, w.field, w.message) for w in entry.warnings]
            self._refuse(entry.line, entry.refused)
            if entry.values is None or entry.refused:
                continue
            try:
                yield self._candidate(entry)
            except InvalidError as invalid:
                self._refuse(entry.line, invalid.faults)

    def _candidate(self, entry: ImportEntry) -> _Candidate:
        values = entry.values or {}
        is_known_by = {"slug", "name"} & values.keys()
        required = () if is_known_by else IMPORT_REQUIRED
        changes = ProductChanges.read(
            values,
            self.clean_html,
            required=required,
            closed=IMPORT_CLOSED,
            address=self.address,
        )
        if changes.slug is not UNSET:
            return _Candidate(entry.line, changes.slug, changes)
        slug = free_slug(slug_of(str(changes.name)), ())
        return _Candidate(entry.line, slug, evolve(changes, slug=slug))

    def _not_repeated(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those whose slug and SKU the file has not had before; the others are refused."""
        keys = [f"{name}:{value}" for one in batch for name, value in one.keys]
        before = set(self.load.repeated(list(dict.fromkeys(keys))))
        fresh = []
        for one in batch:
            again = []
            for name, value in one.keys:
                if f"{name}:{value}" in before:
                    again.append(_repeats(name, value))
                before.add(f"{name}:{value}")
            self._refuse(one.line, again)
            if not again:
                fresh.append(one)
        return fresh

    def _not_taken(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those whose SKUs are free or their own; the others are refused."""
        holders = self.load.holders([sku for one in batch for sku in one.skus])
        free = []
        for one in batch:
            taken = [sku for sku in one.skus if holders.get(sku, one.slug) != one.slug]
            self._refuse(one.line, [_taken(sku, holders[sku]) for sku in taken])
            if not taken:
                free.append(one)
        return free

    def _illustrated(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return them with those of our images that there are."""
        wanted = frozenset[str]().union(*(own_images(one.images) for one in batch))
        absent = wanted.difference(self.load.images(wanted)) if wanted else wanted
        return [
            self._without(one, absent) if own_images(one.images) & absent else one for one in batch
        ]

    def _without(self, one: _Candidate, absent: Collection[str]) -> _Candidate:
        """Return it without our images that are not there, unless they can be had elsewhere."""
        images = []
        for image in one.images:
            there = self.address(image.ref, None) if image.ref in absent else image.ref
            if image.ref not in absent or is_elsewhere(there):
                images.append(evolve(image, ref=there))
            elif len(self.warnings) < LISTED:
                self.warnings.append(
                    Notice(one.line, "images", f"{image_absent(image.ref)}: left out")
                )
        return evolve(one, changes=evolve(one.changes, images=tuple(images)))

    def _put(self, candidates: Sequence[_Candidate]) -> None:
        known = self.load.known([one.slug for one in candidates])
        batch = _Batch()
        for one in candidates:
            try:
                self._sort_out(one, known.get(one.slug), batch)
            except InvalidError as invalid:
                self._refuse(one.line, invalid.faults)
            except ConflictError as conflict:
                self._refuse(one.line, [Fault(conflict.field, str(conflict))])
        self.created += len(batch.new)
        self.changed += len(batch.changed)
        self.load.put(batch.new, batch.changed, self.now)
        if batch.new_variants or batch.changed_variants:
            self.load.put_variants(batch.new_variants, batch.changed_variants)

    def _sort_out(self, one: _Candidate, known: Product | None, batch: _Batch) -> None:
        if known is None:
            draft = one.changes.draft()
            _refuse_names(draft.variants)
            batch.new.append(draft)
            batch.new_variants += [(one.slug, variant) for variant in draft.variants]
        elif self.on_conflict is OnConflict.FAIL:
            raise InvalidError([Fault("slug", f"There is a product '{one.slug}' already")])
        elif self.on_conflict is OnConflict.SKIP:
            self.unchanged += 1
        else:
            self._renew(one, known, batch)

    def _renew(self, one: _Candidate, known: Product, batch: _Batch) -> None:
        """Bring a product, and its variants if the file has any, to what the file says."""
        product = one.changes.apply(known, self.now)
        new, changed = _renewed(one.changes.variants, known.variants, one.skus)
        _refuse_skus(product, known.variants, new, changed)
        if product is known and not new and not changed:
            self.unchanged += 1
            return
        if product is known:
            product = evolve(known, version=known.version + 1, updated_at=self.now)
        batch.changed.append(product)
        batch.new_variants += [(one.slug, variant) for variant in new]
        batch.changed_variants += [(one.slug, variant) for variant in changed]


def _renewed(
    wanted: Sequence[VariantChanges], known: Sequence[Variant], claimed: Collection[str]
) -> tuple[list[VariantDraft], list[Variant]]:
    """Return which variants of a product are new and which changed, if a file has any.

    They are known by their options. Those that the file does not have are put away: nothing of them
    is lost but the SKUs that it has `claimed` for others. Raises ConflictError where all of them
    would have too many names of options.
    """
    if not wanted:
        return [], []
    former = {combination(one.options): one for one in known}
    claimed = {one.sku for one in wanted if isinstance(one.sku, str)}
    new, changed = [], []
    for place, one in enumerate(wanted):
        variant = former.pop(one.combination, None)
        if variant is None:
            new.append(one.draft_at(place))
        elif (now := one.apply(variant)) != variant:
            changed.append(now)
    away = ((one, _put_away(one, claimed)) for one in former.values())
    changed += [now for one, now in away if now != one]
    _refuse_names([*known, *new])
    return new, changed


def _put_away(variant: Variant, claimed: Collection[str]) -> Variant:
    return evolve(variant, is_active=False, sku=None if variant.sku in claimed else variant.sku)


def _refuse_skus(
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


def _refuse_names(variants: Sequence[Variant | VariantDraft]) -> None:
    refuse_names({}, (name for one in variants for name in one.options))


def _by_line(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(sorted(notices, key=lambda notice: notice.line))


def _repeats(name: str, value: str) -> Fault:
    return Fault(name, f"{rules.label(name)} '{value}' stands in the file twice")


def _taken(sku: str, holder: str) -> Fault:
    return Fault("sku", f"SKU '{sku}' belongs to the product '{holder}'")
