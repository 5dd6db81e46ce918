"""What stands in other people's pages stays as it is: their browsers compare it with a digest, and refuse anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

EMBED = Path(__file__).resolve().parents[2] / "static" / "embed"
# A change is a new file beside the old ones. Add its digest here; never change one.
PUBLISHED: dict[str, str] = {
    "v1.js": "61e72d8286d491c5c563031b7fd80793dbb15aef86b775d3cc7552c29b3cce4ae6046a11d7f72a9507496afb082f576c",
}


def test_a_published_script_is_never_changed() -> None:
    found = {file.name: hashlib.sha384(file.read_bytes()).hexdigest() for file in EMBED.glob("*.js")}
    assert found == PUBLISHED
