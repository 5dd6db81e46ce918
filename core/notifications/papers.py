"""Papers: PDFs kept as they were made. A change makes a new version beside the old one; nothing is ever overwritten."""

from __future__ import annotations

import uuid
from hashlib import sha256

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import uuid7
from core.notifications.models import Paper


def keep_paper(vendor_id: uuid.UUID, mode: str, *, about: str, kind: str, pdf: bytes) -> Paper:
    """Keep this PDF as the newest version; when the newest one is the same, byte for byte, that one is the answer."""
    digest = sha256(pdf).hexdigest()
    newest = newest_paper(vendor_id, mode, about=about, kind=kind)
    if newest is not None and newest.sha256 == digest:
        return newest
    paper = Paper(
        vendor_id=vendor_id, mode=mode, id=uuid7(), about=about, kind=kind,
        version=newest.version + 1 if newest else 1, pdf=pdf, sha256=digest, made_at=now(),
    )  # fmt: skip
    db.session.add(paper)
    db.session.flush()  # two workers with the same version: the database lets one of them through
    return paper


def newest_paper(vendor_id: uuid.UUID, mode: str, *, about: str, kind: str) -> Paper | None:
    """The latest version, or None when none has been made yet."""
    return db.session.scalars(
        select(Paper)
        .where(Paper.vendor_id == vendor_id, Paper.mode == mode, Paper.about == about, Paper.kind == kind)
        .order_by(Paper.version.desc())
        .limit(1)
    ).one_or_none()
