"""The upkeep of the shop, for the schedule of a platform: it knows CRON_SECRET, and sends GET."""

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
"""How long a job goes on: a platform may end a request after thirty."""


def run_maintenance(shop: Shop, request: falcon.Request, job: str) -> Response:
    """Do a job, or a part of it: what is left is for the next time."""
    require_no_parameters(request)
    if job not in {*MaintenanceJob}:
        raise NotFoundError(f"There is no job {job}")
    end = monotonic() + TIME_LIMIT_SECONDS
    upkept = run_maintenance_job(shop, MaintenanceJob(job), lambda: monotonic() < end)
    return Response(orjson.dumps(job_result_body(upkept)))


ROUTES = (
    Route(
        method="GET",
        path="/api/cron/{job}",
        summary="Remove what nobody needs: images, old calls, or idempotency keys",
        handler=run_maintenance,
        permission=Credential.CRON,
        response_schema="MaintenanceResult",
        cache_control=NO_STORE,
    ),
)
