import http.client
import itertools
import logging
import ssl
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import urlsplit

import cloudinary
import pytest
import urllib3
from attrs import evolve

from eggypro_adapters.cloudinary_images import CloudinaryAccount, CloudinaryImageStore
from eggypro_adapters.cloudinary_images.account import Timeouts
from eggypro_adapters.cloudinary_images.transport import Transport, tls_context
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.image_store import EGG, ImageStoreContract
from eggypro_adapters.contracts.sample_images import (
    ORIENTATION,
    corner_colours,
    make_image,
    make_image_with_metadata,
    open_upright,
)
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.domain.image import SignedUpload, StoredImage
from eggypro_core.errors import (
    EggyProError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from tests.support import cloudinary_server as fake
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    CloudinaryServer,
    Fault,
    Reply,
    reply_with,
)

SHORT_TIMEOUTS = Timeouts(connect=60, read=0.3, total=0.6)
LONG_TIMEOUTS = Timeouts(connect=60, read=60, total=60)
Action = Callable[[CloudinaryImageStore], object]

ACTIONS: dict[str, Action] = {
    "upload": lambda store: store.upload(make_image(), public_id="egg"),
    "get": lambda store: store.get(EGG),
    "delete": lambda store: store.delete(EGG),
    "check": lambda store: store.check(),
}
FAILURES: dict[str, Fault] = {
    "HTML": reply_with(Reply.html(500)),
    "a 5xx without an error": reply_with(Reply.of({"message": "noerr"}, 500)),
    "a 5xx with a valid body": reply_with(
        Reply.of({"status": "ok", "result": "ok", "public_id": EGG}, 500)
    ),
    "HTML for a 4xx": reply_with(Reply.html(413)),
    "an empty object": reply_with(Reply.of({})),
    "null": reply_with(Reply.of(None)),
    "a list": reply_with(Reply.of([])),
    "an error that is a string": reply_with(Reply.of({"error": "str"}, 400)),
    "a 4xx without an error": reply_with(Reply.of({"message": "noerr"}, 400)),
    "an empty body": reply_with(Reply(b"", 200)),
    "no content": reply_with(Reply(b"", 204)),
    "a too large body": reply_with(Reply(b'{"a": "' + b"a" * 2_000_000 + b'"}')),
    "an invalid key": reply_with(Reply.of({"error": {"message": "Invalid api_key"}}, 401)),
    "a forbidden resource": reply_with(Reply.of({"error": {"message": "Not allowed"}}, 403)),
    "a redirect": reply_with(Reply.of({}, 302, Location="/v1_1/elsewhere")),
    "a permanent redirect": reply_with(Reply.of({}, 307, Location="/v1_1/elsewhere")),
}
RATE_LIMIT = {"error": {"message": "Rate Limit Exceeded. Limit of 500 api operations reached."}}
OUTAGES: dict[str, Fault] = {
    "a rate limit (420)": reply_with(Reply.of(RATE_LIMIT, 420)),
    "a rate limit (429)": reply_with(Reply.of(RATE_LIMIT, 429, Retry_After="3")),
    "a locked resource": reply_with(Reply.of({"error": {"message": "Locked"}}, 423)),
    "a bad gateway": reply_with(Reply.html(502)),
    "an outage": reply_with(Reply.of({"error": {"message": "Down"}}, 503, Retry_After="3")),
    "a gateway timeout": reply_with(Reply.html(504)),
    "no response": fake.hang,
    "a slow response": fake.drip,
    "a connection reset": fake.reset_connection,
    "a lost response": fake.drop_reply,
    "a truncated response": fake.truncate_reply,
}


@pytest.fixture
def server() -> Iterator[CloudinaryServer]:
    with fake.cloudinary_server() as running:
        running.now = lambda: NOON
        yield running


@pytest.fixture
def store(server: CloudinaryServer) -> CloudinaryImageStore:
    account = CloudinaryAccount(CLOUD, API_KEY, API_SECRET, server.url, LONG_TIMEOUTS)
    return CloudinaryImageStore(account, PillowImageCleaner(), server.now)


class TestCloudinaryImageStore(ImageStoreContract):
    @pytest.fixture
    def images(self, store: CloudinaryImageStore) -> CloudinaryImageStore:
        return store


def submit_form(upload: SignedUpload, content: BytesIO, **changes: str) -> int:
    """Submit an upload form like a browser, and return the status of the response."""
    file = {"file": ("egg.jpg", content.read())}
    body, content_type = urllib3.encode_multipart_formdata({**upload.fields, **changes, **file})
    url = urlsplit(upload.url)
    connection = http.client.HTTPConnection(url.netloc)
    connection.request("POST", url.path, body, {"Content-Type": content_type})
    status = connection.getresponse().status
    connection.close()
    return status


def test_fake_server_signs_as_documented_by_cloudinary() -> None:
    text = "public_id=sample_image&timestamp=1315060510"
    assert fake.signature_of(text, "abcd", "") == "b4ad47fb4e25c7bf5f92a20089f9db59bc302313"


def test_sdk_works_with_the_fake_server(server: CloudinaryServer) -> None:
    from cloudinary import api, uploader

    server.now = lambda: datetime.now(UTC)
    account = {
        "cloud_name": CLOUD,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "upload_prefix": server.url,
    }
    content = make_image().read()
    context = {"alt": "salt & pepper"}
    asset = uploader.upload(content, public_id="a b", folder="eggs", context=context, **account)
    assert (asset["public_id"], asset["width"], asset["format"]) == ("eggs/a b", 60, "jpg")
    assert api.ping(**account)["status"] == "ok"
    assert api.resource("eggs/a b", **account)["bytes"] == len(content)
    repeated = uploader.upload(b"GIF", public_id="a b", folder="eggs", overwrite=False, **account)
    assert repeated["existing"] is True
    assert uploader.destroy("eggs/a b", **account)["result"] == "ok"
    assert uploader.destroy("eggs/a b", **account)["result"] == "not found"
    with pytest.raises(cloudinary.exceptions.NotFound):
        api.resource("eggs/a b", **account)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="String to sign"):
        uploader.upload(content, **{**account, "api_secret": "wrong"})


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_invalid_response_raises_upstream_error_without_retry(
    server: CloudinaryServer, store: CloudinaryImageStore, action: Action, failure: Fault
) -> None:
    server.faults.append(failure)
    with pytest.raises(UpstreamError):
        action(store)
    assert len(server.requests) == 1


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_outage_raises_unavailable_error_in_time_without_retry(
    server: CloudinaryServer, store: CloudinaryImageStore, action: Action, outage: Fault
) -> None:
    server.faults.append(outage)
    timeouts = SHORT_TIMEOUTS if outage in {fake.hang, fake.drip} else LONG_TIMEOUTS
    with pytest.raises(UnavailableError):
        action(evolve(store, account=evolve(store._account, timeouts=timeouts)))
    wait_until(lambda: server.requests)
    assert len(server.requests) == 1


def test_refused_connection_raises_unavailable_error(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    account = evolve(store._account, upload_prefix="http://127.0.0.1:1")
    with pytest.raises(UnavailableError):
        evolve(store, account=account).check()
    assert server.requests == []


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("0", 0), ("", None), ("soon", None), ("9" * 5000, None)]
)
def test_retry_after_of_the_response_is_part_of_the_error(
    server: CloudinaryServer, store: CloudinaryImageStore, header: str, seconds: int | None
) -> None:
    server.faults.append(reply_with(Reply.of(RATE_LIMIT, 429, Retry_After=header)))
    with pytest.raises(UnavailableError) as error:
        store.get(EGG)
    assert error.value.retry_after == seconds


@pytest.mark.parametrize("action", [ACTIONS["upload"], ACTIONS["get"]], ids=["upload", "get"])
@pytest.mark.parametrize("changes", [{"public_id": "other"}, {"width": "60"}, {"bytes": None}])
def test_response_must_describe_the_requested_image(
    server: CloudinaryServer,
    store: CloudinaryImageStore,
    action: Action,
    changes: dict[str, object],
) -> None:
    valid = {"public_id": EGG, "width": 60, "height": 40, "format": "jpg", "bytes": 9}
    invalid = {**valid, **changes}
    server.faults.extend([reply_with(Reply.of(valid)), reply_with(Reply.of(invalid))])
    action(store)
    with pytest.raises(UpstreamError):
        action(store)


@pytest.mark.parametrize("fault", [fake.drop_reply, fake.truncate_reply])
def test_upload_can_be_repeated_after_a_lost_response(
    server: CloudinaryServer, store: CloudinaryImageStore, fault: Fault
) -> None:
    server.faults.append(fault)
    with pytest.raises(UnavailableError):
        store.upload(make_image(), public_id="egg")
    asset = server.assets[EGG]
    stored = store.upload(make_image(), public_id="egg")
    assert stored == store.get(EGG)
    assert server.assets == {EGG: asset}


def test_upload_sends_the_bytes_of_the_clean_image(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    store.upload(make_image_with_metadata(orientation=6), public_id="egg")
    clean = PillowImageCleaner().clean(make_image_with_metadata(orientation=6))
    assert server.assets[EGG].content == clean.content
    assert b"Ada" not in server.requests[0].body


def test_requests_have_the_current_timestamp_and_parameters(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    store.upload(make_image(), public_id="egg")
    store.delete(EGG)
    upload, destroy = ({**request.parts, "file": b""} for request in server.requests)
    assert upload["timestamp"] == destroy["timestamp"] == str(int(NOON.timestamp())).encode()
    assert (upload["folder"], upload["public_id"]) == (b"eggypro-products", b"egg")
    assert upload["overwrite"] == b"0"
    assert (destroy["public_id"], destroy["invalidate"]) == (EGG.encode(), b"1")


def test_signed_upload_of_a_browser_is_stored_without_metadata(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    upload = store.sign_upload(public_id="egg", at=NOON)
    assert upload.url == f"{server.url}/v1_1/{CLOUD}/image/upload"
    assert upload.expires_at == NOON + timedelta(hours=1)
    assert submit_form(upload, make_image_with_metadata(orientation=6)) == 200
    asset = server.assets[EGG]
    assert store.get(EGG) == StoredImage(
        public_id=EGG, width=40, height=60, format="jpg", size=len(asset.content)
    )
    picture = open_upright(asset.content)
    assert ORIENTATION not in picture.getexif()
    assert corner_colours(picture) == corner_colours(
        open_upright(PillowImageCleaner().clean(make_image_with_metadata(orientation=6)))
    )
    assert b"Ada" not in asset.content


@pytest.mark.parametrize(
    "changes",
    [
        {"public_id": "other"},
        {"folder": "other"},
        {"overwrite": "1"},
        {"allowed_formats": "gif"},
        {"transformation": "a_exif"},
        {"timestamp": "1777636801"},
        {"eager": "w_5000"},
        {"signature": "0" * 40},
    ],
)
def test_changed_form_of_a_signed_upload_is_rejected(
    server: CloudinaryServer, store: CloudinaryImageStore, changes: dict[str, str]
) -> None:
    assert submit_form(store.sign_upload(public_id="egg", at=NOON), make_image(), **changes) == 401
    assert server.assets == {}


def test_signed_upload_accepts_one_image_for_an_hour(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    upload = store.sign_upload(public_id="egg", at=NOON)
    assert submit_form(upload, make_image("gif")) == 400
    server.now = lambda: upload.expires_at + timedelta(seconds=1)
    assert submit_form(upload, make_image("png")) == 400
    assert server.assets == {}
    server.now = lambda: upload.expires_at
    assert submit_form(upload, make_image("png")) == 200
    asset = server.assets[EGG]
    assert submit_form(upload, make_image("jpg")) == 200
    assert server.assets[EGG] is asset


def test_image_that_was_not_uploaded_raises_not_found_error(store: CloudinaryImageStore) -> None:
    with pytest.raises(NotFoundError) as error:
        store.get(EGG)
    assert error.value.kind == "image"


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_environment_and_configuration_of_the_sdk_are_ignored(
    monkeypatch: pytest.MonkeyPatch,
    server: CloudinaryServer,
    store: CloudinaryImageStore,
    action: Action,
) -> None:
    store.upload(make_image(), public_id="egg")
    for name in ("CLOUD_NAME", "API_KEY", "API_SECRET", "OAUTH_TOKEN", "SIGNATURE_VERSION"):
        monkeypatch.setenv(f"CLOUDINARY_{name}", "1")
    monkeypatch.setenv("CLOUDINARY_SIGNATURE_ALGORITHM", "sha256")
    monkeypatch.setenv("CLOUDINARY_UPLOAD_PREFIX", "http://127.0.0.1:1")
    cloudinary.reset_config()
    cloudinary.config(upload_preset="other", timeout=0.000001)
    try:
        action(store)
    finally:
        monkeypatch.undo()
        cloudinary.reset_config()
    assert len(server.requests) == 2


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 420, 500, 503])
def test_errors_and_logs_contain_no_secrets(
    caplog: pytest.LogCaptureFixture,
    server: CloudinaryServer,
    store: CloudinaryImageStore,
    action: Action,
    status: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"{API_KEY} {API_SECRET} {fake.BASIC}. String to sign - 'public_id=egg{API_SECRET}'"
    for reply in (Reply.of({"error": {"message": echo}}, status), Reply(echo.encode(), status)):
        server.faults.append(reply_with(reply))
        with pytest.raises(EggyProError) as error:
            action(store)
        trace = "".join(traceback.format_exception(error.value))
        output = f"{trace} {error.value!r} {caplog.text} {store!r}"
        for secret in (API_SECRET, API_KEY, fake.BASIC.removeprefix("Basic ")):
            assert secret not in output


def test_error_contains_the_reason_of_a_rejection(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    reply = Reply.of({"error": {"message": "File size too large.\nGot 11. Maximum is 10."}}, 400)
    server.faults.append(reply_with(reply))
    with pytest.raises(UpstreamError, match=r"File size too large\..Got 11"):
        store.upload(make_image())


def test_sdk_is_not_imported_before_the_first_request() -> None:
    code = """
import sys
from eggypro_adapters.cloudinary_images import CloudinaryAccount, CloudinaryImageStore
store = CloudinaryImageStore(CloudinaryAccount("eggs", "key", "secret"), None, None)
store.url("eggypro-products/egg")
print({"cloudinary", "urllib3", "http.client", "ssl"} & sys.modules.keys())
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_read_timeout_applies_before_the_total_timeout(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    server.faults.append(fake.hang)
    account = evolve(store._account, timeouts=Timeouts(connect=1, read=0.2, total=60))
    with pytest.raises(UnavailableError):
        evolve(store, account=account).get(EGG)


def test_sending_a_file_stops_at_the_deadline(
    server: CloudinaryServer,
) -> None:
    seconds = itertools.count()  # a clock that advances by a second per reading
    timeouts = Timeouts(connect=1, read=10, total=100)
    with pytest.raises(UnavailableError, match="no response in time"):
        Transport(lambda: next(seconds)).request(
            method="POST",
            url=server.url,
            headers={},
            fields={"file": ("file", bytes(5_000_000))},
            timeout=timeouts,
        )


def test_https_requires_a_valid_certificate(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    account = evolve(store._account, upload_prefix=server.url.replace("http:", "https:"))
    with pytest.raises(UnavailableError, match="SSL: "):
        evolve(store, account=account).check()
    assert tls_context().verify_mode is ssl.CERT_REQUIRED
    assert tls_context().check_hostname
