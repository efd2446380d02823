"""Benchmark of image uploads: time relative to Pillow alone, memory of concurrent uploads."""

import io
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from PIL import Image, ImageOps

from bench.processes import memory_mib, process_tree, run_server

BOUNDARY = "eggypro"
ROUNDS = 5
CONCURRENT_UPLOADS = 8


def measure(eggypro: str, folder: Path) -> Iterator[str]:
    """Yield the lines of the report."""
    data = folder / "images"
    settings = {"EGGYPRO_DATA_DIR": str(data), "RATE_LIMIT_MAX_REQUESTS": "0"}
    with run_server([eggypro, "serve", "--demo", "--port"], settings) as server:
        pid, port = server.pid, server.port
        key = (data / "admin.key").read_text().strip()
        slug = _json(port, "GET", "/api/products?limit=1", key)["items"][0]["slug"]
        yield "## Images in the local folder"
        yield ""
        yield "| 5 MB JPEG of 12 megapixels | ms | times Pillow alone |"
        yield "| --- | --- | --- |"
        yield from _times(port, f"/api/products/{slug}/images", key)
        yield ""
        idle, peak = _memory(port, f"/api/products/{slug}/images", key, pid)
        yield (
            f"{CONCURRENT_UPLOADS} concurrent uploads of 10 MB: {peak:.0f} MiB (PSS),"
            f" {idle:.0f} before."
        )


def _times(port: int, path: str, key: str) -> Iterator[str]:
    picture = _make_jpeg(4000, 3000, 5_000_000)
    uploads, first_reads, repeated_reads, pillow, pillow_small = [], [], [], [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        image = _upload(port, path, key, picture)["items"][0]
        uploads.append(time.perf_counter() - start)
        pillow.append(_measure_seconds(lambda: _save_with_pillow(picture, None)))
        thumbnail = image["thumbnail"]
        first_reads.append(_measure_seconds(partial(_get, port, thumbnail)))
        repeated_reads.append(_measure_seconds(partial(_get, port, thumbnail)))
        pillow_small.append(_measure_seconds(lambda: _save_with_pillow(picture, (400, 400))))
    whole, small = statistics.median(pillow), statistics.median(pillow_small)
    for name, times, base in (
        ("upload, checked and stored", uploads, whole),
        ("thumbnail, first request", first_reads, small),
        ("thumbnail, repeated request", repeated_reads, small),
    ):
        median = statistics.median(times)
        yield f"| {name} | {median * 1e3:.0f} | {median / base:.2f} |"


def _memory(port: int, path: str, key: str, pid: int) -> tuple[float, float]:
    """Return the memory of the server before concurrent uploads, and the peak during them."""
    picture = _make_jpeg(5000, 4000, 9_900_000)
    idle, samples, stop = memory_mib(process_tree(pid)), [0.0], Event()

    def watch() -> None:
        while not stop.wait(0.02):
            samples.append(memory_mib(process_tree(pid)))

    watcher = Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(CONCURRENT_UPLOADS) as clients:
        list(clients.map(lambda _: _upload(port, path, key, picture), range(CONCURRENT_UPLOADS)))
    stop.set()
    watcher.join()
    return idle, max(samples)


def _make_jpeg(width: int, height: int, size: int) -> bytes:
    """Return a JPEG of about `size` bytes: noise, enlarged until it compresses enough."""
    dice, content = random.Random(3), b""
    for grain in (2, 3, 4, 6, 8, 12):
        small = (width // grain, height // grain)
        noise = Image.frombytes("RGB", small, dice.randbytes(small[0] * small[1] * 3))
        out = io.BytesIO()
        noise.resize((width, height)).save(out, "JPEG", quality=88)
        content = out.getvalue()
        if len(content) <= size:
            break
    return content


def _save_with_pillow(picture: bytes, size: tuple[int, int] | None) -> None:
    """Process an image with Pillow as the server does."""
    with Image.open(io.BytesIO(picture)) as image:
        if size is None:
            image.save(io.BytesIO(), "JPEG", quality="keep")
        else:
            image.draft("RGB", (2 * size[0], 2 * size[1]))
            thumbnail = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
            thumbnail.save(io.BytesIO(), "JPEG", quality=80)


def _upload(port: int, path: str, key: str, picture: bytes) -> dict[str, list[dict[str, str]]]:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    response: dict[str, list[dict[str, str]]] = _json(port, "POST", path, key, body, kind)
    return response


def _get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    content = connection.getresponse().read()
    connection.close()
    return content


def _json(
    port: int, method: str, path: str, key: str, body: bytes | None = None, kind: str = ""
) -> Any:
    headers = {"Authorization": f"Bearer {key}", **({"Content-Type": kind} if kind else {})}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    if response.status not in {200, 201}:
        raise RuntimeError(f"{method} {path}: {response.status} {content[:200]!r}")
    return json.loads(content)


def _measure_seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
