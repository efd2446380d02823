"""Image file resource, for shops that store images themselves."""

import falcon

from eggypro_core.domain.image import ORIGINAL
from eggypro_core.shop import Shop
from eggypro_http.requests.multipart import read_multipart
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import NO_CONTENT, Response, accepts
from eggypro_http.routing import Route

IMMUTABLE_CACHE_CONTROL = "public, max-age=31536000, immutable"


def get_image(shop: Shop, request: falcon.Request, image: tuple[str, str]) -> Response:
    """Return an image file, as WebP if the client accepts it."""
    require_no_parameters(request)
    public_id, rendition = image
    file = shop.images.open(public_id, rendition, webp=accepts(request, "image/webp"))
    vary = {} if rendition == ORIGINAL else {"vary": "Accept"}
    return Response(b"", {"etag": f'"{file.etag}"', **vary}, file)


def upload_image(shop: Shop, request: falcon.Request) -> Response:
    """Store the file of a signed upload. It joins its product when the upload is completed."""
    with read_multipart(request, fields=_SIGNED_FIELDS, files=1) as form:
        require_no_parameters(request)
        shop.images.receive_upload(form.fields, form.files[0])
    return NO_CONTENT


_SIGNED_FIELDS = ("public_id", "expires", "signature")

ROUTES = (
    Route(
        method="POST",
        path="/images/uploads",
        summary="Send the file of a signed upload: its `fields` and one `file`",
        handler=upload_image,
        request_schema="SignedUpload",
        success_status=204,
        is_idempotent=False,
    ),
    Route(
        method="GET",
        path="/images/{image}",
        summary="Get an image file: the original or a rendition",
        handler=get_image,
        media_type="image/*",
        cache_control=IMMUTABLE_CACHE_CONTROL,
    ),
)
