"""The files of images, where the shop keeps them itself."""

import falcon

from eggypro_core.domain.image import ORIGINAL
from eggypro_core.shop import Shop
from eggypro_http.requests.multipart import received
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import NOTHING, Answer, takes
from eggypro_http.routing import Route

FOR_EVER = "public, max-age=31536000, immutable"


def show_image(shop: Shop, request: falcon.Request, image: tuple[str, str]) -> Answer:
    """Answer the file of an image, in the best format that the caller names."""
    require_no_parameters(request)
    public_id, rendition = image
    file = shop.images.open(public_id, rendition, webp=takes(request, "image/webp"))
    vary = {} if rendition == ORIGINAL else {"vary": "Accept"}
    return Answer(b"", {"etag": f'"{file.tag}"', **vary}, file)


def receive_image(shop: Shop, request: falcon.Request) -> Answer:
    """Store the file of a signed upload; what it is for is said when that is completed."""
    with received(request, fields=_SIGNED, files=1) as form:
        require_no_parameters(request)
        shop.images.receive(form.fields, form.files[0])
    return NOTHING


_SIGNED = ("public_id", "expires", "signature")

ROUTES = (
    Route(
        method="POST",
        path="/images/uploads",
        summary="Where a browser sends an upload that was begun, with its fields and one `file`",
        handler=receive_image,
        body="SignedUpload",
        success=204,
    ),
    Route(
        method="GET",
        path="/images/{image}",
        summary="A file of an image: its public id, a slash, and its original or a rendition",
        handler=show_image,
        media_type="image/*",
        cache_control=FOR_EVER,
    ),
)
