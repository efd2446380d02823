"""Questions to Cloudinary, put by its SDK: it signs them, sends them and reads the answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen
from cloudinary import utils
from cloudinary.api_client.execute_request import execute_request

from eggypro_adapters.cloudinary_images.account import Account, Timeouts
from eggypro_adapters.cloudinary_images.errors import translated
from eggypro_adapters.cloudinary_images.transport import Transport
from eggypro_core.errors import EggyProError

Answer = Mapping[str, Any]


@frozen
class Api:
    """What Cloudinary can be asked on behalf of an account.

    All options go with the call: the SDK's own configuration is the whole process's, and is read
    from the environment. Every method that asks may raise UnavailableError and UpstreamError.
    """

    _account: Account

    def post(
        self, action: str, params: Mapping[str, str], *, at: datetime, content: bytes | None = None
    ) -> Answer:
        """Send a signed order, with a file where one is given, and return what became of it."""
        form: dict[str, Any] = dict(self.signed(params, at=at))
        if content is not None:
            form["file"] = ("file", content)  # a pair with this name the SDK sends as it is
        url = self.address("image", action)
        return self._ask("POST", url, auth={"anonymous": True}, params=form)

    def get(
        self, *path: str, patience: Timeouts | None = None, absent: EggyProError | None = None
    ) -> Answer:
        """Return what is told of something, and raise `absent` where there is no such thing."""
        auth = {"key": self._account.api_key, "secret": self._account.api_secret}
        url = self.address(*path)
        return self._ask("GET", url, auth=auth, patience=patience, absent=absent)

    def signed(self, params: Mapping[str, str], *, at: datetime) -> Mapping[str, str]:
        """Return a form that Cloudinary takes from whoever sends it, until an hour after `at`."""
        options = {
            "api_key": self._account.api_key,
            "api_secret": self._account.api_secret,
            "signature_algorithm": utils.SIGNATURE_SHA1,
            "signature_version": 2,
        }
        timestamp = str(int(at.timestamp()))
        form: dict[str, str] = utils.sign_request({**params, "timestamp": timestamp}, options)
        return form

    def address(self, *path: str) -> str:
        """Return where something of the account is asked for."""
        account = self._account
        options = {"cloud_name": account.cloud_name, "upload_prefix": account.upload_prefix}
        return str(utils.base_api_url(list(path), **options))

    def _ask(
        self,
        method: str,
        url: str,
        *,
        auth: Mapping[str, object],
        params: Mapping[str, object] | None = None,
        patience: Timeouts | None = None,
        absent: EggyProError | None = None,
    ) -> Answer:
        with translated(self._account.api_key, self._account.api_secret, absent=absent):
            answer: Answer = execute_request(
                http_connector=Transport(),
                method=method,
                params=params or {},
                headers=None,
                auth=auth,
                api_url=url,
                timeout=patience or self._account.patience,
            )
        return answer
