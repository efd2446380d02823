"""Event resource: the history of the catalogue, the feed of its events, and their batches."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.domain.event_query import (
    BATCH_PARAMETERS,
    EVENT_PARAMETERS,
    BatchQuery,
    EventQuery,
)
from eggypro_core.domain.pagination import Parameters
from eggypro_core.serializers import (
    BATCHES_PATH,
    EVENTS_PATH,
    batch_body,
    batch_page_body,
    event_page_body,
    undo_report_body,
)
from eggypro_core.services.undo import MAX_SUBJECTS
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import boolean_param
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route


def list_events(shop: Shop, request: falcon.Request) -> Response:
    """Return a page of events."""
    page = shop.events.list(EventQuery.parse(parameters(request)))
    return Response(orjson.dumps(event_page_body(page)))


def list_batches(shop: Shop, request: falcon.Request) -> Response:
    """Return batches, newest first."""
    query = BatchQuery.parse(parameters(request))
    return Response(orjson.dumps(batch_page_body(shop.events.list_batches(query), query)))


def get_batch(shop: Shop, request: falcon.Request, batch: int) -> Response:
    """Return a batch."""
    require_no_parameters(request)
    return Response(orjson.dumps(batch_body(shop.events.get_batch(batch))))


def undo_batch(shop: Shop, request: falcon.Request, batch: int) -> Response:
    """Undo a batch, and return what is kept."""
    params = fields.check(parameters(request), UNDO_PARAMETERS)
    dry_run = params.get("dry_run", False)
    report = shop.events.undo(batch, dry_run=dry_run, max_subjects=MAX_SUBJECTS)
    return Response(orjson.dumps(undo_report_body(report)))


UNDO_PARAMETERS: Parameters = {"dry_run": boolean_param("Dry run")}
BATCH_PATH = f"{BATCHES_PATH}/{{batch}}"

ROUTES = (
    Route(
        method="GET",
        path=EVENTS_PATH,
        summary="List events: the history of the catalogue, or the feed after a cursor",
        handler=list_events,
        permission=Permission.EVENTS_READ,
        parameters=EVENT_PARAMETERS,
        response_schema="EventPage",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path=BATCHES_PATH,
        summary="List the batches of events, newest first",
        handler=list_batches,
        permission=Permission.PRODUCTS_WRITE,
        parameters=BATCH_PARAMETERS,
        response_schema="BatchPage",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path=BATCH_PATH,
        summary="Get a batch of events",
        handler=get_batch,
        permission=Permission.PRODUCTS_WRITE,
        response_schema="Batch",
        cache_control=NO_STORE,
    ),
    Route(
        method="POST",
        path=f"{BATCH_PATH}/undo",
        summary="Undo an import or a bulk update",
        handler=undo_batch,
        permission=Permission.PRODUCTS_WRITE,
        parameters=UNDO_PARAMETERS,
        response_schema="UndoReport",
    ),
)
