"""Review resource: list, submit, moderate and delete."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.access.rate_limiting import STANDARD, STRICT
from eggypro_core.caching.entries import product_tag
from eggypro_core.domain.pagination import PAGE_PARAMETERS
from eggypro_core.domain.review import ReviewQuery
from eggypro_core.serializers import PRODUCTS_PATH, REVIEWS_PATH, review_body, review_page_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NO_CONTENT, Response, with_etag
from eggypro_http.routing import Route


def list_product_reviews(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Return a page of a product's verified reviews."""
    return _page(shop, ReviewQuery.parse_for_product(slug, parameters(request)))


def submit_review(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Submit a review for moderation and return it."""
    values = json_object(request)
    require_no_parameters(request)
    review = shop.reviews.create(slug, values)
    return Response(orjson.dumps(review_body(review)), {"location": f"{REVIEWS_PATH}/{review.id}"})


def list_reviews(shop: Shop, request: falcon.Request) -> Response:
    """Return a page of the moderation queue."""
    return _page(shop, ReviewQuery.parse(parameters(request)))


def verify_review(shop: Shop, request: falcon.Request, review: int) -> Response:
    """Publish or hide a review and return it."""
    values = json_object(request)
    require_no_parameters(request)
    return Response(orjson.dumps(review_body(shop.reviews.verify(review, values))))


def delete_review(shop: Shop, request: falcon.Request, review: int) -> Response:
    """Delete a review permanently. Idempotent."""
    require_no_parameters(request)
    shop.reviews.delete(review)
    return NO_CONTENT


def _page(shop: Shop, query: ReviewQuery) -> Response:
    return with_etag(review_page_body(shop.reviews.list(query), query))


PRODUCT_REVIEWS_PATH = f"{PRODUCTS_PATH}/{{slug}}/reviews"
REVIEW_PATH = f"{REVIEWS_PATH}/{{review}}"

ROUTES = (
    Route(
        method="GET",
        path=PRODUCT_REVIEWS_PATH,
        summary="List a product's verified reviews",
        handler=list_product_reviews,
        parameters=PAGE_PARAMETERS,
        response_schema="ReviewPage",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="POST",
        path=PRODUCT_REVIEWS_PATH,
        summary="Submit a review (public, held for moderation)",
        handler=submit_review,
        limits=(STANDARD, STRICT),
        request_schema="ReviewDraft",
        response_schema="Review",
        success_status=201,
    ),
    Route(
        method="GET",
        path=REVIEWS_PATH,
        summary="List the moderation queue",
        handler=list_reviews,
        permission=Permission.REVIEWS_MODERATE,
        parameters=ReviewQuery.parameters,
        response_schema="ReviewPage",
    ),
    Route(
        method="PATCH",
        path=REVIEW_PATH,
        summary="Publish or hide a review",
        handler=verify_review,
        permission=Permission.REVIEWS_MODERATE,
        request_schema="ReviewModeration",
        response_schema="Review",
    ),
    Route(
        method="DELETE",
        path=REVIEW_PATH,
        summary="Delete a review permanently",
        handler=delete_review,
        permission=Permission.REVIEWS_MODERATE,
        success_status=204,
    ),
)
