"""An import at work: each entry checked, matched with what is there, and put in batches."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from attrs import define, evolve, field, frozen

from eggypro_core.domain.image import AddressOf, image_absent, is_elsewhere, nowhere
from eggypro_core.domain.product import (
    IMPORT_CLOSED,
    IMPORT_REQUIRED,
    Image,
    Product,
    ProductDraft,
    own_images,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.domain.slug import free_slug, numbered, slug_of
from eggypro_core.domain.variant import (
    Variant,
    VariantChanges,
    VariantDraft,
    combination,
    refuse_names,
)
from eggypro_core.errors import ConflictError, Fault, InvalidError
from eggypro_core.ports import ProductLoad
from eggypro_core.services.category_resolver import NAMED, NOWHERE, Places, Tree
from eggypro_core.validation import fields
from eggypro_core.validation.fields import RefusedError, decimal, printable
from eggypro_core.validation.unset import UNSET

BATCH = 1000
LISTED = 10_000
"""How many refusals and how many warnings are listed. An import stops at more refusals."""
_STOPPED = Fault("", "So much is refused that the import stopped here: is this the right file?")


@frozen
class _Candidate:
    """An entry that is right by itself, and the slug by which it is known.

    One that is `made` of the name has a number behind it where the file has that name again.
    """

    line: int
    slug: str
    changes: ProductChanges
    places: Places
    made: bool = False

    @property
    def is_placed(self) -> bool:
        """Whether it says which categories it is in."""
        return self.places.links is not None

    @property
    def skus(self) -> list[str]:
        """The SKUs that it claims, for itself and for its variants."""
        every = [self.changes.sku, *(one.sku for one in self.changes.variants)]
        return [sku for sku in every if isinstance(sku, str)]

    @property
    def has_only_a_name(self) -> bool:
        """Whether it has no price that a new product could have, but could be one otherwise."""
        unpriced = self.changes.leaves("price") and not self.changes.variants
        return unpriced and not self.changes.leaves("name")

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

    linked: Mapping[str, Collection[str]]
    new: list[ProductDraft] = field(factory=list)
    changed: list[Product] = field(factory=list)
    new_variants: list[tuple[str, VariantDraft]] = field(factory=list)
    changed_variants: list[tuple[str, Variant]] = field(factory=list)
    links: dict[str, Sequence[str]] = field(factory=dict)
    relinked: int = 0
    """Products of which nothing but the categories changed: they stay at their version."""


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
    _tree: Tree = field(init=False)
    _numbers: dict[str, int] = field(factory=dict, init=False)
    """The last number behind each slug that was made more than once, as far as it is remembered."""

    @_tree.default
    def _(self) -> Tree:
        return Tree(self.load)

    def take(self, entries: Iterable[ImportEntry]) -> None:
        """Take every entry, or stop where so many are refused that the file must be wrong."""
        rest = iter(entries)
        while batch := list(islice(rest, BATCH)):
            if len(self.refused) >= LISTED:
                self._refuse(batch[0].line, [_STOPPED])
                return
            waiting: Sequence[_Candidate] = self._not_repeated(list(self._checked(batch)))
            while waiting:
                free, waiting = self._not_taken(waiting)
                self._put(self._illustrated(free))

    def report(self, *, is_taken: bool, dry_run: bool) -> ImportReport:
        """Return what came of it, or would in a run that is not dry."""
        return ImportReport(
            created=self.created if is_taken else 0,
            changed=self.changed if is_taken else 0,
            unchanged=self.unchanged,
            refused=_by_line(self.refused),
            warnings=_by_line(self.warnings[:LISTED]),
            dry_run=dry_run,
        )

    def _refuse(self, line: int, faults: Iterable[Fault]) -> None:
        self.refused += [Notice(line, fault.field, fault.message) for fault in faults]

    def _warn(self, line: int, warnings: Iterable[Fault]) -> None:
        if len(self.warnings) < LISTED:
            self.warnings += [Notice(line, said.field, said.message) for said in warnings]

    def _checked(self, batch: Sequence[ImportEntry]) -> Iterator[_Candidate]:
        for entry in batch:
            self._warn(entry.line, entry.warnings)
            self._refuse(entry.line, entry.refused)
            if entry.values is None or entry.refused:
                continue
            if says_no_price(entry.values):
                self._warn(entry.line, [NO_PRICE])
                continue
            try:
                yield self._candidate(entry.line, entry.values)
            except (InvalidError, ConflictError) as error:
                self._refuse(entry.line, _faults(error))

    def _candidate(self, line: int, values: Mapping[str, object]) -> _Candidate:
        places, others, wrong = _placed(values)
        taken, warnings = eased(others)
        self._warn(line, warnings)
        changes = self._changes(taken, wrong)
        self._tree.add(places.details)
        if changes.slug is not UNSET:
            return _Candidate(line, changes.slug, changes, places)
        slug = free_slug(slug_of(str(changes.name)), ())
        return _Candidate(line, slug, evolve(changes, slug=slug), places, made=True)

    def _changes(self, values: Mapping[str, object], wrong: Sequence[Fault]) -> ProductChanges:
        """Return what is written to a product, unless that is wrong, or anything was already."""
        required = () if {"slug", "name"} & values.keys() else IMPORT_REQUIRED
        try:
            changes = ProductChanges.read(
                values,
                self.clean_html,
                required=required,
                closed=IMPORT_CLOSED,
                address=self.address,
            )
        except InvalidError as invalid:
            raise InvalidError([*invalid.faults, *wrong]) from None
        fields.refuse(wrong)
        return changes

    def _not_repeated(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those whose slug and SKU the file has not had before; the others are refused."""
        keys = [f"{name}:{value}" for one in batch for name, value in one.keys]
        before = set(self.load.repeated(list(dict.fromkeys(keys))))
        fresh = []
        for one in batch:
            own = self._numbered(one, before) if one.made and _key(one.slug) in before else one
            again = []
            for name, value in own.keys:
                if f"{name}:{value}" in before:
                    again.append(_repeats(name, value))
                before.add(f"{name}:{value}")
            self._refuse(own.line, again)
            if not again:
                fresh.append(own)
        return fresh

    def _numbered(self, one: _Candidate, before: Collection[str]) -> _Candidate:
        """Return it with a number behind its slug that nothing of the file has had so far."""
        number = self._numbers.get(one.slug, 1) + 1
        while _key(slug := numbered(one.slug, number)) in before or self.load.repeated(
            [_key(slug)]
        ):
            number += 1
        if len(self._numbers) >= LISTED:
            self._numbers.clear()
        self._numbers[one.slug] = number
        return evolve(one, slug=slug, changes=evolve(one.changes, slug=slug))

    def _not_taken(
        self, batch: Sequence[_Candidate]
    ) -> tuple[Sequence[_Candidate], Sequence[_Candidate]]:
        """Return those whose SKUs are free or their own, and what has to wait until they are put.

        Those wait that come after an entry whose product has a SKU of theirs: it may give it up.
        What is taken by others is refused.
        """
        holders = self.load.holders([sku for one in batch for sku in one.skus])
        free: dict[str, _Candidate] = {}
        for place, one in enumerate(batch):
            taken = [sku for sku in one.skus if holders.get(sku, one.slug) != one.slug]
            if any(holders[sku] in free for sku in taken):
                return [*free.values()], batch[place:]
            self._refuse(one.line, [_taken(sku, holders[sku]) for sku in taken])
            if not taken:
                free[one.slug] = one
        return [*free.values()], ()

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
        placed = [one.slug for one in candidates if one.slug in known and one.is_placed]
        batch = _Batch(self.load.linked(placed) if placed else {})
        for one in candidates:
            try:
                self._sort_out(one, known.get(one.slug), batch)
            except (InvalidError, ConflictError) as error:
                self._refuse(one.line, _faults(error))
        self.created += len(batch.new)
        self.changed += len(batch.changed) + batch.relinked
        if categories := self._tree.take_new():
            self.load.put_categories(categories, self.now)
        self.load.put(batch.new, batch.changed, self.now)
        if batch.new_variants or batch.changed_variants:
            self.load.put_variants(batch.new_variants, batch.changed_variants)
        if batch.links:
            self.load.link(batch.links)

    def _sort_out(self, one: _Candidate, known: Product | None, batch: _Batch) -> None:
        if known is None and one.has_only_a_name:
            self._warn(one.line, [NO_PRICE])
        elif known is None:
            draft = one.changes.draft()
            _refuse_names(draft.variants)
            self._place(one, batch)
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
        is_moved = self._place(one, batch)
        if product is known and not new and not changed:
            batch.relinked += is_moved
            self.unchanged += not is_moved
            return
        if product is known:
            product = evolve(known, version=known.version + 1, updated_at=self.now)
        batch.changed.append(product)
        batch.new_variants += [(one.slug, variant) for variant in new]
        batch.changed_variants += [(one.slug, variant) for variant in changed]

    def _place(self, one: _Candidate, batch: _Batch) -> bool:
        """Put a product into the categories of the file, if it is not in just those already."""
        if one.places.links is None:
            return False
        wanted = self._tree.find(one.places.links)
        if set(wanted) == set(batch.linked.get(one.slug, ())):
            return False
        batch.links[one.slug] = wanted
        return True


def _placed(
    values: Mapping[str, object],
) -> tuple[Places, Mapping[str, object], Sequence[Fault]]:
    """Return what values say of categories, the other values, and what is wrong with the former."""
    if NAMED.isdisjoint(values):
        return NOWHERE, values, ()
    others = {name: value for name, value in values.items() if name not in NAMED}
    try:
        named = {name: values[name] for name in NAMED & values.keys()}
        return Places.read(named), others, ()
    except InvalidError as invalid:
        return NOWHERE, others, invalid.faults


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


def _faults(error: InvalidError | ConflictError) -> Sequence[Fault]:
    if isinstance(error, InvalidError):
        return error.faults
    return [Fault(error.field, str(error))]


def _key(slug: str) -> str:
    return f"slug:{slug}"


def _repeats(name: str, value: str) -> Fault:
    return Fault(name, f"{fields.label(name)} '{value}' stands in the file twice")


def _taken(sku: str, holder: str) -> Fault:
    return Fault("sku", f"SKU '{sku}' belongs to the product '{holder}'")


NO_PRICE = Fault("price", "Skipped: no price")
"""The warning of a product that has no price, nor a variant that could have one."""


def eased(values: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    """Return the values of a product with its amounts put right, and the warnings of that.

    A stock below zero becomes none, and a compare-at price is dropped that is not above the price
    beside it: of the product, and of each of its variants.
    """
    kept, warnings = _eased(values)
    variants = values.get("variants")
    if isinstance(variants, list | tuple):
        each = [_eased(one) if isinstance(one, Mapping) else (one, []) for one in variants]
        kept["variants"] = [one for one, _ in each]
        warnings += [
            Fault("variants", f"variant {number}: {said.message}")
            for number, (_, all_said) in enumerate(each, 1)
            for said in all_said
        ]
    return kept, warnings


def says_no_price(values: Mapping[str, object]) -> bool:
    """Whether an entry says that there is no price at all."""
    return "price" in values and values["price"] is None and not values.get("variants")


def _eased(values: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    kept, warnings = dict(values), []
    stock, price, compared = map(values.get, ("stock_quantity", "price", "compare_at_price"))
    if isinstance(stock, int) and stock < 0:
        kept["stock_quantity"] = 0
        said = f"Negative stock ({printable(str(stock))}) taken as 0"
        warnings.append(Fault("stock_quantity", said))
    if _is_not_above(compared, price):
        kept["compare_at_price"] = None
        said = f"Compare-at price {compared} is not above the price {price}: left out"
        warnings.append(Fault("compare_at_price", printable(said)))
    return kept, warnings


def _is_not_above(compared: object, price: object) -> bool:
    """Whether both are amounts, the first not above the second."""
    try:
        return decimal("", compared) <= decimal("", price)
    except RefusedError:
        return False
