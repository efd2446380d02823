"""Resolve the slugs, SKUs and stored images of imported products among those that exist."""

from collections.abc import Collection, Sequence

from attrs import define, evolve, field

from eggypro_core.domain.image import ImageUrlBuilder, image_not_found, is_external
from eggypro_core.domain.product import Image, own_image_ids
from eggypro_core.domain.product_files import (
    ImportItem,
    ImportMatch,
    MatchedBy,
)
from eggypro_core.domain.slug import free_slug, numbered_slug, slugify
from eggypro_core.ports import ImportSession
from eggypro_core.services.importing.parsing import without_skus
from eggypro_core.services.importing.recorder import ImportRecorder
from eggypro_core.services.importing.sku_moves import SkuMoves
from eggypro_core.validation.unset import UNSET, Unset

_MAX_SLUG_NUMBERS = 10_000


@define
class KeyResolver:
    """Give new products free slugs, and leave out unavailable SKUs and images."""

    session: ImportSession
    recorder: ImportRecorder
    sku_moves: SkuMoves
    image_url: ImageUrlBuilder
    _moved: set[str] = field(factory=set)
    """SKUs of items that a stored product still has."""
    _slug_numbers: dict[str, int] = field(factory=dict)
    """The last number of each repeated generated slug; cleared when it grows too large."""

    def with_slugs(self, items: Sequence[ImportItem]) -> list[ImportItem]:
        """Return new items with slugs that no product and no other item has.

        A slug that a product had before is free only if it is the handle of the item.
        """
        slugs = [item.keys.slug or _generated_slug(item) for item in items]
        taken_slugs = set(self.session.find_taken_slugs(slugs)) if slugs else set()
        current_slugs = self.session.find_product_ids(taken_slugs) if taken_slugs else {}
        first_uses: dict[str, int] = {}
        for slug, item in zip(slugs, items, strict=True):
            first_uses.setdefault(f"slug:{slug}", item.number)
        owners = {**first_uses, **self.session.stage.record_uses(first_uses)}
        result = []
        for slug, item in zip(slugs, items, strict=True):
            is_free = slug not in (current_slugs if item.keys.handle == slug else taken_slugs)
            is_own = owners[f"slug:{slug}"] == item.number
            free = slug if is_free and is_own else self._numbered_slug(slug, item.number)
            is_given = item.changes.slug == free
            result.append(item if is_given else _with_slug(item, free))
        return result

    def with_handles(self, matches: Sequence[ImportMatch]) -> list[ImportMatch]:
        """Return matches in which known products take the handle of the file as slug.

        A product that was matched by its slug keeps it, and so does one whose new slug is taken.
        """
        new_slugs = {
            match.item.number: str(match.item.keys.slug)
            for match in matches
            if match.stored is not None
            and match.by is not MatchedBy.SLUG
            and match.item.keys.slug not in (None, match.stored.product.slug)
        }
        current_slugs = self.session.find_product_ids(set(new_slugs.values())) if new_slugs else {}
        uses = self.session.stage.find_uses([f"slug:{slug}" for slug in new_slugs.values()])
        numbers = {
            number
            for number, slug in new_slugs.items()
            if slug not in current_slugs and uses.get(f"slug:{slug}", number) == number
        }
        return [
            match
            if match.stored is None
            or match.item.number in numbers
            or match.item.changes.slug in (UNSET, match.stored.product.slug)
            else evolve(match, item=_with_slug(match.item, UNSET))
            for match in matches
        ]

    def _numbered_slug(self, slug: str, number: int) -> str:
        """Return the slug with the next number that is free."""
        counter = self._slug_numbers.get(slug, 1) + 1
        while True:
            candidate = numbered_slug(slug, counter)
            is_used = self.session.stage.record_uses({f"slug:{candidate}": number})
            if not is_used and not self.session.find_taken_slugs([candidate]):
                break
            counter += 1
        if len(self._slug_numbers) >= _MAX_SLUG_NUMBERS:
            self._slug_numbers.clear()
        self._slug_numbers[slug] = counter
        return candidate

    def without_held_skus(self, matches: Sequence[ImportMatch]) -> list[ImportMatch]:
        """Leave out the SKUs that other products have and keep, with a warning for each."""
        items = [(match.item, match.product_id) for match in matches]
        result = []
        for match, holders in zip(matches, self.sku_moves.find_foreign(items), strict=True):
            held = {sku for sku in holders if sku not in self.sku_moves.find()}
            self._moved.update(holders.keys() - held)
            for sku in sorted(held):
                message = f"SKU '{sku}' belongs to the product '{holders[sku].slug}': left out"
                self.recorder.warn(match.item.line, "sku", message, sku)
            result.append(evolve(match, item=without_skus(match.item, held)) if held else match)
        return result

    def takes_moved_sku(self, item: ImportItem) -> bool:
        """Return whether an item has a SKU that the file takes from a stored product."""
        return bool(item.keys.skus) and not self._moved.isdisjoint(item.keys.skus)

    def without_missing_images(self, matches: Sequence[ImportMatch]) -> Sequence[ImportMatch]:
        """Leave out stored images that do not exist, with a warning for each."""
        own = [own_image_ids(images_of(match.item)) for match in matches]
        image_ids = frozenset[str]().union(*own)
        if not image_ids:
            return matches
        missing = image_ids.difference(self.session.find_attachable_images(image_ids))
        return [
            evolve(match, item=self._drop_missing_images(match.item, missing))
            if ids & missing
            else match
            for match, ids in zip(matches, own, strict=True)
        ]

    def _drop_missing_images(self, item: ImportItem, missing: Collection[str]) -> ImportItem:
        """Return the item without missing stored images, unless they have an external URL."""
        images = []
        for image in images_of(item):
            ref = self.image_url(image.ref, None) if image.ref in missing else image.ref
            if image.ref not in missing or is_external(ref):
                images.append(evolve(image, ref=ref))
            else:
                self.recorder.warn(item.line, "images", f"{image_not_found(image.ref)}: ignored")
        return evolve(item, changes=evolve(item.changes, images=tuple(images)))


def images_of(item: ImportItem) -> tuple[Image, ...]:
    """Return the images of an item; empty if it does not set them."""
    return () if item.changes.images is UNSET else item.changes.images


def _with_slug(item: ImportItem, slug: str | Unset) -> ImportItem:
    return evolve(item, changes=evolve(item.changes, slug=slug))


def _generated_slug(item: ImportItem) -> str:
    return free_slug(slugify(str(item.changes.name)), ())
