"""Record the messages and differences of an import."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import define, evolve, field

from eggypro_core.domain.product import Image, Product, ProductDraft
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.product_files import (
    ImportDifference,
    ImportMessage,
    ImportOptions,
    ImportReport,
)
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant, VariantDraft
from eggypro_core.services.importing.updates import ProductUpdate, variant_name

MAX_REPORTED = 1000
"""Maximum number of errors, of warnings and of differences in a report."""
_MAX_TEXT_LENGTH = 500
ImportListener: TypeAlias = Callable[[str, ImportMessage | ImportDifference], None]
"""Receives each record of an import with its kind: `refused`, `warning` or `change`."""
ImportProgress: TypeAlias = Callable[[str, int], None]
"""Receives the present work, `Reading` or `Comparing`, and the number of products done so far."""
_Fields: TypeAlias = dict[str, tuple[str | None, str | None]]


@define
class ImportRecorder:
    """Count messages and differences, keep the first MAX_REPORTED, and pass all to a listener."""

    columns: Mapping[str, str]
    options: ImportOptions
    listener: ImportListener | None = None
    errors: list[ImportMessage] = field(factory=list)
    warnings: list[ImportMessage] = field(factory=list)
    differences: list[ImportDifference] = field(factory=list)
    error_total: int = 0
    warning_total: int = 0
    difference_total: int = 0

    @property
    def is_accepted(self) -> bool:
        """Return whether the import can be stored: no errors so far, or it keeps going."""
        return self.options.keep_going or not self.error_total

    def fail(self, line: int, name: str, message: str, value: str = "") -> None:
        """Record an error of a field."""
        self.add_errors([ImportMessage(line, name, message, value=value)])

    def warn(self, line: int, name: str, message: str, value: str = "") -> None:
        """Record a warning of a field."""
        self.add_warnings([ImportMessage(line, name, message, value=value)])

    def add_errors(self, messages: Iterable[ImportMessage]) -> None:
        """Record errors."""
        for message in messages:
            self.error_total += 1
            self._record("refused", self.errors, self._complete(message))

    def add_warnings(self, messages: Iterable[ImportMessage]) -> None:
        """Record warnings."""
        for message in messages:
            self.warning_total += 1
            self._record("warning", self.warnings, self._complete(message))

    def add_difference(self, make: Callable[[], ImportDifference]) -> None:
        """Record the changes of a product; `make` is called only if the difference is used."""
        self.difference_total += 1
        if self.listener is not None or len(self.differences) < MAX_REPORTED:
            self._record("change", self.differences, make())

    def report(
        self,
        *,
        is_applied: bool,
        changed: int,
        unchanged: int,
        created: int = 0,
        new_categories: Sequence[str] = (),
    ) -> ImportReport:
        """Return the report of an import with these numbers of products."""
        is_counted = self.is_accepted
        return ImportReport(
            created=created if is_counted else 0,
            changed=changed if is_counted else 0,
            unchanged=unchanged,
            refused=_by_line(self.errors),
            warnings=_by_line(self.warnings),
            differences=tuple(self.differences) if is_counted else (),
            new_categories=tuple(new_categories) if is_counted else (),
            refused_total=self.error_total,
            warning_total=self.warning_total,
            difference_total=self.difference_total if is_counted else 0,
            is_applied=is_applied,
            dry_run=self.options.dry_run,
        )

    def _record(self, kind: str, records: list[Any], record: Any) -> None:
        if len(records) < MAX_REPORTED:
            records.append(record)
        if self.listener is not None:
            self.listener(kind, record)

    def _complete(self, message: ImportMessage) -> ImportMessage:
        """Return the message with the name of its column in the file."""
        if message.column or message.field not in self.columns:
            return message
        return evolve(message, column=self.columns[message.field])


def _by_line(messages: Iterable[ImportMessage]) -> tuple[ImportMessage, ...]:
    return tuple(sorted(messages, key=lambda message: message.line))


def creation_difference(draft: ProductDraft) -> ImportDifference:
    """Return the difference of a new product: its fields that are not empty."""
    fields = _differences(None, draft, _PRODUCT_NAMES, "")
    for variant in draft.variants:
        prefix = f"variants[{variant_name(variant.options)}]."
        fields |= _differences(None, variant, _VARIANT_NAMES, prefix)
    fields |= _category_difference((), draft.categories)
    return ImportDifference(str(draft.slug), "created", fields)


def update_difference(
    update: ProductUpdate, categories: Iterable[str] | None, known: Iterable[str]
) -> ImportDifference:
    """Return the difference of an update: of its fields, variants and categories if given."""
    fields = _differences(update.before, update.after, _PRODUCT_NAMES, "")
    stored = {variant.id: variant for variant in update.before.variants}
    for variant in update.changed_variants:
        prefix = f"variants[{variant_name(stored[variant.id].options)}]."
        fields |= _differences(stored[variant.id], variant, _VARIANT_NAMES, prefix)
    for variant in update.removed_variants:
        fields[f"variants[{variant_name(variant.options)}]"] = (str(variant.price), None)
    for draft in update.new_variants:
        fields |= _differences(
            None, draft, _VARIANT_NAMES, f"variants[{variant_name(draft.options)}]."
        )
    if categories is not None:
        fields |= _category_difference(known, categories)
    return ImportDifference(update.after.slug, "updated", fields)


_PRODUCT_NAMES = [definition.name for definition in PRODUCT_FIELDS]
_VARIANT_NAMES = [definition.name for definition in VARIANT_FIELDS]


def _category_difference(before: Iterable[str], after: Iterable[str]) -> _Fields:
    texts = ", ".join(sorted(before)), ", ".join(sorted(after))
    return {} if texts[0] == texts[1] else {"categories": (texts[0] or None, texts[1] or None)}


def _differences(
    before: Product | Variant | None,
    after: Product | ProductDraft | Variant | VariantDraft,
    names: Iterable[str],
    prefix: str,
) -> _Fields:
    """Return the texts of the fields that differ; single attributes are fields too."""
    fields: _Fields = {}
    for name in names:
        old, new = getattr(before, name, None), getattr(after, name)
        if old == new:
            continue
        if name == "attributes":
            old = old or {}
            for key in dict.fromkeys((*old, *new)):
                if old.get(key) != new.get(key):
                    fields[f"{prefix}attributes.{key}"] = (_text(old.get(key)), _text(new.get(key)))
        elif (texts := (_text(old), _text(new))) != (None, None):
            fields[prefix + name] = texts
    return fields


def _text(value: Any) -> str | None:
    """Return a value as text, shortened, or None if it is empty."""
    if value is None or value in ("", ()):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        text = variant_name(value)
    elif isinstance(value, tuple):
        text = ", ".join(item.ref if isinstance(item, Image) else str(item) for item in value)
    else:
        text = str(value)
    return text if len(text) <= _MAX_TEXT_LENGTH else text[: _MAX_TEXT_LENGTH - 1] + "…"
