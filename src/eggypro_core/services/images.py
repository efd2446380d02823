"""ProductImageService: upload, order, describe and delete the images of products."""

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
from eggypro_core.domain.product_fields import ALT_TEXT, images_validator
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.ports import Clock, ImageServer, ProductStore
from eggypro_core.services.image_uploads import ImageUploads
from eggypro_core.services.products import ExpectedVersion, require_slug, require_version
from eggypro_core.validation import fields

MAX_UPLOAD_FILES = 10
"""Maximum number of files per upload."""


@frozen
class ProductImageService:
    """Manage the images of the products of a shop.

    Every method may raise UnavailableError; those that use the image store, UpstreamError. Methods
    with a product slug raise NotFoundError and SlugMovedError, and VersionConflictError unless the
    product is at `version`; nothing is stored then. Each change creates a version of the product.
    """

    _products: ProductStore
    _uploads: ImageUploads
    _clock: Clock
    _server: ImageServer | None = None

    def url(self, public_id: str, transformation: Transformation | None = None) -> str:
        """Return the URL of a stored image with `transformation`, or of the original without."""
        return self._uploads.url(public_id, transformation)

    def upload(
        self,
        slug: str,
        files: Sequence[BinaryIO],
        *,
        alts: Sequence[str] = (),
        version: ExpectedVersion = None,
    ) -> Product:
        """Upload 1 to MAX_UPLOAD_FILES images, append them to a product and return it.

        All or none. `alts` are the alt texts of the first images. Raises ValidationError and
        TooLargeError for invalid files, before looking up the product, and ConflictError if the
        product would have too many images.
        """
        alt_texts = _parse_alt_texts(files, alts)
        with self._uploads.upload(files) as stored_images:
            pairs = zip_longest(stored_images, alt_texts)
            new = tuple(Image(stored.public_id, alt) for stored, alt in pairs)
            return self._update_images(slug, lambda images: (*images, *new), version)

    def set_images(
        self, slug: str, values: Mapping[str, object], *, version: ExpectedVersion = None
    ) -> Product:
        """Set the images of a product, their order and alt texts; return the product.

        `values` has the list `images`: stored images by id or URL and external ones by https URL,
        each optionally a map of `ref` and `alt`. Without `alt`, the alt text stays. Omitted stored
        images are deleted, unless another product has them. Raises ValidationError.
        """
        validators = {"images": images_validator(self.url)}
        new_images = fields.check(values, validators, required=validators)["images"]
        items: Sequence[object] = values["images"]  # type: ignore[assignment]  # checked above

        def reorder(images: Sequence[Image]) -> tuple[Image, ...]:
            alts = {image.ref: image.alt for image in images}
            pairs = zip(items, new_images, strict=True)
            return tuple(
                image if _has_alt(item) else evolve(image, alt=alts.get(image.ref))
                for item, image in pairs
            )

        return self._update_images(slug, reorder, version)

    def delete(self, slug: str, public_id: str, *, version: ExpectedVersion = None) -> Product:
        """Remove an image from a product and delete it. Idempotent.

        An image that another product has is not deleted from the store.
        """
        return self._update_images(
            slug, lambda images: tuple(image for image in images if image.ref != public_id), version
        )

    def sign_upload(self, values: Mapping[str, object]) -> tuple[str, SignedUpload]:
        """Return a signed browser upload and its id, for `complete_upload` afterwards.

        `values` has the slug `product`. Raises ValidationError.
        """
        slug = fields.check(values, UPLOAD_VALIDATORS, required=UPLOAD_VALIDATORS)["product"]
        return self._uploads.sign_upload(require_slug(slug))

    def receive_upload(self, fields: Mapping[str, str], file: BinaryIO) -> StoredImage:
        """Store the file of a signed upload, if this shop serves its images itself.

        Raises NotFoundError if it does not, and the errors of ImageServer.receive_upload.
        """
        if self._server is None:
            raise NotFoundError("This shop does not receive image uploads itself", kind="image")
        return self._server.receive_upload(fields, file, self._clock())

    def open(self, public_id: str, rendition: str, *, webp: bool) -> ServedImage:
        """Return the file of an image, if this shop serves its images itself.

        Raises NotFoundError, also if it does not; see ImageServer.open.
        """
        if self._server is None:
            raise image_not_found(public_id)
        return self._server.open(public_id, rendition, accepts_webp=webp)

    def complete_upload(self, upload_id: str) -> tuple[Product, str]:
        """Append the image of a signed upload to its product. Idempotent.

        Returns the product and the public id of the image. Raises NotFoundError for an unknown
        upload, ValidationError if no file has been uploaded, or an invalid one, which is deleted,
        and ConflictError like `upload`.
        """
        slug, image = self._uploads.confirm_upload(upload_id)
        product = self._update_images(slug, lambda images: _with_image(images, image.public_id))
        return product, image.public_id

    def prune(self) -> Iterator[bool]:
        """Delete unused images; yield for each whether the store has deleted it.

        The next call retries failed deletions.
        """
        return self._uploads.prune()

    def _update_images(
        self,
        slug: str,
        change: Callable[[Sequence[Image]], tuple[Image, ...]],
        version: ExpectedVersion = None,
    ) -> Product:
        """Replace the images of a product and delete the stored ones that it no longer has."""
        now, before = self._clock(), set[str]()

        def change_product(product: Product) -> Product:
            require_version(version, product.version)
            before.update(product.own_image_ids)
            images = change(product.images)
            if len(images) > MAX_IMAGES:
                raise _too_many_images(len(product.images))
            return ProductChanges(images=images).apply_to(product, now)

        product = self._products.update(require_slug(slug), change_product)
        self._uploads.delete_unused(before - product.own_image_ids)
        return product


def _with_image(images: Sequence[Image], public_id: str) -> tuple[Image, ...]:
    if any(image.ref == public_id for image in images):
        return tuple(images)
    return (*images, Image(public_id))


def _has_alt(item: object) -> bool:
    return isinstance(item, Mapping) and "alt" in item


def _parse_alt_texts(files: Sequence[BinaryIO], alts: Sequence[str]) -> Sequence[str | None]:
    """Return the validated alt texts. Raises ValidationError for too many texts or files."""
    alt = fields.list_of("Alt texts", ALT_TEXT, len(files))
    values = {"file": tuple(files), "alt": tuple(alts)}
    texts: Sequence[str | None] = fields.check(values, {"file": _FILE_LIST, "alt": alt})["alt"]
    return texts


def _too_many_images(number: int) -> ConflictError:
    message = f"A product can have at most {MAX_IMAGES} images, and it has {number}"
    return ConflictError(message, field="images", code="limit-reached")


_FILE_LIST = fields.list_of("Files", lambda file: file, MAX_UPLOAD_FILES, minimum=1)
UPLOAD_VALIDATORS: Mapping[str, fields.Validator] = {"product": fields.slug("Product", 255)}
