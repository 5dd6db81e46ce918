"""What a job is given."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """Whose it is, and the ids it was enqueued with."""

    vendor_id: uuid.UUID
    args: dict[str, Any]
