"""What a vendor decides about handing a link out: its labels, its own columns, and what it asks of the payer."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field

from sqlalchemy import delete, func, select

from core.directory.models import Branch
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.sentence import said
from core.payments.models import PaymentLink
from core.payments.reference import read_pattern
from core.payments.seen import may_choose
from core.payments.sharing_models import LinkLabel

MOST_LABELS = 10
MOST_KEYS = 15
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,39}")
MOST_VALUE = 200


class BadSharing(Refusal):
    """Something about handing the link out cannot be kept."""

    code = "bad_sharing"


@dataclass(frozen=True)
class Sharing:
    """A link's labels, its key-values (copied to each payment), and the reference it asks the payer for (no label: none)."""

    labels: list[str] = field(default_factory=list)
    key_values: dict[str, str] = field(default_factory=dict)
    reference_label: str = ""
    reference_pattern: str = ""
    reference_hint: str = ""
    reference_required: bool = False
    branch: str = ""  # whose link it is, by public id; empty: the whole business's


def set_sharing(link: PaymentLink, *, by: str, sharing: Sharing) -> PaymentLink:
    """Write it down. Payments already made keep what they were made with. Refuses BadSharing or BadPattern, naming the field."""
    check_sharing(sharing)
    db.session.flush()  # a link made in this very unit
    link = locked(PaymentLink, link.vendor_id, link.mode, link.id) or link
    branch_id = _branch(link, sharing.branch)
    names = ("branch_id", "key_values", "reference_label", "reference_pattern", "reference_hint", "reference_required")
    before = {name: getattr(link, name) for name in names} | {"labels": labels_of(link)}
    asks = bool(sharing.reference_label)
    link.branch_id = branch_id
    link.key_values = dict(sharing.key_values)
    link.reference_label = sharing.reference_label
    link.reference_pattern = sharing.reference_pattern if asks else ""
    link.reference_hint = sharing.reference_hint if asks else ""
    link.reference_required = sharing.reference_required and asks
    set_labels(link, sharing.labels)
    link.updated_at = now()
    changes = differences(before, {name: getattr(link, name) for name in names} | {"labels": labels_of(link)})
    if changes:  # a form says all of it again each time
        record(link.vendor_id, actor=by, action="link.sharing_changed", subject=link.public_id, changes=changes)
    return link


def set_key_values(link: PaymentLink, *, by: str, key_values: dict[str, str]) -> PaymentLink:
    """The vendor's own columns alone; all else about handing it out stays. Refuses BadSharing."""
    check_sharing(Sharing(key_values=key_values))
    db.session.flush()  # a link made in this very unit
    link = locked(PaymentLink, link.vendor_id, link.mode, link.id) or link
    changes = differences({"key_values": link.key_values}, {"key_values": key_values})
    if changes:
        link.key_values, link.updated_at = dict(key_values), now()
        record(link.vendor_id, actor=by, action="link.sharing_changed", subject=link.public_id, changes=changes)
    return link


def _branch(link: PaymentLink, branch: str) -> uuid.UUID | None:
    """The row of the vendor's branch of this public id. Refuses BadSharing for anybody else's."""
    if not branch and may_choose(None):
        return None
    mine = select(Branch.id).where(Branch.vendor_id == link.vendor_id, Branch.mode == link.mode, Branch.public_id == branch)
    found = db.session.scalar(mine)
    if found is None or not may_choose(found):
        raise BadSharing("Choose a branch from the list.", field="branch")
    return found


def check_sharing(sharing: Sharing) -> None:
    """Refuse what cannot be kept, naming the field."""
    if len(sharing.key_values) > MOST_KEYS:
        raise BadSharing(said("%(most)s lines at most.", most=MOST_KEYS), field="key_values")
    for key, value in sharing.key_values.items():
        if not KEY.fullmatch(key):
            raise BadSharing(
                said("“%(key)s”: a name begins with a letter and has letters, digits, “_”, “.” and “-”, 40 at most.", key=key[:40]),
                field="key_values",
            )
        if not value or len(value) > MOST_VALUE:
            raise BadSharing(said("“%(key)s” needs a value of 1 to %(most)s characters.", key=key, most=MOST_VALUE), field="key_values")
    clean_labels(sharing.labels)
    if not sharing.reference_label and (sharing.reference_pattern or sharing.reference_required):
        raise BadSharing("Name what you ask for, or leave the pattern and the switch alone.", field="reference_label")
    read_pattern(sharing.reference_pattern)
    if sharing.reference_pattern and not sharing.reference_hint:
        raise BadSharing("Say in words what is expected: whoever gets it wrong reads this.", field="reference_hint")


def clean_labels(labels: list[str]) -> list[str]:
    """Each once, without blanks around it, in the order given. Refuses BadSharing."""
    found = list(dict.fromkeys(" ".join(label.split()) for label in labels if label.strip()))
    if len(found) > MOST_LABELS:
        raise BadSharing(said("%(most)s labels at most.", most=MOST_LABELS), field="labels")
    for label in found:
        if len(label) > 30 or "," in label:
            raise BadSharing(said("“%(label)s…” is too long: 30 characters at most.", label=label[:30]), field="labels")
    return found


def set_labels(link: PaymentLink, labels: list[str]) -> None:
    """Exactly these."""
    wanted, present = clean_labels(labels), set(labels_of(link))
    mine = LinkLabel.vendor_id == link.vendor_id, LinkLabel.mode == link.mode, LinkLabel.link_id == link.id
    db.session.execute(delete(LinkLabel).where(*mine, LinkLabel.label.not_in(wanted)))
    for label in wanted:
        if label not in present:
            db.session.add(LinkLabel(vendor_id=link.vendor_id, mode=link.mode, link_id=link.id, label=label))


def add_label(link: PaymentLink, *, by: str, label: str) -> bool:
    """File the link under one more label; False when it already is."""
    (clean,) = clean_labels([label]) or [""]
    if not clean:
        raise BadSharing("Write the label.", field="label")
    locked(PaymentLink, link.vendor_id, link.mode, link.id)
    present = labels_of(link)
    if clean in present:
        return False
    set_labels(link, [*present, clean])
    record(link.vendor_id, actor=by, action="link.labelled", subject=link.public_id, label=clean)
    return True


def remove_label(link: PaymentLink, *, by: str, label: str) -> bool:
    """Take one label off; False when it has none such."""
    locked(PaymentLink, link.vendor_id, link.mode, link.id)
    present, clean = labels_of(link), " ".join(label.split())
    if clean not in present:
        return False
    set_labels(link, [other for other in present if other != clean])
    record(link.vendor_id, actor=by, action="link.unlabelled", subject=link.public_id, label=clean)
    return True


def labels_of(link: PaymentLink) -> list[str]:
    """A link's labels, by the alphabet."""
    mine = LinkLabel.vendor_id == link.vendor_id, LinkLabel.mode == link.mode, LinkLabel.link_id == link.id
    return list(db.session.scalars(select(LinkLabel.label).where(*mine).order_by(func.lower(LinkLabel.label))))
