"""A bare Falcon hello on granian, set up as `eggypro serve` is: what all else is held against."""

import sys

import falcon
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server


class Hello:
    """Says hello."""

    def on_get(self, _: falcon.Request, resp: falcon.Response) -> None:
        resp.data = b'{"hello":"world"}'


def app() -> falcon.App[falcon.Request, falcon.Response]:
    made = falcon.App()
    made.add_route("/hello", Hello())
    return made


if __name__ == "__main__":
    Server(
        "hello",
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        workers=1,
        blocking_threads=int(sys.argv[2]),
        backlog=2048,
        backpressure=2048,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_enabled=False,
    ).serve(target_loader=app, wrap_loader=False)
