"""Find the SKUs that an import moves from one stored product to another product."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence

from attrs import define, field, frozen

from eggypro_core.domain.product_files import ConflictPolicy, ImportItem, SkuHolder
from eggypro_core.errors import ConflictError, ValidationError
from eggypro_core.ports import ImportSession
from eggypro_core.services.importing.category_resolver import CategoryResolver
from eggypro_core.services.importing.parsing import without_skus
from eggypro_core.services.importing.updates import UpdateBuilder

_CHUNK_SIZE = 1000


@frozen
class _Claim:
    """A SKU of a stored product that another product of the file has.

    `claimer_id` is the id of that product, None if it is new; `item` is the number of the item that
    changes the holder.
    """

    holder_id: int
    item: int
    claimer_id: int | None


@define
class SkuMoves:
    """The SKUs that products of the file can take, because the file takes them from their holders.

    A SKU stays with its holder if the file does not change that product, or changes it in a way
    that cannot be stored, or if the holder itself cannot have the SKU that it gets instead.
    """

    session: ImportSession
    updates: UpdateBuilder
    categories: CategoryResolver
    _moved: Collection[str] | None = field(default=None, init=False)

    def find(self) -> Collection[str]:
        """Return the SKUs that move. Reads the whole file at the first call."""
        if self._moved is None:
            is_update = self.updates.options.on_conflict is ConflictPolicy.UPDATE
            self._moved = self._find() if is_update else ()
        return self._moved

    def find_foreign(
        self, items: Sequence[tuple[ImportItem, int | None]]
    ) -> Iterator[Mapping[str, SkuHolder]]:
        """Yield, for each item and the id of its product, its SKUs that other products hold."""
        skus = {sku for item, _ in items for sku in item.keys.skus}
        holders = self.session.find_sku_holders(skus) if skus else {}
        for item, product_id in items:
            yield {
                sku: holders[sku]
                for sku in item.keys.skus
                if sku in holders and holders[sku].product_id != product_id
            }

    def _find(self) -> Collection[str]:
        claims = dict(self._claims())
        by_holder = defaultdict(list)
        for sku, claim in claims.items():
            by_holder[claim.holder_id].append(sku)
        queue = deque(claims)
        while queue:
            chunk = {queue.popleft() for _ in range(min(len(queue), _CHUNK_SIZE))} & claims.keys()
            for sku in self._find_kept(chunk, claims):
                claimer_id = claims.pop(sku).claimer_id
                if claimer_id is not None:
                    queue.extend(by_holder[claimer_id])
        return claims.keys()

    def _claims(self) -> Iterator[tuple[str, _Claim]]:
        for matches in self.session.matches():
            items = [(match.item, match.product_id) for match in matches]
            for (_, product_id), holders in zip(items, self.find_foreign(items), strict=True):
                for sku, holder in holders.items():
                    number = self.session.find_item(holder.product_id)
                    if number is not None:
                        yield sku, _Claim(holder.product_id, number, product_id)

    def _find_kept(self, skus: Collection[str], claims: Mapping[str, _Claim]) -> list[str]:
        """Return the SKUs that stay with their holders if only claimed SKUs can move."""
        item_numbers = {claims[sku].holder_id: claims[sku].item for sku in skus}
        items = [(self.session.stage.get(number), id_) for id_, number in item_numbers.items()]
        skus_after: dict[int, Collection[str] | None] = {}
        stored = self.session.get_products(item_numbers)
        for (item, id_), foreign in zip(items, self.find_foreign(items), strict=True):
            skus_after[id_] = None
            if id_ in stored and self.categories.is_valid(item.categories):
                unavailable = {sku for sku in foreign if sku not in claims}
                try:
                    update, _ = self.updates.build(
                        without_skus(item, unavailable), stored[id_].product
                    )
                except (ValidationError, ConflictError):
                    continue
                skus_after[id_] = update.skus
        kept_skus = []
        for sku in skus:
            remaining = skus_after[claims[sku].holder_id]
            if remaining is None or sku in remaining:
                kept_skus.append(sku)
        return kept_skus
