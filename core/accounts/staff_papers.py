"""Who of the staff is sent the paper of each closed day: whoever asked for it, while they may see it."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import User
from core.accounts.staff_models import StaffMember
from core.accounts.staff_permissions import staff_roles_that_may
from core.kernel import audit
from core.kernel.db import db, lock_again

DAYS = "days.see"


def want_day_papers(member: StaffMember, wanted: bool) -> None:
    """From now on they are sent to this person, or not any more."""
    member = lock_again(member)
    if member.day_papers != wanted:
        member.day_papers = wanted
        action = "staff.papers_wanted" if wanted else "staff.papers_declined"
        audit.record(audit.THE_HOUSE, actor=member.public_id, action=action, subject=member.public_id)


def readers_of_day_papers() -> list[User]:
    """In the order in which they became staff. Whoever has left, or may not see days any more, is left out."""
    mine = StaffMember.day_papers, StaffMember.ended_at.is_(None), StaffMember.role.in_(staff_roles_that_may(DAYS))
    asked = (
        select(User).join(StaffMember, StaffMember.user_id == User.id).where(*mine).order_by(StaffMember.created_at, StaffMember.user_id)
    )
    return list(db.session.scalars(asked))


def reads_day_papers(email: str) -> bool:
    """Whether a letter that was asked for may still go to this address."""
    return any(person.email == email for person in readers_of_day_papers())
