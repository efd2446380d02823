"""The upkeep of the shop, for the schedule of a platform: it knows CRON_SECRET, and sends GET."""

from time import monotonic

import falcon
import orjson

from eggypro_core.access.authentication import Credential
from eggypro_core.errors import NotFoundError
from eggypro_core.maintenance import Job, keep_up
from eggypro_core.serializers import upkept_body
from eggypro_core.shop import Shop
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Answer
from eggypro_http.routing import Route

SECONDS = 20
"""How long a job goes on: a platform may end a request after thirty."""


def run_job(shop: Shop, request: falcon.Request, job: str) -> Answer:
    """Do a job, or a part of it: what is left is for the next time."""
    require_no_parameters(request)
    if job not in {*Job}:
        raise NotFoundError(f"There is no job {job}")
    end = monotonic() + SECONDS
    upkept = keep_up(shop, Job(job), lambda: monotonic() < end)
    return Answer(orjson.dumps(upkept_body(upkept)))


ROUTES = (
    Route(
        method="GET",
        path="/api/cron/{job}",
        summary="Remove what nobody needs: images, old calls, or idempotency keys",
        handler=run_job,
        permission=Credential.CRON,
        answer="Upkept",
        cache_control=NO_STORE,
    ),
)
