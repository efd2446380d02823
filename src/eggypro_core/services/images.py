"""The images of products: uploading, ordering, describing and removing them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import BinaryIO

from attrs import evolve, frozen

from eggypro_core.domain.image import (
    ServedImage,
    SignedUpload,
    StoredImage,
    Transformation,
    image_absent,
)
from eggypro_core.domain.product import IMAGES, Image, Product
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_fields import alt_text, image_list
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.ports import Clock, ImageFiles, ProductStore
from eggypro_core.services.image_uploads import ImageStorage
from eggypro_core.services.products import known_slug, require_version
from eggypro_core.validation import fields

FILES = 10
"""How many files one upload may bring."""


@frozen
class Gallery:
    """The images of the products of a shop.

    Every method may raise UnavailableError, and those that need the image store ServiceFailedError.
    Those that name a product raise NotFoundError and MovedError, and StaleError where it is not at
    the `version` that is given; then nothing was changed. Each change is a version of the product.
    """

    _products: ProductStore
    _storage: ImageStorage
    _clock: Clock
    _files: ImageFiles | None = None

    def address(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image of ours is, made into something; without it, as it was uploaded."""
        return self._storage.address(public_id, transformation)

    def add(
        self,
        slug: str,
        files: Sequence[BinaryIO],
        *,
        alts: Sequence[str] = (),
        version: int | None = None,
    ) -> Product:
        """Store 1 to FILES images, append them to a product in their order, and return it.

        All or none. The first of them get the `alts`. Raises InvalidError and TooLargeError for
        files that are no images as they should be, before it looks for the product, and
        ConflictError where there would be too many.
        """
        words = _words_of(files, alts)
        with self._storage.uploaded(files) as stored:
            pairs = zip_longest(stored, words)
            new = tuple(Image(one.public_id, alt) for one, alt in pairs)
            return self._change(slug, lambda images: (*images, *new), version)

    def arrange(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Set which images a product has, in which order and with which words; return it.

        `values` have one list, `images`: of our own images by id or address, and others by https
        address, each maybe as a map of `ref` and `alt`. Without `alt`, it stays. Own images that
        are left out are deleted, unless another product has them. Raises InvalidError.
        """
        order = {"images": image_list(self.address)}
        wanted = fields.check(values, order, required=order)["images"]
        given: Sequence[object] = values["images"]  # type: ignore[assignment]  # checked above

        def to(images: Sequence[Image]) -> tuple[Image, ...]:
            alts = {image.ref: image.alt for image in images}
            pairs = zip(given, wanted, strict=True)
            return tuple(
                image if _has_alt(one) else evolve(image, alt=alts.get(image.ref))
                for one, image in pairs
            )

        return self._change(slug, to, version)

    def remove(self, slug: str, public_id: str, *, version: int | None = None) -> Product:
        """Take an image from a product and delete it; one that it does not have needs nothing.

        Another product that has it too keeps it.
        """
        return self._change(
            slug, lambda images: tuple(one for one in images if one.ref != public_id), version
        )

    def sign(self, values: Mapping[str, object]) -> tuple[str, SignedUpload]:
        """Return an upload for a browser to make, to `complete` then, and its id.

        `values` name the `product` by its slug. Raises InvalidError.
        """
        slug = fields.check(values, UPLOAD, required=UPLOAD)["product"]
        return self._storage.sign(known_slug(slug))

    def receive(self, fields: Mapping[str, str], file: BinaryIO) -> StoredImage:
        """Store the file of a signed upload, where this shop serves its images itself.

        Raises NotFoundError where it does not, and what ImageFiles.receive does.
        """
        if self._files is None:
            raise NotFoundError("Images are not uploaded here", kind="image")
        return self._files.receive(fields, file, self._clock())

    def open(self, public_id: str, rendition: str, *, webp: bool) -> ServedImage:
        """Return the file of an image, where this shop serves its images itself.

        Raises NotFoundError, also where it does not; see ImageFiles.open.
        """
        if self._files is None:
            raise image_absent(public_id)
        return self._files.open(public_id, rendition, webp=webp)

    def complete(self, upload: str) -> tuple[Product, str]:
        """Append what arrived by a signed upload to its product, if that was not done before.

        Returns the product and what the image is called. Raises NotFoundError for no such upload,
        InvalidError where nothing arrived, or what is no image as it should be: that is deleted.
        Raises ConflictError as `add`.
        """
        slug, stored = self._storage.arrived(upload)
        product = self._change(slug, lambda images: _with(images, stored.public_id))
        return product, stored.public_id

    def prune(self) -> Iterator[bool]:
        """Delete the stored images that no product has; say of one after the other if it is gone.

        Some cannot be deleted now, since the store does not do it: they stay for another time.
        """
        return self._storage.prune()

    def _change(
        self,
        slug: str,
        to: Callable[[Sequence[Image]], tuple[Image, ...]],
        version: int | None = None,
    ) -> Product:
        """Replace the images of a product, and let those of ours go that it no longer has."""
        now, before = self._clock(), set[str]()

        def changed(product: Product) -> Product:
            require_version(version, product.version)
            before.update(product.own_images)
            images = to(product.images)
            if len(images) > IMAGES:
                raise _too_many(len(product.images))
            return ProductChanges(images=images).apply(product, now)

        product = self._products.change(known_slug(slug), changed)
        self._storage.let_go(before - product.own_images)
        return product


def _with(images: Sequence[Image], public_id: str) -> tuple[Image, ...]:
    has_it = any(image.ref == public_id for image in images)
    return tuple(images) if has_it else (*images, Image(public_id))


def _has_alt(given: object) -> bool:
    return isinstance(given, Mapping) and "alt" in given


def _words_of(files: Sequence[BinaryIO], alts: Sequence[str]) -> Sequence[str | None]:
    """Return the clean alt texts of some files, if there are as many of either as there may be."""
    alt = fields.listed("Alt texts", alt_text, len(files))
    given = {"file": tuple(files), "alt": tuple(alts)}
    words: Sequence[str | None] = fields.check(given, {"file": _FILES, "alt": alt})["alt"]
    return words


def _too_many(number: int) -> ConflictError:
    sentence = f"A product can have {IMAGES} images at most, and it has {number}"
    return ConflictError(sentence, field="images")


_FILES = fields.listed("Files", lambda file: file, FILES, least=1)
UPLOAD: Mapping[str, fields.Rule] = {"product": fields.slug("Product", 255)}
