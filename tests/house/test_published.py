"""What stands in other people's pages stays as it is: their browsers compare it with a digest, and refuse anything else."""

from __future__ import annotations

import hashlib
from pathlib import Path

EMBED = Path(__file__).resolve().parents[2] / "static" / "embed"
# A change is a new file beside the old ones. Add its digest here; never change one.
PUBLISHED: dict[str, str] = {
    "v1.js": "4eb93100d068f63f788637ff1dfeb08c0f5bf7d34fe934b3a0203f30a25fcdc46b144f8ef305175bd655108705637022",
}


def test_a_published_script_is_never_changed() -> None:
    found = {file.name: hashlib.sha384(file.read_bytes()).hexdigest() for file in EMBED.glob("*.js")}
    assert found == PUBLISHED
