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

from eggypro_adapters.cloudinary_images import Account, CloudinaryImageStore
from eggypro_adapters.cloudinary_images.account import Timeouts
from eggypro_adapters.cloudinary_images.transport import Transport, tls
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
from tests.support.builders import NOON
from tests.support.cloudinary_server import (
    API_KEY,
    API_SECRET,
    CLOUD,
    CloudinaryServer,
    Fault,
    Reply,
    reply_with,
)

HURRY = Timeouts(connect=60, read=0.3, total=0.6)
PATIENT = Timeouts(connect=60, read=60, total=60)
Action = Callable[[CloudinaryImageStore], object]

ACTIONS: dict[str, Action] = {
    "upload": lambda store: store.upload(make_image(), public_id="egg"),
    "find": lambda store: store.get(EGG),
    "delete": lambda store: store.delete(EGG),
    "check": lambda store: store.check(),
}
FAILURES: dict[str, Fault] = {
    "HTML": reply_with(Reply.html(500)),
    "a 5xx that has no error": reply_with(Reply.of({"message": "noerr"}, 500)),
    "a 5xx with all that was asked for": reply_with(
        Reply.of({"status": "ok", "result": "ok", "public_id": EGG}, 500)
    ),
    "HTML for a 4xx": reply_with(Reply.html(413)),
    "an empty object": reply_with(Reply.of({})),
    "null": reply_with(Reply.of(None)),
    "a list": reply_with(Reply.of([])),
    "an error that is a text": reply_with(Reply.of({"error": "str"}, 400)),
    "a 4xx that has no error": reply_with(Reply.of({"message": "noerr"}, 400)),
    "nothing": reply_with(Reply(b"", 200)),
    "no content": reply_with(Reply(b"", 204)),
    "too much": reply_with(Reply(b'{"a": "' + b"a" * 2_000_000 + b'"}')),
    "a wrong key": reply_with(Reply.of({"error": {"message": "Invalid api_key"}}, 401)),
    "a forbidden thing": reply_with(Reply.of({"error": {"message": "Not allowed"}}, 403)),
    "a redirect": reply_with(Reply.of({}, 302, Location="/v1_1/elsewhere")),
    "a lasting redirect": reply_with(Reply.of({}, 307, Location="/v1_1/elsewhere")),
}
LIMIT = {"error": {"message": "Rate Limit Exceeded. Limit of 500 api operations reached."}}
OUTAGES: dict[str, Fault] = {
    "a limit": reply_with(Reply.of(LIMIT, 420)),
    "another limit": reply_with(Reply.of(LIMIT, 429, Retry_After="3")),
    "a busy one": reply_with(Reply.of({"error": {"message": "Locked"}}, 423)),
    "a bad gateway": reply_with(Reply.html(502)),
    "an outage": reply_with(Reply.of({"error": {"message": "Down"}}, 503, Retry_After="3")),
    "a late gateway": reply_with(Reply.html(504)),
    "silence": fake.hang,
    "a drip": fake.drip,
    "a reset": fake.reset_connection,
    "a lost answer": fake.drop_reply,
    "half an answer": fake.truncate_reply,
}


@pytest.fixture
def server() -> Iterator[CloudinaryServer]:
    with fake.cloudinary_server() as running:
        running.now = lambda: NOON
        yield running


@pytest.fixture
def store(server: CloudinaryServer) -> CloudinaryImageStore:
    account = Account(CLOUD, API_KEY, API_SECRET, server.url, PATIENT)
    return CloudinaryImageStore(account, PillowImageCleaner(), server.now)


class TestCloudinaryImageStore(ImageStoreContract):
    @pytest.fixture
    def images(self, store: CloudinaryImageStore) -> CloudinaryImageStore:
        return store


def by_browser(upload: SignedUpload, content: BytesIO, **changed: str) -> int:
    """Send a form as a browser does, and return the status of the answer."""
    file = {"file": ("egg.jpg", content.read())}
    body, content_type = urllib3.encode_multipart_formdata({**upload.fields, **changed, **file})
    place = urlsplit(upload.url)
    connection = http.client.HTTPConnection(place.netloc)
    connection.request("POST", place.path, body, {"Content-Type": content_type})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_server_signs_as_cloudinary_says_that_it_does() -> None:
    text = "public_id=sample_image&timestamp=1315060510"
    assert fake.signature_of(text, "abcd", "") == "b4ad47fb4e25c7bf5f92a20089f9db59bc302313"


def test_the_server_is_one_that_the_sdk_can_talk_to_by_itself(server: CloudinaryServer) -> None:
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
    kept = uploader.upload(content, public_id="a b", folder="eggs", context=context, **account)
    assert (kept["public_id"], kept["width"], kept["format"]) == ("eggs/a b", 60, "jpg")
    assert api.ping(**account)["status"] == "ok"
    assert api.resource("eggs/a b", **account)["bytes"] == len(content)
    again = uploader.upload(b"GIF", public_id="a b", folder="eggs", overwrite=False, **account)
    assert again["existing"] is True
    assert uploader.destroy("eggs/a b", **account)["result"] == "ok"
    assert uploader.destroy("eggs/a b", **account)["result"] == "not found"
    with pytest.raises(cloudinary.exceptions.NotFound):
        api.resource("eggs/a b", **account)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match="String to sign"):
        uploader.upload(content, **{**account, "api_secret": "wrong"})


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_an_answer_that_is_none_is_a_failure_and_is_not_asked_for_again(
    server: CloudinaryServer, store: CloudinaryImageStore, action: Action, failure: Fault
) -> None:
    server.faults.append(failure)
    with pytest.raises(UpstreamError):
        action(store)
    assert len(server.requests) == 1


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_a_cloudinary_that_is_away_is_said_so_in_time_and_not_asked_again(
    server: CloudinaryServer, store: CloudinaryImageStore, action: Action, outage: Fault
) -> None:
    server.faults.append(outage)
    patience = HURRY if outage in {fake.hang, fake.drip} else PATIENT
    with pytest.raises(UnavailableError):
        action(evolve(store, account=evolve(store._account, patience=patience)))
    wait_until(lambda: server.requests)
    assert len(server.requests) == 1


def test_a_port_on_which_nobody_listens_is_an_outage(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    gone = evolve(store._account, upload_prefix="http://127.0.0.1:1")
    with pytest.raises(UnavailableError):
        evolve(store, account=gone).check()
    assert server.requests == []


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("0", 0), ("", None), ("soon", None), ("9" * 5000, None)]
)
def test_the_time_to_wait_is_handed_on(
    server: CloudinaryServer, store: CloudinaryImageStore, said: str, seconds: int | None
) -> None:
    server.faults.append(reply_with(Reply.of(LIMIT, 429, Retry_After=said)))
    with pytest.raises(UnavailableError) as away:
        store.get(EGG)
    assert away.value.retry_after == seconds


@pytest.mark.parametrize("ask", [ACTIONS["upload"], ACTIONS["find"]], ids=["upload", "find"])
@pytest.mark.parametrize("wrong", [{"public_id": "other"}, {"width": "60"}, {"bytes": None}])
def test_what_is_told_of_an_image_has_to_be_told_of_that_one(
    server: CloudinaryServer, store: CloudinaryImageStore, ask: Action, wrong: dict[str, object]
) -> None:
    right = {"public_id": EGG, "width": 60, "height": 40, "format": "jpg", "bytes": 9}
    server.faults.extend([reply_with(Reply.of(right)), reply_with(Reply.of({**right, **wrong}))])
    ask(store)
    with pytest.raises(UpstreamError):
        ask(store)


@pytest.mark.parametrize("lost", [fake.drop_reply, fake.truncate_reply])
def test_an_upload_whose_answer_was_lost_can_be_repeated(
    server: CloudinaryServer, store: CloudinaryImageStore, lost: Fault
) -> None:
    server.faults.append(lost)
    with pytest.raises(UnavailableError):
        store.upload(make_image(), public_id="egg")
    kept = server.assets[EGG]
    again = store.upload(make_image(), public_id="egg")
    assert again == store.get(EGG)
    assert server.assets == {EGG: kept}


def test_what_is_uploaded_is_what_the_cleaner_made_and_as_bytes(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    store.upload(make_image_with_metadata(orientation=6), public_id="egg")
    clean = PillowImageCleaner().clean(make_image_with_metadata(orientation=6))
    assert server.assets[EGG].content == clean.content
    assert b"Ada" not in server.requests[0].body


def test_an_order_is_signed_for_now_and_says_what_it_wants(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    store.upload(make_image(), public_id="egg")
    store.delete(EGG)
    upload, destroy = ({**call.parts, "file": b""} for call in server.requests)
    assert upload["timestamp"] == destroy["timestamp"] == str(int(NOON.timestamp())).encode()
    assert (upload["folder"], upload["public_id"]) == (b"eggypro-products", b"egg")
    assert upload["overwrite"] == b"0"
    assert (destroy["public_id"], destroy["invalidate"]) == (EGG.encode(), b"1")


def test_a_browser_uploads_by_itself_what_may_be_published(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    upload = store.sign_upload(public_id="egg", at=NOON)
    assert upload.url == f"{server.url}/v1_1/{CLOUD}/image/upload"
    assert upload.expires_at == NOON + timedelta(hours=1)
    assert by_browser(upload, make_image_with_metadata(orientation=6)) == 200
    kept = server.assets[EGG]
    assert store.get(EGG) == StoredImage(
        public_id=EGG, width=40, height=60, format="jpg", size=len(kept.content)
    )
    picture = open_upright(kept.content)
    assert ORIENTATION not in picture.getexif()
    assert corner_colours(picture) == corner_colours(
        open_upright(PillowImageCleaner().clean(make_image_with_metadata(orientation=6)))
    )
    assert b"Ada" not in kept.content


@pytest.mark.parametrize(
    "changed",
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
def test_a_browser_can_change_nothing_of_what_was_signed(
    server: CloudinaryServer, store: CloudinaryImageStore, changed: dict[str, str]
) -> None:
    assert by_browser(store.sign_upload(public_id="egg", at=NOON), make_image(), **changed) == 401
    assert server.assets == {}


def test_a_signed_upload_takes_only_images_as_we_do_for_an_hour_and_once(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    upload = store.sign_upload(public_id="egg", at=NOON)
    assert by_browser(upload, make_image("gif")) == 400
    server.now = lambda: upload.expires_at + timedelta(seconds=1)
    assert by_browser(upload, make_image("png")) == 400
    assert server.assets == {}
    server.now = lambda: upload.expires_at
    assert by_browser(upload, make_image("png")) == 200
    kept = server.assets[EGG]
    assert by_browser(upload, make_image("jpg")) == 200
    assert server.assets[EGG] is kept


def test_what_a_browser_did_not_upload_is_not_there(store: CloudinaryImageStore) -> None:
    with pytest.raises(NotFoundError) as absent:
        store.get(EGG)
    assert absent.value.kind == "image"


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_nothing_but_the_account_that_is_given_plays_a_part(
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
def test_no_secret_is_ever_shown(
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
        with pytest.raises(EggyProError) as refused:
            action(store)
        traced = "".join(traceback.format_exception(refused.value))
        shown = f"{traced} {refused.value!r} {caplog.text} {store!r}"
        for secret in (API_SECRET, API_KEY, fake.BASIC.removeprefix("Basic ")):
            assert secret not in shown


def test_the_reason_of_a_refusal_is_told(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    told = Reply.of({"error": {"message": "File size too large.\nGot 11. Maximum is 10."}}, 400)
    server.faults.append(reply_with(told))
    with pytest.raises(UpstreamError, match=r"File size too large\..Got 11"):
        store.upload(make_image())


def test_the_sdk_is_not_loaded_before_cloudinary_is_asked() -> None:
    code = """
import sys
from eggypro_adapters.cloudinary_images import Account, CloudinaryImageStore
store = CloudinaryImageStore(Account("eggs", "key", "secret"), None, None)
store.address("eggypro-products/egg")
print({"cloudinary", "urllib3", "http.client", "ssl"} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_silence_ends_the_patience_early(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    server.faults.append(fake.hang)
    patient = evolve(store._account, patience=Timeouts(connect=1, read=0.2, total=60))
    with pytest.raises(UnavailableError):
        evolve(store, account=patient).get(EGG)


def test_a_file_that_takes_too_long_to_send_is_not_sent_to_its_end(
    server: CloudinaryServer,
) -> None:
    looks = itertools.count()  # a second passes between two looks at this clock
    patience = Timeouts(connect=1, read=10, total=100)
    with pytest.raises(UnavailableError, match="TimeoutError"):
        Transport(lambda: next(looks)).request(
            method="POST",
            url=server.url,
            headers={},
            fields={"file": ("file", bytes(5_000_000))},
            timeout=patience,
        )


def test_an_https_address_is_asked_by_tls_and_has_to_prove_who_it_is(
    server: CloudinaryServer, store: CloudinaryImageStore
) -> None:
    disguised = evolve(store._account, upload_prefix=server.url.replace("http:", "https:"))
    with pytest.raises(UnavailableError, match="SSLError"):
        evolve(store, account=disguised).check()
    assert tls().verify_mode is ssl.CERT_REQUIRED
    assert tls().check_hostname
