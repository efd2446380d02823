"""Image cleaner based on Pillow, which is imported on first use: most commands never need it."""

import os
from threading import BoundedSemaphore
from typing import BinaryIO

from attrs import field, frozen

from eggypro_core.domain.image import (
    MAX_IMAGE_SIDE_PIXELS,
    MAX_UPLOAD_BYTES,
    CleanImage,
    Transformation,
    file_too_large,
)


@frozen
class PillowImageCleaner:
    """Clean one image per CPU at a time: 40 megapixels take hundreds of megabytes."""

    _slots: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(os.cpu_count() or 1))

    def clean(
        self,
        content: BinaryIO,
        transformation: Transformation | None = None,
        *,
        max_side: int = MAX_IMAGE_SIDE_PIXELS,
    ) -> CleanImage:
        from eggypro_adapters.pillow.uploads import clean_upload

        with self._slots:
            data = content.read(MAX_UPLOAD_BYTES + 1)
            if len(data) > MAX_UPLOAD_BYTES:
                raise file_too_large()
            return clean_upload(data, transformation, max_side)
