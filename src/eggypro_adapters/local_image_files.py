"""Original images in the folder of `LocalImageStore`, for dumps."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from attrs import frozen

from eggypro_core.domain.image import is_public_id
from eggypro_core.errors import ParseError, UnavailableError

_NAME = re.compile(r"(?P<public_id>.+)\.image/original\.\d{1,5}x\d{1,5}\.[a-z]{1,5}", re.ASCII)


@frozen
class LocalImageFiles:
    """Read and restore the originals of an image folder. Renditions are made again on request."""

    _root: Path

    def open(self, public_id: str) -> tuple[str, BinaryIO] | None:
        folder = self._root / f"{public_id}.image"
        with _translate_errors(), suppress(FileNotFoundError):
            for path in folder.glob("original.*"):
                return str(path.relative_to(self._root)), path.open("rb")
        return None

    @contextmanager
    def receive(self) -> Iterator["LocalReceivedImages"]:
        unfinished = self._root / ".unfinished"
        aside = unfinished / "restore"
        with _translate_errors():
            unfinished.mkdir(parents=True, exist_ok=True)
            lock = os.open(unfinished / "restore.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # while another restore publishes its images
            shutil.rmtree(aside, ignore_errors=True)
            yield LocalReceivedImages(self._root, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            os.close(lock)


@frozen
class LocalReceivedImages:
    """Images in the folder `aside`, on the same disk as `root`."""

    _root: Path
    _aside: Path

    def add(self, name: str, content: IO[bytes]) -> None:
        match = _NAME.fullmatch(name)
        if match is None or not is_public_id(match["public_id"]):
            raise ParseError(f"The dump is damaged: it holds a file {name!r}")
        path = self._aside / name
        with _translate_errors():
            if not (self._root / name).exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(content, file)

    def flush(self) -> None:
        if self._aside.exists():
            os.sync()

    def publish(self) -> None:
        with _translate_errors():
            for folder, names, _ in os.walk(self._aside):
                for name in [name for name in names if name.endswith(".image")]:
                    names.remove(name)  # not walked
                    self._publish(Path(folder) / name)

    def _publish(self, source: Path) -> None:
        target = self._root / source.relative_to(self._aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            source.rename(target)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"The image folder is unavailable: {error.strerror}") from error
