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
    image_not_found,
)
from eggypro_core.domain.product import MAX_IMAGES, Image, Product
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_fields import alt_text, image_list
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.ports import Clock, ImageServer, ProductStore
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.products import require_slug, require_version
from eggypro_core.validation import fields

MAX_UPLOAD_FILES = 10
"""How many files one upload may bring."""


@frozen
class ProductImageService:
    """The images of the products of a shop.

    Every method may raise UnavailableError, and those that need the image store UpstreamError.
    Those that name a product raise NotFoundError and SlugMovedError, and VersionConflictError
    where it is not at the `version` that is given; then nothing was changed. Each change is a
    version of the product.
    """

    _products: ProductStore
    _uploads: ImageUploads
    _clock: Clock
    _server: ImageServer | None = None

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return where an image of ours is, made into something; without it, as it was uploaded."""
        return self._uploads.url(public_id, transformation)

    def upload(
        self,
        slug: str,
        files: Sequence[BinaryIO],
        *,
        alts: Sequence[str] = (),
        version: int | None = None,
    ) -> Product:
        """Store 1 to FILES images, append them to a product in their order, and return it.

        All or none. The first of them get the `alts`. Raises ValidationError and TooLargeError for
        files that are no images as they should be, before it looks for the product, and
        ConflictError where there would be too many.
        """
        words = _parse_alt_texts(files, alts)
        with self._uploads.upload(files) as stored:
            pairs = zip_longest(stored, words)
            new = tuple(Image(one.public_id, alt) for one, alt in pairs)
            return self._update_images(slug, lambda images: (*images, *new), version)

    def set_images(
        self, slug: str, values: Mapping[str, object], *, version: int | None = None
    ) -> Product:
        """Set which images a product has, in which order and with which words; return it.

        `values` have one list, `images`: of our own images by id or address, and others by https
        address, each maybe as a map of `ref` and `alt`. Without `alt`, it stays. Own images that
        are left out are deleted, unless another product has them. Raises ValidationError.
        """
        order = {"images": image_list(self.url)}
        wanted = fields.check(values, order, required=order)["images"]
        given: Sequence[object] = values["images"]  # type: ignore[assignment]  # checked above

        def to(images: Sequence[Image]) -> tuple[Image, ...]:
            alts = {image.ref: image.alt for image in images}
            pairs = zip(given, wanted, strict=True)
            return tuple(
                image if _has_alt(one) else evolve(image, alt=alts.get(image.ref))
                for one, image in pairs
            )

        return self._update_images(slug, to, version)

    def delete(self, slug: str, public_id: str, *, version: int | None = None) -> Product:
        """Take an image from a product and delete it; one that it does not have needs nothing.

        Another product that has it too keeps it.
        """
        return self._update_images(
            slug, lambda images: tuple(one for one in images if one.ref != public_id), version
        )

    def sign_upload(self, values: Mapping[str, object]) -> tuple[str, SignedUpload]:
        """Return an upload for a browser to make, to `complete` then, and its id.

        `values` name the `product` by its slug. Raises ValidationError.
        """
        slug = fields.check(values, UPLOAD_FIELDS, required=UPLOAD_FIELDS)["product"]
        return self._uploads.sign_upload(require_slug(slug))

    def receive_upload(self, fields: Mapping[str, str], file: BinaryIO) -> StoredImage:
        """Store the file of a signed upload, where this shop serves its images itself.

        Raises NotFoundError where it does not, and what ImageServer.receive does.
        """
        if self._server is None:
            raise NotFoundError("Images are not uploaded here", kind="image")
        return self._server.receive_upload(fields, file, self._clock())

    def open(self, public_id: str, rendition: str, *, webp: bool) -> ServedImage:
        """Return the file of an image, where this shop serves its images itself.

        Raises NotFoundError, also where it does not; see ImageServer.open.
        """
        if self._server is None:
            raise image_not_found(public_id)
        return self._server.open(public_id, rendition, accepts_webp=webp)

    def complete_upload(self, upload_id: str) -> tuple[Product, str]:
        """Append what arrived by a signed upload to its product, if that was not done before.

        Returns the product and what the image is called. Raises NotFoundError for no such upload,
        ValidationError where nothing arrived, or what is no image as it should be: that is deleted.
        Raises ConflictError as `add`.
        """
        slug, stored = self._uploads.confirm_upload(upload_id)
        product = self._update_images(slug, lambda images: _with_image(images, stored.public_id))
        return product, stored.public_id

    def prune(self) -> Iterator[bool]:
        """Delete the stored images that no product has; say of one after the other if it is gone.

        Some cannot be deleted now, since the store does not do it: they stay for another time.
        """
        return self._uploads.prune()

    def _update_images(
        self,
        slug: str,
        change: Callable[[Sequence[Image]], tuple[Image, ...]],
        version: int | None = None,
    ) -> Product:
        """Replace the images of a product, and let those of ours go that it no longer has."""
        now, before = self._clock(), set[str]()

        def changed(product: Product) -> Product:
            require_version(version, product.version)
            before.update(product.own_image_ids)
            images = change(product.images)
            if len(images) > MAX_IMAGES:
                raise _too_many_images(len(product.images))
            return ProductChanges(images=images).apply_to(product, now)

        product = self._products.update(require_slug(slug), changed)
        self._uploads.delete_unused(before - product.own_image_ids)
        return product


def _with_image(images: Sequence[Image], public_id: str) -> tuple[Image, ...]:
    has_it = any(image.ref == public_id for image in images)
    return tuple(images) if has_it else (*images, Image(public_id))


def _has_alt(given: object) -> bool:
    return isinstance(given, Mapping) and "alt" in given


def _parse_alt_texts(files: Sequence[BinaryIO], alts: Sequence[str]) -> Sequence[str | None]:
    """Return the clean alt texts of some files, if there are as many of either as there may be."""
    alt = fields.list_of("Alt texts", alt_text, len(files))
    given = {"file": tuple(files), "alt": tuple(alts)}
    words: Sequence[str | None] = fields.check(given, {"file": _FILE_LIST, "alt": alt})["alt"]
    return words


def _too_many_images(number: int) -> ConflictError:
    sentence = f"A product can have {MAX_IMAGES} images at most, and it has {number}"
    return ConflictError(sentence, field="images")


_FILE_LIST = fields.list_of("Files", lambda file: file, MAX_UPLOAD_FILES, minimum=1)
UPLOAD_FIELDS: Mapping[str, fields.Validator] = {"product": fields.slug("Product", 255)}
