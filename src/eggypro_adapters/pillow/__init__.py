"""Images by Pillow, which is not loaded before there is one: most commands never see any."""

import os
from threading import BoundedSemaphore
from typing import BinaryIO

from attrs import field, frozen

from eggypro_core.domain.image import MAX_UPLOAD_BYTES, CleanImage, Transformation, file_too_large


@frozen
class PillowImageCleaner:
    """Reads and decodes a few at a time: one of 40 megapixels takes some hundred megabytes."""

    _slots: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(os.cpu_count() or 1))

    def clean(self, content: BinaryIO, transformation: Transformation | None = None) -> CleanImage:
        from eggypro_adapters.pillow.uploads import clean_upload

        with self._slots:
            data = content.read(MAX_UPLOAD_BYTES + 1)
            if len(data) > MAX_UPLOAD_BYTES:
                raise file_too_large()
            return clean_upload(data, transformation)
