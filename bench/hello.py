"""A bare Falcon app on Granian, configured like `eggypro serve`: the baseline of the benchmarks."""

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
