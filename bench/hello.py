"""A bare Falcon app on Granian: the baseline of the benchmarks."""

import sys

import falcon
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server


class Hello:
    """Responds with a constant."""

    def on_get(self, _: falcon.Request, resp: falcon.Response) -> None:
        resp.data = b'{"hello":"world"}'


def app() -> falcon.App[falcon.Request, falcon.Response]:
    hello_app = falcon.App()
    hello_app.add_route("/hello", Hello())
    return hello_app


if __name__ == "__main__":
    workers, port = map(int, sys.argv[1:])
    Server(
        "hello",
        interface=Interfaces.WSGI,
        address="127.0.0.1",
        port=port,
        workers=workers,
        blocking_threads=64,
        backlog=2048,
        backpressure=2048,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        log_enabled=False,
    ).serve(target_loader=app, wrap_loader=False)
