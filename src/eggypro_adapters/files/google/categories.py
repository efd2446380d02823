"""Category paths of a feed: `Food > Bars`, several of them separated by commas."""

import csv
from collections.abc import Iterable, Sequence

from eggypro_adapters.files.google.rows import FeedRow


def category_paths(rows: Iterable[FeedRow]) -> list[list[str]]:
    """Return the category paths of rows, each as names from the root, without duplicates."""
    texts = [
        text for row in rows for cell in row.get_all("product_type") for text in split_paths(cell)
    ]
    paths = [[name for part in text.split(">") if (name := part.strip())] for text in texts]
    return [list(path) for path in dict.fromkeys(map(tuple, paths)) if path]


def split_paths(cell: str) -> list[str]:
    """Return the paths of a cell.

    A comma separates paths that are quoted, or that begin with the same name; otherwise it is part
    of a name: `Food, Beverages > Bars`.
    """
    if cell.startswith('"'):
        try:
            return next(csv.reader([" ".join(cell.split())], strict=True, skipinitialspace=True))
        except csv.Error:
            return [cell]
    parts = cell.split(",")
    roots = {part.partition(">")[0].strip() for part in parts}
    return parts if len(roots) == 1 and all(">" in part for part in parts) else [cell]


def path_text(path: Sequence[str]) -> str:
    """Return the text of a category path, quoted if `split_paths` would split or unquote it."""
    text = " > ".join(path)
    return text if split_paths(text) == [text] and text[0] != '"' else _quoted(text)


def join_paths(texts: Sequence[str]) -> str:
    """Return the cell of the texts of several category paths."""
    if len(texts) == 1:
        return texts[0]
    return ",".join(text if text.startswith('"') else _quoted(text) for text in texts)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
