"""The images of a product over HTTP: uploads, through us or by the browser, order, removal."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.domain.product import Product
from eggypro_core.serializers import (
    PRODUCTS_PATH,
    UPLOADS_PATH,
    Json,
    image_set_bodies,
    image_urls,
    upload_body,
)
from eggypro_core.services.images import MAX_UPLOAD_FILES
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.multipart import read_multipart
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import NO_CONTENT, Response, if_match_version, with_etag
from eggypro_http.routing import Route


def upload_product_images(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Append images to a product, and answer their sets."""
    with read_multipart(request, files=MAX_UPLOAD_FILES) as form:
        require_no_parameters(request)
        product = shop.images.upload(slug, form.files, version=if_match_version(request))
    new = _image_sets(shop, product)[-len(form.files) :]
    answer = with_etag({"items": new}, version=product.version)
    return Response(answer.body, {**answer.headers, "location": f"{PRODUCTS_PATH}/{product.slug}"})


def set_product_images(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Set which images a product has, in which order and with which words; answer all of them."""
    values = json_object(request)
    require_no_parameters(request)
    product = shop.images.set_images(slug, values, version=if_match_version(request))
    addresses = image_urls(product, shop.images.url)
    body: dict[str, Json] = {"images": addresses, "image_sets": _image_sets(shop, product)}
    return with_etag(body, version=product.version)


def delete_product_image(
    shop: Shop, request: falcon.Request, slug: str, public_id: str
) -> Response:
    """Take an image from a product, and delete it. Repeated, it changes nothing."""
    require_no_parameters(request)
    shop.images.delete(slug, public_id, version=if_match_version(request))
    return NO_CONTENT


def create_image_upload(shop: Shop, request: falcon.Request) -> Response:
    """Answer what a browser needs to upload an image by itself."""
    values = json_object(request)
    require_no_parameters(request)
    upload, signed = shop.images.sign_upload(values)
    body = orjson.dumps(upload_body(upload, signed))
    return Response(body, {"location": f"{UPLOADS_PATH}/{upload}/complete"})


def complete_image_upload(shop: Shop, request: falcon.Request, upload: str) -> Response:
    """Append what a browser has uploaded to its product, and answer the image's set."""
    require_no_parameters(request)
    product, public_id = shop.images.complete_upload(upload)
    found = (one for one in _image_sets(shop, product) if one["public_id"] == public_id)
    return with_etag(next(found), version=product.version)


def _image_sets(shop: Shop, product: Product) -> list[dict[str, Json]]:
    return image_set_bodies(product, shop.images.url)


PRODUCT_IMAGES_PATH = f"{PRODUCTS_PATH}/{{slug}}/images"

ROUTES = (
    Route(
        method="POST",
        path=PRODUCT_IMAGES_PATH,
        summary="Upload images of a product: 1-10 parts called `file`, all or none",
        handler=upload_product_images,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ImageUploadForm",
        response_schema="ImageSets",
        success_status=201,
    ),
    Route(
        method="PUT",
        path=PRODUCT_IMAGES_PATH,
        summary="Order and describe the images of a product; those left out are deleted",
        handler=set_product_images,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ProductImagesRequest",
        response_schema="ProductImages",
    ),
    Route(
        method="DELETE",
        path=f"{PRODUCT_IMAGES_PATH}/{{public_id}}",
        summary="Delete an image of a product",
        handler=delete_product_image,
        permission=Permission.PRODUCTS_WRITE,
        success_status=204,
    ),
    Route(
        method="POST",
        path=UPLOADS_PATH,
        summary="Begin an upload that a browser makes by itself",
        handler=create_image_upload,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ImageUploadRequest",
        response_schema="ImageUpload",
        success_status=201,
    ),
    Route(
        method="POST",
        path=f"{UPLOADS_PATH}/{{upload}}/complete",
        summary="Check what a browser has uploaded, and append it to its product",
        handler=complete_image_upload,
        permission=Permission.PRODUCTS_WRITE,
        response_schema="ImageSet",
    ),
)
