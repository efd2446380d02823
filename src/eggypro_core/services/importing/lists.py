"""Fit imported lists and maps into their fields: tags, ingredients, attributes, categories."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from eggypro_core.domain.category import MAX_DEPTH, MAX_SLUG_LENGTH, NAME_VALIDATOR
from eggypro_core.domain.product import MAX_ATTRIBUTES, MAX_CATEGORIES
from eggypro_core.domain.product_fields import (
    ATTRIBUTE_NAME,
    ATTRIBUTE_TEXT,
    TAGS,
    ingredients_validator,
)
from eggypro_core.domain.slug import fold, is_slug
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.texts import Fitter, fit_line, fit_name, line_key
from eggypro_core.validation.fields import Validator, max_length, schema_of

T = TypeVar("T")
_MAX_CATEGORY_NAME = max_length(NAME_VALIDATOR)
_MAX_ATTRIBUTE_NAME = max_length(ATTRIBUTE_NAME)
_MAX_ATTRIBUTE = max_length(ATTRIBUTE_TEXT)


def text_list_fitter(
    name: str, label: str, validator: Validator, key: Callable[[str], str] = str
) -> Fitter:
    """Return the fitter of a list of texts: without blank ones; if too long, without repeated ones.

    `label` is a singular, `validator` that of the list; `key` returns the form for comparisons.
    """
    schema = schema_of(validator)
    maximum, max_text_length = schema["maxItems"], schema["items"]["maxLength"]

    def fit(value: object, messages: EntryMessages) -> object:
        if not isinstance(value, list | tuple):
            return [] if value is None else value
        texts = [
            fit_line(item, name, label, max_text_length, messages)
            if isinstance(item, str)
            else item
            for item in value
        ]
        texts = [item for item in texts if not isinstance(item, str) or item.strip()]
        if len(texts) > maximum:
            first: dict[object, object] = {}
            for item in texts:
                first.setdefault(_key(item, key), item)
            texts = [*first.values()]
        return first_items(texts, name, f"{label.lower()}s", maximum, messages)

    return fit


fit_tags = text_list_fitter("tags", "Tag", TAGS, key=fold)
fit_ingredients = text_list_fitter("ingredients", "Ingredient", ingredients_validator(0))


def fit_attributes(value: object, messages: EntryMessages) -> object:
    """Return at most MAX_ATTRIBUTES attributes of a product, without blank ones."""
    if not isinstance(value, Mapping):
        return {} if value is None else value
    if len(value) <= MAX_ATTRIBUTES and all(map(_is_plain, value, value.values())):
        return value
    attributes = _fit_names(value, "attributes", messages)
    fitted = {name: text for name, text in attributes if text is not None}
    return dict(
        first_items([*fitted.items()], "attributes", "attributes", MAX_ATTRIBUTES, messages)
    )


def fit_attribute_edits(value: object, messages: EntryMessages) -> object:
    """Return the edits of attributes; blank texts remove an attribute."""
    if not isinstance(value, Mapping):
        return {} if value is None else value
    if len(value) <= MAX_ATTRIBUTES and all(
        _is_plain(name, "-" if text is None else text) for name, text in value.items()
    ):
        return value
    edits = dict(_fit_names(value, "attributes", messages))
    new_texts = [item for item in edits.items() if item[1] is not None]
    accepted = dict(first_items(new_texts, "attributes", "attributes", MAX_ATTRIBUTES, messages))
    removed = [name for name, text in edits.items() if text is None]
    removed = removed[: 2 * MAX_ATTRIBUTES - len(accepted)]
    return {name: edits[name] for name in edits if name in accepted or name in removed}


def fit_categories(value: object, messages: EntryMessages) -> object:
    """Return the categories of a product: slugs, or paths of names without blank names.

    A text that is not a slug is a path of names such as `Food > Bars`.
    """
    if not isinstance(value, list | tuple):
        return [] if value is None else value
    references = [_fit_category(item, messages) for item in value]
    references = [item for item in references if item]
    return first_items(references, "categories", "categories", MAX_CATEGORIES, messages)


def _fit_names(
    attributes: Mapping[object, object], name: str, messages: EntryMessages
) -> Iterable[tuple[object, object]]:
    """Yield the fitted names and texts, None for blank ones. Of equal names, the first is used."""
    names: set[object] = set()
    for raw_key, raw_text in attributes.items():
        key, text = raw_key, raw_text
        if isinstance(key, str):
            key = line_key(fit_line(key, name, "Attribute name", _MAX_ATTRIBUTE_NAME, messages))
        if isinstance(text, str):
            label = f"Attribute '{shown(key)}'"
            text = fit_line(text, name, label, _MAX_ATTRIBUTE, messages)
            text = text if text.strip() else None
        if key in names:
            messages.warn(name, f"Attribute '{shown(key)}' appears twice: ignored", raw_text)
        elif key:
            names.add(key)
            yield key, text


def _is_plain(name: object, text: object) -> bool:
    """Return whether an attribute is in the form that its validators return, and in ASCII."""
    return (
        isinstance(name, str)
        and isinstance(text, str)
        and 0 < len(name) <= _MAX_ATTRIBUTE_NAME
        and len(text) <= _MAX_ATTRIBUTE
        and name.isascii()
        and name.isprintable()
        and name == " ".join(name.split())
        and text.isascii()
        and text.isprintable()
        and not text.isspace()
        and bool(text)
    )


def _fit_category(value: object, messages: EntryMessages) -> object:
    if isinstance(value, str):
        if not value.strip() or (is_slug(value) and len(value) <= MAX_SLUG_LENGTH):
            return value.strip()
        value = value.split(">")
    if not isinstance(value, list | tuple):
        return value
    names = [
        fit_name(item, "categories", "Category name", _MAX_CATEGORY_NAME, messages)
        if isinstance(item, str)
        else item
        for item in value
    ]
    return [name for name in names if name][:MAX_DEPTH]


def first_items(
    items: list[T], name: str, plural: str, maximum: int, messages: EntryMessages
) -> list[T]:
    """Return the first `maximum` items, with a warning if there are more."""
    if len(items) > maximum:
        message = f"{len(items)} {plural}: only the first {maximum} are imported"
        messages.warn(name, message, items[maximum])
    return items[:maximum]


def _key(item: object, key: Callable[[str], str]) -> object:
    return key(line_key(item)) if isinstance(item, str) else id(item)
