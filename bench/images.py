"""Uploads of images measured: their time against Pillow's alone, and the memory of many at once."""

import io
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any

from PIL import Image, ImageOps

from bench.processes import free_port, memory_mib, running, tree

BOUNDARY = "eggypro"
ROUNDS = 5
AT_ONCE = 8


def measured(eggypro: str, folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Give the lines of a report."""
    data, port = folder / "images", free_port()
    settings = {**environment, "EGGYPRO_DATA_DIR": str(data)}
    command = [eggypro, "serve", "--demo", "--port", str(port)]
    with running(command, port, settings) as pid:
        key = (data / "admin.key").read_text().strip()
        slug = _json(port, "GET", "/api/products?limit=1", key)["items"][0]["slug"]
        yield "## Images in the local folder"
        yield ""
        yield "| 5 MB JPEG of 12 megapixels | ms | times Pillow alone |"
        yield "| --- | --- | --- |"
        yield from _times(port, f"/api/products/{slug}/images", key)
        yield ""
        idle, peak = _memory(port, f"/api/products/{slug}/images", key, pid)
        yield f"{AT_ONCE} uploads of 10 MB at once: {peak:.0f} MiB (PSS), {idle:.0f} before."


def _times(port: int, path: str, key: str) -> Iterator[str]:
    picture = _picture(4000, 3000, 5_000_000)
    uploads, firsts, repeats, alone, alone_small = [], [], [], [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        image = _upload(port, path, key, picture)["items"][0]
        uploads.append(time.perf_counter() - began)
        alone.append(_took(lambda: _saved(picture, None)))
        thumbnail = image["thumbnail"]
        firsts.append(_took(partial(_get, port, thumbnail)))
        repeats.append(_took(partial(_get, port, thumbnail)))
        alone_small.append(_took(lambda: _saved(picture, (400, 400))))
    whole, small = statistics.median(alone), statistics.median(alone_small)
    for name, times, base in (
        ("uploaded, checked and kept", uploads, whole),
        ("the thumbnail, first asked for", firsts, small),
        ("the thumbnail, asked for again", repeats, small),
    ):
        median = statistics.median(times)
        yield f"| {name} | {median * 1e3:.0f} | {median / base:.2f} |"


def _memory(port: int, path: str, key: str, pid: int) -> tuple[float, float]:
    """Return the memory of the server before many uploads at once, and its peak meanwhile."""
    picture = _picture(5000, 4000, 9_900_000)
    idle, seen, is_done = memory_mib(tree(pid)), [0.0], Event()

    def watch() -> None:
        while not is_done.wait(0.02):
            seen.append(memory_mib(tree(pid)))

    watching = Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(AT_ONCE) as clients:
        list(clients.map(lambda _: _upload(port, path, key, picture), range(AT_ONCE)))
    is_done.set()
    watching.join()
    return idle, max(seen)


def _picture(width: int, height: int, size: int) -> bytes:
    """Return a JPEG of about a size: noise, enlarged until it compresses so far."""
    dice, made = random.Random(3), b""
    for grain in (2, 3, 4, 6, 8, 12):
        small = (width // grain, height // grain)
        noise = Image.frombytes("RGB", small, dice.randbytes(small[0] * small[1] * 3))
        out = io.BytesIO()
        noise.resize((width, height)).save(out, "JPEG", quality=88)
        made = out.getvalue()
        if len(made) <= size:
            break
    return made


def _saved(picture: bytes, size: tuple[int, int] | None) -> None:
    """Do with Pillow what the server does with it."""
    with Image.open(io.BytesIO(picture)) as image:
        if size is None:
            image.save(io.BytesIO(), "JPEG", quality="keep")
        else:
            image.draft("RGB", (2 * size[0], 2 * size[1]))
            fitting = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
            fitting.save(io.BytesIO(), "JPEG", quality=80)


def _upload(port: int, path: str, key: str, picture: bytes) -> dict[str, list[dict[str, str]]]:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    found: dict[str, list[dict[str, str]]] = _json(port, "POST", path, key, body, kind)
    return found


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


def _took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
