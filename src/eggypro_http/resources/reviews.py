"""Reviews over HTTP: reading and submitting them, and their moderation."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.access.rate_limiting import STANDARD, STRICT
from eggypro_core.caching.entries import product_tag
from eggypro_core.domain.pagination import PAGE_PARAMETERS
from eggypro_core.domain.review import ReviewQuery
from eggypro_core.serializers import PRODUCTS, REVIEWS, review_body, review_page_body
from eggypro_core.shop import Shop
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NOTHING, Answer, tagged
from eggypro_http.routing import Route


def list_reviews(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Answer a page of a product's verified reviews."""
    return _page(shop, ReviewQuery.parse_for_product(slug, parameters(request)))


def submit_review(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Take a review for moderation, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    review = shop.reviews.submit(slug, values)
    return Answer(orjson.dumps(review_body(review)), {"location": f"{REVIEWS}/{review.id}"})


def list_queue(shop: Shop, request: falcon.Request) -> Answer:
    """Answer a page of the moderators' queue."""
    return _page(shop, ReviewQuery.parse(parameters(request)))


def moderate_review(shop: Shop, request: falcon.Request, review: int) -> Answer:
    """Show a review, or take it back, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    return Answer(orjson.dumps(review_body(shop.reviews.moderate(review, values))))


def delete_review(shop: Shop, request: falcon.Request, review: int) -> Answer:
    """Delete a review for good. Repeated, it changes nothing."""
    require_no_parameters(request)
    shop.reviews.remove(review)
    return NOTHING


def _page(shop: Shop, query: ReviewQuery) -> Answer:
    return tagged(review_page_body(shop.reviews.page(query), query))


OF_PRODUCT = f"{PRODUCTS}/{{slug}}/reviews"
ONE = f"{REVIEWS}/{{review}}"

ROUTES = (
    Route(
        method="GET",
        path=OF_PRODUCT,
        summary="A page of a product's verified reviews",
        handler=list_reviews,
        parameters=PAGE_PARAMETERS,
        answer="ReviewPage",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="POST",
        path=OF_PRODUCT,
        summary="Submit a review of a product",
        handler=submit_review,
        limits=(STANDARD, STRICT),
        body="ReviewDraft",
        answer="Review",
        success=201,
    ),
    Route(
        method="GET",
        path=REVIEWS,
        summary="A page of the moderation queue",
        handler=list_queue,
        permission=Permission.REVIEWS_MODERATE,
        parameters=ReviewQuery.parameters,
        answer="ReviewPage",
    ),
    Route(
        method="PATCH",
        path=ONE,
        summary="Show a review, or take it back",
        handler=moderate_review,
        permission=Permission.REVIEWS_MODERATE,
        body="Moderation",
        answer="Review",
    ),
    Route(
        method="DELETE",
        path=ONE,
        summary="Delete a review for good",
        handler=delete_review,
        permission=Permission.REVIEWS_MODERATE,
        success=204,
    ),
)
