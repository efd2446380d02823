"""Every port of the hexagon: what the domain needs of the world, one Protocol each."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol, TypeVar

from eggypro_core.calls import Call
from eggypro_core.categories import Category, CategoryDraft, CategoryQuery
from eggypro_core.exports import Export
from eggypro_core.facets import Facets
from eggypro_core.images import (
    FOLDER,
    CleanImage,
    ServedImage,
    SignedUpload,
    StoredImage,
    Transformation,
)
from eggypro_core.imports import ImportEntry
from eggypro_core.listing import Explained
from eggypro_core.metrics import CallSummary
from eggypro_core.misses import SearchMiss
from eggypro_core.once import Done
from eggypro_core.paging import Page
from eggypro_core.parameters import Status
from eggypro_core.products import ListedProduct, Product, ProductDraft
from eggypro_core.queries import ProductQuery
from eggypro_core.rates import Policy, Standing
from eggypro_core.renderings import Kept, Moment
from eggypro_core.reviews import Review, ReviewDraft, ReviewQuery
from eggypro_core.suggestions import Suggestion
from eggypro_core.tables import TableSize
from eggypro_core.variants import Variant, VariantDraft, VariantQuery

Shop = TypeVar("Shop")
"""What idempotent work is done with: services over one transaction."""


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Return now, aware, in UTC."""
        ...


class Cache(Protocol):
    """Keeps answers for a while. Whatever is wrong with it counts as nothing kept: no error.

    `key` is any text. What was kept is not returned after it `ends`, and may go before.
    """

    def get(self, key: str) -> Kept | None:
        """Return what is kept under a key."""
        ...

    def set(self, key: str, kept: Kept) -> None:
        """Keep an answer under a key, in place of what is there."""
        ...

    def delete(self, key: str) -> None:
        """Forget what is kept under a key."""
        ...

    def clear(self) -> None:
        """Forget all, and nothing that is not this cache's."""
        ...


class Changes(Protocol):
    """Knows what is written to the products of a shop, by whomever.

    What this process wrote, and others on its host, it knows by when the write returns.
    """

    def seen(self) -> Moment | None:
        """Return a moment: a read that begins afterwards sees all that was written before it.

        None while nobody can tell what is written elsewhere.
        """
        ...

    def outdated(self, seen: Moment, tags: tuple[str, ...]) -> bool:
        """Whether a read may have missed a write under one of its tags, as far as is known."""
        ...


class Once(Protocol[Shop]):
    """Does some work once under a name, and remembers what came of it. May raise UnavailableError.

    What is done and the note of it are kept together or not at all.
    """

    def run(
        self, shop: Shop, name: str, at: datetime, work: Callable[[Shop], Done]
    ) -> tuple[Done, bool]:
        """Return what came of some work, and whether that was remembered, for it was done before.

        `work` is given the shop to do it with. If it raises, nothing is kept, nor remembered.
        Raises ConflictError while another is about the same.
        """
        ...

    def prune(self, at: datetime, most: int) -> int:
        """Forget some of what was done REMEMBERED before a time or earlier; return how much.

        It is 0 only if nothing is left, or another forgets it just now.
        """
        ...


class CallRecorder(Protocol):
    """Takes note of each call of the API."""

    def record(self, call: Call) -> None:
        """Take note of a call: at once, waiting for nobody, whatever is away. Raises nothing."""
        ...


class Exposition(Protocol):
    """Shows the figures of a server to a monitoring system."""

    def show(self, accept: str) -> tuple[bytes, str]:
        """Return all figures and their media type: one that `accept` names, if there is a choice.

        They are those of all workers together, as far as a second ago.
        """
        ...


class CallStore(Protocol):
    """Keeps calls, to be summed up. Any method may raise UnavailableError.

    Of how long a call took, it keeps the `response_time`.
    """

    def add(self, calls: Sequence[Call]) -> None:
        """Keep some more calls: all of them, or none."""
        ...

    def summary(self, since: datetime) -> tuple[CallSummary, ...]:
        """Sum up the calls since a time, by endpoint and method: those with most calls first.

        Those with as many are in the order of endpoint and method.
        """
        ...

    def counts(self, since: datetime, *, step: timedelta, steps: int) -> tuple[int, ...]:
        """Return how many calls there were in each of so many steps of time, from a time on."""
        ...

    def prune(self, before: datetime, most: int) -> int:
        """Forget calls from before a time, at most so many; return how many.

        Several may do so at once: none waits for another.
        """
        ...


class HtmlCleaner(Protocol):
    """Keeps HTML that is safe to show."""

    def clean(self, html: str) -> str:
        """Return the HTML brought to the allow-list. Cleaning what is clean changes nothing."""
        ...


class ProductStore(Protocol):
    """Keeps products by slug, archived ones too. Any method may raise UnavailableError."""

    def find(self, slug: str, variants: Status = Status.ACTIVE) -> Product:
        """Return a product, archived or not, with its first variants of a status.

        Raises NotFoundError, or MovedError where the slug is a former one of a product.
        """
        ...

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page, sorted by the query's sort key and then by id.

        What a search finds, and in which order, is said by `Reading` and `relevance_of`. Where its
        words find nothing as they are, each is taken for what is one edit away too.
        """
        ...

    def facets(self, query: ProductQuery, *, many: bool) -> Facets:
        """Return what all products of a query come to, wherever its page begins.

        `many`: they are more than COUNTED, so that a sample will do.
        """
        ...

    def explain(self, query: ProductQuery) -> Explained:
        """Return the page of a search with the reasons for it."""
        ...

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the first SUGGESTED products that a search of all active ones would show."""
        ...

    def add(self, draft: ProductDraft, at: datetime) -> Product:
        """Keep a new product, made `at` a time, and return it with its id, as version 1.

        A draft without a slug gets one that is free: no product's, no former one, not reserved.
        A slug that is given and is a product's former one is taken over from it.
        Raises ConflictError where a given slug or the SKU belongs to another product, and
        InvalidError where one of its categories does not exist.
        """
        ...

    def change(self, slug: str, to: Callable[[Product], Product]) -> Product:
        """Replace the product by `to(product)` and return the new one.

        Nobody else changes it in between. If `to` raises, nothing is kept. `to` must be pure: a
        store may call it again. A renamed product keeps the old slug as one that leads to it.
        Raises NotFoundError, MovedError, and ConflictError as `add` does.
        """
        ...

    def adjust_stock(self, slug: str, by: int) -> int:
        """Add to the stock (or take from it) at once, and return what is there then.

        Raises NotFoundError, MovedError, and ConflictError where it would fall below zero or
        above what can be counted, or follows from variants; nothing has changed then. The version
        stays.
        """
        ...

    def set_stock(self, slug: str, to: int) -> int:
        """Set the stock at once, and return it.

        Raises NotFoundError, MovedError, and ConflictError where it follows from variants and is
        not that already.
        """
        ...

    def remove(self, slug: str, check: Callable[[Product], None]) -> None:
        """Delete a product for good, and what hangs on it. Raises NotFoundError, MovedError.

        Nobody changes it from when `check` sees it. If `check` raises, it stays.
        """
        ...

    def export(self, status: Status) -> AbstractContextManager[Export]:
        """Give every product of a status once, by id, and every category.

        They are as they were at one moment, whatever is written meanwhile. Memory does not grow
        with the number of products.
        """
        ...

    def load(self) -> AbstractContextManager["ProductLoad"]:
        """Begin to take many products, in one transaction. Without `commit`, nothing is kept."""
        ...


class SearchMisses(Protocol):
    """Counts the searches that found nothing. Any method may raise UnavailableError."""

    def record(self, words: str, at: datetime) -> None:
        """Count one more search for some words, which come as `words_missed` returns them.

        However many do so at once, each counts. At most KEPT words are kept: for new ones the least
        frequent go, and of these the ones that were longest not searched for. May raise
        ConflictError where others are in the way: it waits for nobody for long.
        """
        ...

    def list(self, limit: int) -> tuple[SearchMiss, ...]:
        """Return the most frequent, those that were last searched for first, then by words."""
        ...

    def clear(self) -> None:
        """Forget all."""
        ...


class VariantStore(Protocol):
    """Keeps the variants of products. Any method may raise UnavailableError.

    Every method raises NotFoundError or MovedError where the slug leads to no product. What
    `derived` says of its variants is stored with the product in the same transaction as each write;
    an editorial write (all but stock) makes a new version of the product, changed `at` that time.
    """

    def find(self, slug: str, variant_id: int, status: Status) -> Variant:
        """Return a variant of a status. Raises NotFoundError where there is none.

        ACTIVE means an active one of an active product.
        """
        ...

    def page(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        """Return a page of variants of a status, in their order; for ACTIVE as in `find`."""
        ...

    def add(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        """Keep a new variant. The product's own stock is replaced by that of its first one.

        Raises ConflictError where a sibling has its options, where the siblings would have more
        than OPTION_NAMES names of options together, and where its SKU belongs to another variant
        or to a product.
        """
        ...

    def change(
        self, slug: str, variant_id: int, to: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        """Replace the variant by `to(variant)` and return the new one.

        Nobody else changes it or its product in between. If `to` raises, nothing is kept. `to` must
        be pure. Where it changes nothing there is no new version. Raises ConflictError as `add`.
        """
        ...

    def remove(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        """Delete a variant for good, unless `check` raises; one that is not there needs nothing."""
        ...

    def adjust_stock(self, slug: str, variant_id: int, by: int) -> int:
        """Add to the stock of a variant (or take from it), and return what is there then.

        Raises ConflictError where it would fall below zero or above what can be counted.
        """
        ...

    def set_stock(self, slug: str, variant_id: int, to: int) -> int:
        """Set the stock of a variant, and return it."""
        ...


class ReviewStore(Protocol):
    """Keeps the reviews of products. Any method may raise UnavailableError.

    What the verified ones come to is stored as the product's rating in the same transaction as each
    write, whoever else writes; its version stays.
    """

    def page(self, query: ReviewQuery) -> Page[Review, ReviewQuery]:
        """Return a page of reviews of a status, by time and then id.

        Those of a product raise NotFoundError unless it is on sale, and MovedError.
        """
        ...

    def add(self, slug: str, draft: ReviewDraft, at: datetime) -> Review:
        """Keep a new review, unverified; one that waits with the same name and text is returned.

        Raises NotFoundError unless the product is on sale, and MovedError.
        """
        ...

    def verify(self, review_id: int, *, is_verified: bool) -> Review:
        """Set whether a review is shown, and return it. Raises NotFoundError."""
        ...

    def remove(self, review_id: int) -> bool:
        """Delete a review for good; return whether there was one."""
        ...


class ProductLoad(Protocol):
    """Many products on their way into a store, all or nothing. One load runs at a time."""

    def repeated(self, keys: Sequence[str]) -> Collection[str]:
        """Return those of the keys that this load was shown before, and remember them all."""
        ...

    def known(self, slugs: Collection[str]) -> Mapping[str, Product]:
        """Return those products that exist, by slug, with all variants, without categories.

        Nobody changes them until the load ends.
        """
        ...

    def holders(self, skus: Collection[str]) -> Mapping[str, str]:
        """Return the slug of the product that has each SKU, for those that are taken."""
        ...

    def images(self, public_ids: Collection[str]) -> Collection[str]:
        """Return those of our images that products can have."""
        ...

    def put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        """Add products, which have slugs, but no variants or categories yet; replace others by id.

        Raises ConflictError, or the next call does, if another writer took a slug or SKU meanwhile,
        and InvalidError so if an image was given up: nothing is kept then.
        """
        ...

    def put_variants(
        self,
        new: Sequence[tuple[str, VariantDraft]],
        changed: Sequence[tuple[str, Variant]],
    ) -> None:
        """Add variants to the products at slugs, where they have places, and replace others by id.

        What the products show by them follows. Raises ConflictError as `put`.
        """
        ...

    def categories(self) -> Iterable[CategoryDraft]:
        """Return every category, archived or not, as it would be added, each behind its parent."""
        ...

    def put_categories(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Add categories, which have slugs, each behind its parent.

        Raises ConflictError and InvalidError if another writer changed the tree meanwhile.
        """
        ...

    def linked(self, slugs: Collection[str]) -> Mapping[str, Collection[str]]:
        """Return the slugs of all categories of products, by theirs, where they have any."""
        ...

    def link(self, places: Mapping[str, Collection[str]]) -> None:
        """Put the product at each slug into these categories, and no others. Versions stay.

        Raises InvalidError if another writer took a category away meanwhile.
        """
        ...

    def commit(self) -> None:
        """Keep all of it."""
        ...


class CategoryStore(Protocol):
    """Keeps a tree of categories by slug, and which products are in them.

    Archived ones too. Any method may raise UnavailableError.
    """

    def find(self, slug: str) -> Category:
        """Return a category, visible or not. Raises NotFoundError."""
        ...

    def page(self, query: CategoryQuery) -> Page[Category, CategoryQuery]:
        """Return a page, sorted by the key of the name and then by id.

        Active ones are those that are visible, archived ones all others.
        """
        ...

    def add(self, draft: CategoryDraft, at: datetime) -> Category:
        """Keep a new category, made `at` a time, and return it with its id.

        A draft without a slug gets one that is free. Raises ConflictError where a given slug is
        another's or the tree would be too deep, InvalidError where there is no such parent.
        """
        ...

    def add_all(self, drafts: Sequence[CategoryDraft], at: datetime) -> None:
        """Keep many new categories, each behind its parent, or none of them. Raises as `add`."""
        ...

    def change(self, slug: str, to: Callable[[Category], Category]) -> Category:
        """Replace the category by `to(category)`, below the parent that it names; return it.

        Nobody else changes the tree in between, so that it never gets a cycle. If `to` raises,
        nothing is kept. `to` must be pure: a store may call it again. Raises NotFoundError,
        InvalidError and ConflictError as `add` does, and ConflictError for a cycle.
        """
        ...

    def remove(self, slug: str) -> None:
        """Delete a category for good: its products are unlinked, its children go to its parent.

        Raises NotFoundError.
        """
        ...

    def link(self, product: str, category: str) -> None:
        """Put a product in a category, if it is not there.

        Raises NotFoundError, and MovedError where the slug is a former one of a product.
        """
        ...

    def unlink(self, product: str, category: str) -> None:
        """Take a product out of a category, if it is there. Raises MovedError as `link`."""
        ...


class Counter(Protocol):
    """Counts what clients do, by policies. Any method may raise UnavailableError.

    A window begins with the first thing counted and lasts as long as the policy says; then the
    count begins anew. A counter of bounded memory may forget the oldest windows.
    """

    def add(self, policy: Policy, client: str, *, times: int = 1) -> Standing:
        """Count one more thing (or several) of a client, and return where they stand then.

        However many are counted at once, no two of them make the same number.
        """
        ...

    def read(self, policy: Policy, client: str) -> Standing:
        """Return where a client stands; with no window open, none are used of a whole one."""
        ...

    def clear(self, policy: Policy, client: str) -> None:
        """Forget what was counted of a client."""
        ...


class ProductReader(Protocol):
    """Reads files of products."""

    def __call__(self, stream: BinaryIO, *, form: str = "auto") -> Iterator[ImportEntry]:
        """Read a file of a form (`auto` finds out which), a product at a time.

        Memory does not grow with the file. Raises MalformedError for what is no such file at all.
        """
        ...


class ProductWriter(Protocol):
    """Writes files of products."""

    def __call__(self, export: Export, stream: BinaryIO, *, form: str) -> int:
        """Write the products of an export in a form; return how many.

        Memory does not grow with their number. Raises what the stream raises.
        """
        ...


class ImageCleaner(Protocol):
    """Makes of an upload what may be published."""

    def clean(self, content: BinaryIO, transformation: Transformation | None = None) -> CleanImage:
        """Return the picture in a file, upright, in sRGB, in its own format, and nothing else.

        What it is, is decided by its content, from wherever the stream stands to its end. A
        transformation is applied to it on top, and may give it another format.
        Raises TooLargeError above HIGHEST_SIZE (of which little more is read), and InvalidError
        naming `file` unless it is one of FORMATS, of one frame, of at most HIGHEST_PIXELS (decided
        before it is decoded), and whole.
        """
        ...


class ImageStore(Protocol):
    """Keeps images by public id. Any method may raise UnavailableError, if it is away.

    A remote store that answers with anything but what was asked for raises ServiceFailedError.
    """

    def upload(
        self,
        content: BinaryIO,
        *,
        folder: str = FOLDER,
        public_id: str | None = None,
        transformation: Transformation | None = None,
    ) -> StoredImage:
        """Keep what an ImageCleaner makes of a file, all or nothing, and return it.

        It is called `public_id` within the folder, or by a name that nobody can guess. An id that
        is taken stays as it is, and what is there is returned: it can be repeated.
        Raises what ImageCleaner does, and InvalidError for an id that cannot be one.
        """
        ...

    def find(self, public_id: str) -> StoredImage:
        """Return what is known of an image. Raises NotFoundError."""
        ...

    def delete(self, public_id: str) -> None:
        """Delete an image and all that was made of it; one that is not there needs nothing."""
        ...

    def address(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image is, made into something; without it, as it was uploaded.

        Asks nobody, and not whether it is there. Raises InvalidError for an id that cannot be one,
        and from a store that serves only RENDITIONS for any other transformation.
        """
        ...

    def sign(self, *, folder: str = FOLDER, public_id: str, at: datetime) -> SignedUpload:
        """Return what uploads one file by that name from a browser, for UPLOAD_TIME after `at`.

        What arrives so is not looked at: see `find` and `require_image`.
        """
        ...

    def check(self) -> None:
        """Raise UnavailableError or ServiceFailedError unless images can be kept now."""
        ...


class ImageLedger(Protocol):
    """Knows every image that may be in the store, from before it is there until it surely is not.

    A product store has it count who has an image, in the transaction that changes a product's
    images: that raises InvalidError for one that is not known to be stored, or was given up. What
    counts is whether a product has it, not how often. Any method may raise UnavailableError.
    """

    def intend(
        self, public_ids: Collection[str], *, until: datetime, product: str | None = None
    ) -> None:
        """Record images that may arrive in the store `until` then, perhaps for a product.

        Raises NotFoundError or MovedError where the slug leads to no product.
        """
        ...

    def intended_for(self, public_id: str) -> str:
        """Return the slug of the product that an image was recorded for.

        Raises NotFoundError for one that is not recorded, or not for a product that there is.
        """
        ...

    def note(self, stored: Iterable[StoredImage]) -> None:
        """Record what arrived in the store: from then on products can have it, if not given up."""
        ...

    def give_up(self, public_ids: Collection[str]) -> Collection[str]:
        """Return those that no product has. From then on none can get them."""
        ...

    def give_up_overdue(self, at: datetime) -> Collection[str]:
        """Return what the store should delete: all that were given up and are not deleted.

        Those that no product has are given up when they may arrive no more. What was deleted before
        that is among them once more, then.
        """
        ...

    def deleted(self, public_ids: Collection[str], at: datetime) -> None:
        """Record that the store has deleted images that were given up.

        They are forgotten, unless they may still arrive.
        """
        ...


class ImageFiles(Protocol):
    """An image store whose images we serve ourselves. Any method may raise UnavailableError."""

    def open(self, public_id: str, rendition: str, *, webp: bool) -> ServedImage:
        """Return an image's ORIGINAL or one of its RENDITIONS, made now if nobody had it yet.

        Renditions are WebP for who can show that. Raises NotFoundError.
        """
        ...

    def receive(self, fields: Mapping[str, str], content: BinaryIO, at: datetime) -> StoredImage:
        """Keep a file that comes with the fields of a SignedUpload.

        Raises ForbiddenError unless they are as they were signed, and not too old; and what
        `upload` raises.
        """
        ...


class TokenSigner(Protocol):
    """Makes tokens of claims, which nobody else can make or alter.

    A token is visible ASCII. Its bearer may be able to read the claims.
    """

    def sign(self, claims: Mapping[str, object]) -> str:
        """Return a token of claims that JSON can say."""
        ...

    def verify(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token, as they were signed: nothing of them is judged.

        Raises UnauthenticatedError, as a failure, for any text that is not such a token.
        """
        ...


class Migrations(Protocol):
    """Brings the schema of a database from one revision to another."""

    def upgrade(self, revision: str = "head") -> None:
        """Go up. Any number of processes may try at once: one does it, the others wait for it."""
        ...

    def downgrade(self, revision: str) -> None:
        """Go down to a revision, `-1` for one step, `base` for an empty database."""
        ...

    def current(self) -> str | None:
        """Return the revision that the database is at, None for an empty one."""
        ...

    def history(self) -> Sequence[tuple[str, str]]:
        """Return every revision and what it is for, newest first."""
        ...

    def revision(self, message: str) -> str:
        """Write the migration that brings the schema to the tables in code; return its path."""
        ...

    def differences(self) -> Sequence[str]:
        """Return how the tables in code and the database differ, a sentence each."""
        ...

    def tables(self) -> Sequence[TableSize]:
        """Return the tables that the database has, by name, and what they weigh."""
        ...
