"""What stands in other people's pages stays as it is: their browsers compare it with a digest, and refuse anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

EMBED = Path(__file__).resolve().parents[2] / "static" / "embed"
# A change is a new file beside the old ones. Add its digest here; never change one.
PUBLISHED: dict[str, str] = {
    "v1.js": "f98befb05c6fc654f465a7159573e5c999a6742ebf0338871daf1458085774d579708d3d45ea0c1df54399e24536af18",
}


def test_a_published_script_is_never_changed() -> None:
    found = {file.name: hashlib.sha384(file.read_bytes()).hexdigest() for file in EMBED.glob("*.js")}
    assert found == PUBLISHED
