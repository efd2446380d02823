"""An import at work: each entry checked, matched with what is there, and put in batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from attrs import define, evolve, field, frozen

from eggypro_core import rules
from eggypro_core.errors import Fault, InvalidError
from eggypro_core.imports import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.ports import ProductLoad
from eggypro_core.products import (
    IMPORT_REQUIRED,
    Product,
    ProductChanges,
    ProductDraft,
)
from eggypro_core.slugs import free_slug, slug_of
from eggypro_core.unset import UNSET

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
    def sku(self) -> str | None:
        """The SKU that it claims."""
        return self.changes.sku if isinstance(self.changes.sku, str) else None

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The field and the value of what no other entry of the file may have."""
        return [("slug", self.slug), *([("sku", self.sku)] if self.sku is not None else [])]


@define
class Loading:
    """The state of one import: what was counted, and what was said of which line."""

    load: ProductLoad
    clean_html: Callable[[str], str]
    now: datetime
    on_conflict: OnConflict
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
            self._put(self._not_taken(self._not_repeated(list(self._checked(batch)))))

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
        changes = ProductChanges.read(values, self.clean_html, required=required)
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
            again = [name for name, value in one.keys if f"{name}:{value}" in before]
            before.update(f"{name}:{value}" for name, value in one.keys)
            self._refuse(one.line, [_repeats(one, name) for name in again])
            if not again:
                fresh.append(one)
        return fresh

    def _not_taken(self, batch: Sequence[_Candidate]) -> list[_Candidate]:
        """Return those whose SKU is free or their own; the others are refused."""
        holders = self.load.holders([one.sku for one in batch if one.sku is not None])
        free = []
        for one in batch:
            holder = one.slug if one.sku is None else holders.get(one.sku, one.slug)
            if holder == one.slug:
                free.append(one)
            else:
                taken = f"SKU '{one.sku}' belongs to the product '{holder}'"
                self._refuse(one.line, [Fault("sku", taken)])
        return free

    def _put(self, batch: Sequence[_Candidate]) -> None:
        known = self.load.known([one.slug for one in batch])
        new: list[ProductDraft] = []
        changed: list[Product] = []
        for one in batch:
            try:
                self._sort_out(one, known.get(one.slug), new, changed)
            except InvalidError as invalid:
                self._refuse(one.line, invalid.faults)
        self.created += len(new)
        self.changed += len(changed)
        self.load.put(new, changed, self.now)

    def _sort_out(
        self,
        one: _Candidate,
        known: Product | None,
        new: list[ProductDraft],
        changed: list[Product],
    ) -> None:
        if known is None:
            new.append(one.changes.draft())
        elif self.on_conflict is OnConflict.FAIL:
            raise InvalidError([Fault("slug", f"There is a product '{one.slug}' already")])
        elif (
            self.on_conflict is OnConflict.SKIP
            or (product := one.changes.apply(known, self.now)) is known
        ):
            self.unchanged += 1
        else:
            changed.append(product)


def _by_line(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(sorted(notices, key=lambda notice: notice.line))


def _repeats(one: _Candidate, name: str) -> Fault:
    value = dict(one.keys)[name]
    return Fault(name, f"{rules.label(name)} '{value}' stands in the file twice")
