"""Find the list of products in a JSON document."""

import re
from typing import NamedTuple

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS

MAX_OPENING_LENGTH = 1024 * 1024
"""Characters that are searched for the beginning of the list."""
_TOKEN = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*+)"\s*+(?P<colon>:)?|[{}\[\]]', re.DOTALL)
_ARRAY = re.compile(r"\s*\[")
_LIST_START = re.compile(r"\s*[{\]]")
_LIST_NAMES = frozenset({"products", "items", "data", "results"})
_PRODUCT_NAMES = frozenset({"name", "slug", "title", "sku", "variants", "images", "options"})
"""Members of a product, beside which `items` and the like are not the list of products."""
_NOT_CATEGORIES = _PRODUCT_NAMES | FIELD_PARSERS.keys()
"""Members whose lists are not those of the products of a category."""


class ListOpening(NamedTuple):
    """The characters before the first element, and whether more lists follow under other names."""

    length: int
    is_one_of: bool = False


class _Member(NamedTuple):
    """A member of the document; the characters before the first element if it is a list."""

    name: str
    opening_length: int = 0


def find_array(text: str) -> ListOpening | None:
    """Return where the first element of an array begins, or None if the text is not an array."""
    match = _ARRAY.match(text)
    return ListOpening(match.end()) if match else None


def find_list(text: str) -> ListOpening | None:
    """Return where the list of products begins in the head of a document.

    It is the document itself, or the value of `products`, `items`, `data` or `results` in an
    object, or an object of lists of products by category. Returns None for anything else, such as a
    product.
    """
    if array := find_array(text):
        return array
    members: list[_Member] = []
    brackets: list[str] = []
    name = ""
    for match in _TOKEN.finditer(text[:MAX_OPENING_LENGTH]):
        sign = match[0]
        if match["name"] is not None:
            name = match["name"] if match["colon"] else ""
            if name and len(brackets) == 1:
                members.append(_Member(name))
        elif sign in "}]":
            del brackets[-1:]
        else:
            is_list = sign == "[" and "[" not in brackets and _is_list(text, match.end())
            is_product = any(member.name in _PRODUCT_NAMES for member in members)
            if is_list and name in _LIST_NAMES and (name == "products" or not is_product):
                return ListOpening(match.end())
            if is_list and len(brackets) == 1 and members:
                members[-1] = _Member(members[-1].name, match.end())
            brackets.append(sign)
    if members and all(
        member.opening_length and member.name not in _NOT_CATEGORIES for member in members
    ):
        return ListOpening(members[0].opening_length, is_one_of=True)
    return None


def _is_list(text: str, position: int) -> bool:
    return _LIST_START.match(text, position) is not None
