"""Dumps of all data of a shop in one archive, and their restoration."""

from typing import BinaryIO

from attrs import frozen

from eggypro_adapters.postgres.backup.archive import ArchiveReader
from eggypro_adapters.postgres.backup.dump import write_dump
from eggypro_adapters.postgres.backup.restore import restore_dump
from eggypro_adapters.postgres.database import Database
from eggypro_core.operations.backups import BackupReport, ImageFiles, Progress


@frozen
class PostgresBackups:
    """Dump and restore a database, and the files of its images if they are in a folder.

    `version` is that of this package. The database must record writes, for the caches of this host.
    """

    _database: Database
    _images: ImageFiles | None
    _version: str

    def dump(self, target: BinaryIO, progress: Progress) -> BackupReport:
        return write_dump(self._database, self._images, self._version, target, progress)

    def restore(
        self, source: BinaryIO, progress: Progress, *, replace: bool, with_access: bool = False
    ) -> BackupReport:
        with ArchiveReader.open(source) as archive:
            return restore_dump(
                self._database,
                self._images,
                archive,
                progress,
                replace=replace,
                with_access=with_access,
            )
