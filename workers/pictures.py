"""The picture job: makes the smaller sizes of a listing's picture, so that a phone loads no more than it shows."""

from __future__ import annotations

import uuid

from core.directory.images import draw_sizes, keep_sizes, sizes_to_make
from core.kernel.db import unit_of_work


def make_image_sizes(vendor_id: uuid.UUID, *, mode: str, image: str) -> None:
    """Make what is lacking and keep it. A picture that was taken away meanwhile needs nothing; a repeat makes nothing twice."""
    with unit_of_work():
        wanted = sizes_to_make(vendor_id, mode, uuid.UUID(image))
    if wanted is None:
        return
    made = draw_sizes(*wanted)
    with unit_of_work():
        keep_sizes(vendor_id, mode, uuid.UUID(image), made)
