"""Paths of exported categories: their names from the root."""

from collections.abc import Iterable, Mapping

from eggypro_core.domain.category import CategoryDraft


def paths_by_slug(categories: Iterable[CategoryDraft]) -> Mapping[str, tuple[str, ...]]:
    """Return the names from the root to each category by slug; parents come first."""
    paths: dict[str, tuple[str, ...]] = {}
    for category in categories:
        above = paths[category.parent] if category.parent else ()
        paths[str(category.slug)] = (*above, category.name)
    return paths
