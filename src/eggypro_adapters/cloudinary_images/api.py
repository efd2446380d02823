"""Client of Cloudinary's API: the SDK signs and sends requests and parses responses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from cloudinary import utils
from cloudinary.api_client.execute_request import execute_request

from eggypro_adapters.cloudinary_images.account import CloudinaryAccount, Timeouts
from eggypro_adapters.cloudinary_images.errors import translate_errors
from eggypro_adapters.cloudinary_images.transport import Transport
from eggypro_core.errors import EggyProError

ApiResponse = Mapping[str, Any]


@frozen
class CloudinaryApi:
    """Requests to Cloudinary on behalf of an account.

    All options are passed per request: the SDK's own configuration is global and read from the
    environment. `post` and `get` may raise UnavailableError or UpstreamError.
    """

    _account: CloudinaryAccount

    def post(
        self, action: str, params: Mapping[str, str], *, at: datetime, content: bytes | None = None
    ) -> ApiResponse:
        """Send a signed request, with a file if `content` is set, and return the response."""
        form: dict[str, Any] = dict(self.signed(params, at=at))
        if content is not None:
            form["file"] = ("file", content)  # the SDK sends such a pair unchanged
        url = self.url("image", action)
        return self._send("POST", url, auth={"anonymous": True}, params=form)

    def get(
        self, *path: str, timeouts: Timeouts | None = None, not_found: EggyProError | None = None
    ) -> ApiResponse:
        """Return the resource at a path. Raises `not_found` if it does not exist."""
        auth = {"key": self._account.api_key, "secret": self._account.api_secret}
        url = self.url(*path)
        return self._send("GET", url, auth=auth, timeouts=timeouts, not_found=not_found)

    def signed(self, params: Mapping[str, str], *, at: datetime) -> Mapping[str, str]:
        """Return the signed form of an upload, which anyone can send until an hour after `at`."""
        options = {
            "api_key": self._account.api_key,
            "api_secret": self._account.api_secret,
            "signature_algorithm": utils.SIGNATURE_SHA1,
            "signature_version": 2,
        }
        timestamp = str(int(at.timestamp()))
        form: dict[str, str] = utils.sign_request({**params, "timestamp": timestamp}, options)
        return form

    def url(self, *path: str) -> str:
        """Return the URL of a resource of the account."""
        account = self._account
        options = {"cloud_name": account.cloud_name, "upload_prefix": account.upload_prefix}
        return str(utils.base_api_url(list(path), **options))

    def _send(
        self,
        method: str,
        url: str,
        *,
        auth: Mapping[str, object],
        params: Mapping[str, object] | None = None,
        timeouts: Timeouts | None = None,
        not_found: EggyProError | None = None,
    ) -> ApiResponse:
        with translate_errors(self._account.api_key, self._account.api_secret, not_found=not_found):
            response: ApiResponse = execute_request(
                http_connector=Transport(),
                method=method,
                params=params or {},
                headers=None,
                auth=auth,
                api_url=url,
                timeout=timeouts or self._account.timeouts,
            )
        return response
