"""Product image resource: uploads (direct or signed for browsers), order and deletion."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.domain.product import Product
from eggypro_core.serializers import (
    PRODUCTS_PATH,
    UPLOADS_PATH,
    Json,
    ProductSerializer,
    upload_body,
)
from eggypro_core.services.images import MAX_UPLOAD_FILES
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.multipart import read_multipart
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import NO_CONTENT, Response, if_match_versions, with_etag
from eggypro_http.routing import Route


def upload_product_images(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Append images to a product and return their image sets."""
    with read_multipart(request, files=MAX_UPLOAD_FILES) as form:
        require_no_parameters(request)
        product = shop.images.upload(slug, form.files, version=if_match_versions(request))
    new = _image_sets(shop, product)[-len(form.files) :]
    response = with_etag({"items": new}, version=product.version)
    return Response(
        response.body, {**response.headers, "location": f"{PRODUCTS_PATH}/{product.slug}"}
    )


def set_product_images(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Replace the list of a product's images, their order and alt texts; return all of them."""
    values = json_object(request)
    require_no_parameters(request)
    product = shop.images.set_images(slug, values, version=if_match_versions(request))
    urls = ProductSerializer.of(shop).image_urls(product)
    body: dict[str, Json] = {"images": urls, "image_sets": _image_sets(shop, product)}
    return with_etag(body, version=product.version)


def delete_product_image(
    shop: Shop, request: falcon.Request, slug: str, public_id: str
) -> Response:
    """Remove an image from a product and delete it. Idempotent."""
    require_no_parameters(request)
    shop.images.delete(slug, public_id, version=if_match_versions(request))
    return NO_CONTENT


def create_image_upload(shop: Shop, request: falcon.Request) -> Response:
    """Return a signed upload with which a browser can send an image directly."""
    values = json_object(request)
    require_no_parameters(request)
    upload, signed = shop.images.sign_upload(values)
    body = orjson.dumps(upload_body(upload, signed))
    return Response(body, {"location": f"{UPLOADS_PATH}/{upload}/complete"})


def complete_image_upload(shop: Shop, request: falcon.Request, upload: str) -> Response:
    """Append the image of a completed upload to its product and return its image set."""
    require_no_parameters(request)
    product, public_id = shop.images.complete_upload(upload)
    image_sets = _image_sets(shop, product)
    image_set = next(item for item in image_sets if item["public_id"] == public_id)
    return with_etag(image_set, version=product.version)


def _image_sets(shop: Shop, product: Product) -> list[dict[str, Json]]:
    return ProductSerializer.of(shop).image_sets(product)


PRODUCT_IMAGES_PATH = f"{PRODUCTS_PATH}/{{slug}}/images"

ROUTES = (
    Route(
        method="POST",
        path=PRODUCT_IMAGES_PATH,
        summary="Upload 1-10 images of a product, all or none",
        handler=upload_product_images,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ImageUploadForm",
        response_schema="ImageSets",
        success_status=201,
    ),
    Route(
        method="PUT",
        path=PRODUCT_IMAGES_PATH,
        summary="Set the order and alt texts of a product's images; images left out are deleted",
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
        summary="Create a signed upload for a browser",
        handler=create_image_upload,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ImageUploadRequest",
        response_schema="ImageUpload",
        success_status=201,
    ),
    Route(
        method="POST",
        path=f"{UPLOADS_PATH}/{{upload}}/complete",
        summary="Complete an upload: verify the image and append it to the product",
        handler=complete_image_upload,
        permission=Permission.PRODUCTS_WRITE,
        response_schema="ImageSet",
    ),
)
