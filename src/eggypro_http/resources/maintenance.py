"""Maintenance resource, for platform schedulers that send GET with CRON_SECRET."""

from time import monotonic

import falcon
import orjson

from eggypro_core.access.authentication import Credential
from eggypro_core.errors import NotFoundError
from eggypro_core.maintenance import MaintenanceJob, run_maintenance_job
from eggypro_core.serializers import job_result_body
from eggypro_core.shop import Shop
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route

TIME_LIMIT_SECONDS = 20
"""The duration after which a job stops: platforms may abort a request after 30 seconds."""


def run_maintenance(shop: Shop, request: falcon.Request, job: str) -> Response:
    """Run a maintenance job within the time limit; the next run continues where it stopped."""
    require_no_parameters(request)
    if job not in {*MaintenanceJob}:
        raise NotFoundError(f"Maintenance job '{job}' does not exist")
    deadline = monotonic() + TIME_LIMIT_SECONDS
    result = run_maintenance_job(shop, MaintenanceJob(job), lambda: monotonic() < deadline)
    return Response(orjson.dumps(job_result_body(result)))


ROUTES = (
    Route(
        method="GET",
        path="/api/cron/{job}",
        summary="Run a maintenance job (orphaned images, old metrics, expired idempotency keys)",
        handler=run_maintenance,
        permission=Credential.CRON,
        response_schema="MaintenanceResult",
        cache_control=NO_STORE,
    ),
)
