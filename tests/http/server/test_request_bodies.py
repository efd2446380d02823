"""Reception of request bodies; the protocol is Granian's."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import falcon
import pytest

from eggypro_core.errors import UnavailableError
from eggypro_http.server import request_bodies
from eggypro_http.server.request_bodies import BodyReceiver
from eggypro_http.server.transfer_limits import TransferLimits

MIB = 1024 * 1024
DEADLINE = 20
"""Seconds for a test: fewer than a stalled body may take."""


class Protocol:
    """A body that arrives in chunks, and then ends or stalls."""

    def __init__(self, *chunks: bytes, stalls: bool = False) -> None:
        self.chunks = chunks
        self.stalls = stalls
        self.has_stalled = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        if self.stalls:
            self.has_stalled.set()
            await asyncio.Event().wait()
        yield b""


def receive(protocol: Protocol, length: int) -> Any:
    """Return the received body. One that stalls is given up."""

    async def run() -> Any:
        receiver = BodyReceiver(TransferLimits())
        environ = {"CONTENT_LENGTH": str(length)}
        reception = asyncio.create_task(receiver.receive(protocol, environ))
        if protocol.stalls:
            await protocol.has_stalled.wait()
            receiver.give_up()
        return await asyncio.wait_for(reception, DEADLINE)

    return asyncio.run(run())


@pytest.mark.parametrize("length", [5, 6])
def test_body_that_ends_early_is_received_as_far_as_it_came(length: int) -> None:
    with receive(Protocol(b"abc", b"de"), length) as body:
        assert body.read() == b"abcde"


def test_large_body_is_received_in_a_file() -> None:
    with receive(Protocol(*[bytes(MIB)] * 3), 3 * MIB) as body:
        assert body.fileno()
        assert len(body.read()) == 3 * MIB


def test_stalled_body_is_given_up_at_shutdown() -> None:
    body = receive(Protocol(b"a", stalls=True), 9)
    with pytest.raises(falcon.HTTPError) as caught:
        body.read()
    assert caught.value.status_code == 408
    assert "within 30 s" in str(caught.value.description)
    assert "32 KiB/s" in str(caught.value.description)


def test_body_without_room_raises_the_error_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc/no/folder")
    body = receive(Protocol(bytes(MIB)), MIB)
    with pytest.raises(FileNotFoundError):
        body.read()


def test_bodies_on_disk_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_bodies, "MAX_BYTES_ON_DISK", 2 * MIB)
    with receive(Protocol(bytes(MIB)), MIB):
        body = receive(Protocol(*[bytes(MIB)] * 3), 3 * MIB)
    with pytest.raises(UnavailableError) as caught:
        body.read()
    assert caught.value.retry_after
