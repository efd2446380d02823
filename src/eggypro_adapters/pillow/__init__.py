"""Images by Pillow, which is not loaded before there is one: most commands never see any."""

import os
from threading import BoundedSemaphore
from typing import BinaryIO

from attrs import field, frozen

from eggypro_core.domain.image import HIGHEST_SIZE, CleanImage, Transformation, too_large


@frozen
class PillowImageCleaner:
    """Reads and decodes a few at a time: one of 40 megapixels takes some hundred megabytes."""

    _slots: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(os.cpu_count() or 1))

    def clean(self, content: BinaryIO, transformation: Transformation | None = None) -> CleanImage:
        from eggypro_adapters.pillow.uploads import cleaned

        with self._slots:
            data = content.read(HIGHEST_SIZE + 1)
            if len(data) > HIGHEST_SIZE:
                raise too_large()
            return cleaned(data, transformation)
