"""A process that restores a dump and kills itself at a step, or right after the commit.

`python -m tests.support.backup_process URL FOLDER FILE STEP`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eggypro_adapters.local_image_files import LocalImageFiles, LocalReceivedImages
from eggypro_adapters.postgres.backup import PostgresBackups
from eggypro_adapters.postgres.database import Database

AFTER_COMMIT = "after the commit"


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class CrashingReceivedImages(LocalReceivedImages):
    def publish(self) -> None:
        kill_this_process()


class CrashingImageFiles(LocalImageFiles):
    @contextmanager
    def receive(self) -> Iterator[LocalReceivedImages]:
        with super().receive() as images:
            yield CrashingReceivedImages(images._root, images._aside)


def main(url: str, folder: str, file: str, step: str) -> None:
    def progress(current: str) -> None:
        if current == step:
            kill_this_process()

    files = CrashingImageFiles if step == AFTER_COMMIT else LocalImageFiles
    backups = PostgresBackups(Database.connect(url), files(Path(folder)), "1")
    with Path(file).open("rb") as dump:
        backups.restore(dump, progress, replace=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
