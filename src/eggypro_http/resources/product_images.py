"""The images of a product over HTTP: uploads, through us or by the browser, order, removal."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.domain.product import Product
from eggypro_core.serializers import (
    PRODUCTS,
    UPLOADS,
    Json,
    image_addresses,
    image_set_bodies,
    upload_body,
)
from eggypro_core.services.images import FILES
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.multipart import received
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import NOTHING, Answer, tagged, version_named
from eggypro_http.routing import Route


def add_images(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Append images to a product, and answer their sets."""
    with received(request, files=FILES) as form:
        require_no_parameters(request)
        product = shop.images.add(slug, form.files, version=version_named(request))
    new = _sets(shop, product)[-len(form.files) :]
    answer = tagged({"items": new}, version=product.version)
    return Answer(answer.body, {**answer.headers, "location": f"{PRODUCTS}/{product.slug}"})


def arrange_images(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Set which images a product has, in which order and with which words; answer all of them."""
    values = json_object(request)
    require_no_parameters(request)
    product = shop.images.arrange(slug, values, version=version_named(request))
    addresses = image_addresses(product, shop.images.address)
    body: dict[str, Json] = {"images": addresses, "image_sets": _sets(shop, product)}
    return tagged(body, version=product.version)


def delete_image(shop: Shop, request: falcon.Request, slug: str, public_id: str) -> Answer:
    """Take an image from a product, and delete it. Repeated, it changes nothing."""
    require_no_parameters(request)
    shop.images.remove(slug, public_id, version=version_named(request))
    return NOTHING


def begin_upload(shop: Shop, request: falcon.Request) -> Answer:
    """Answer what a browser needs to upload an image by itself."""
    values = json_object(request)
    require_no_parameters(request)
    upload, signed = shop.images.sign(values)
    body = orjson.dumps(upload_body(upload, signed))
    return Answer(body, {"location": f"{UPLOADS}/{upload}/complete"})


def complete_upload(shop: Shop, request: falcon.Request, upload: str) -> Answer:
    """Append what a browser has uploaded to its product, and answer the image's set."""
    require_no_parameters(request)
    product, public_id = shop.images.complete(upload)
    found = (one for one in _sets(shop, product) if one["public_id"] == public_id)
    return tagged(next(found), version=product.version)


def _sets(shop: Shop, product: Product) -> list[dict[str, Json]]:
    return image_set_bodies(product, shop.images.address)


MANY = f"{PRODUCTS}/{{slug}}/images"

ROUTES = (
    Route(
        method="POST",
        path=MANY,
        summary="Upload images of a product: 1-10 parts called `file`, all or none",
        handler=add_images,
        permission=Permission.PRODUCTS_WRITE,
        body="ImageFiles",
        answer="ImageSets",
        success=201,
    ),
    Route(
        method="PUT",
        path=MANY,
        summary="Order and describe the images of a product; those left out are deleted",
        handler=arrange_images,
        permission=Permission.PRODUCTS_WRITE,
        body="ImageOrder",
        answer="ProductImages",
    ),
    Route(
        method="DELETE",
        path=f"{MANY}/{{public_id}}",
        summary="Delete an image of a product",
        handler=delete_image,
        permission=Permission.PRODUCTS_WRITE,
        success=204,
    ),
    Route(
        method="POST",
        path=UPLOADS,
        summary="Begin an upload that a browser makes by itself",
        handler=begin_upload,
        permission=Permission.PRODUCTS_WRITE,
        body="UploadDraft",
        answer="Upload",
        success=201,
    ),
    Route(
        method="POST",
        path=f"{UPLOADS}/{{upload}}/complete",
        summary="Check what a browser has uploaded, and append it to its product",
        handler=complete_upload,
        permission=Permission.PRODUCTS_WRITE,
        answer="ImageSet",
    ),
)
