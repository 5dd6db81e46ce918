"""The versions of the rules: one is written and tried, one counts, the earlier ones stay to be read. And the one cached look at what counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from core.accounts.house import HOUSE
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.sentence import said
from core.risk.rule_models import LONGEST_REASON, ListEntry, RuleSet
from core.risk.rules import MOST_RULES, Rule, RuleRefused, needs_card, read_rules

KEPT_SECONDS = 5  # for which a process believes what it has read: a rule counts everywhere so long after it was published


class DraftMovedOn(Conflict):
    """Somebody else has changed the draft meanwhile."""

    code = "draft_moved_on"


class NotTried(Refusal):
    """Rules are tried before they are published."""

    code = "rules_not_tried"


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts in one world: the published rules, and which (list, kind) have any entry."""

    version: int = 0
    rules: tuple[Rule, ...] = ()
    listed: frozenset[tuple[str, str]] = frozenset()

    @property
    def empty(self) -> bool:
        """Whether there is nothing that could say anything about a payment. The watch list says nothing by itself."""
        return not self.rules and all(which == "watch" for which, _ in self.listed)

    @property
    def needs_card(self) -> bool:
        """Whether a card has to be known before its money may be taken."""
        return needs_card(self.rules) or any(kind in ("card", "country") for _, kind in self.listed)


_kept: dict[str, tuple[int, Standing]] = {}  # when it was read, in seconds of this process’s own clock


def standing(mode: str) -> Standing:
    """What counts now, read once in KEPT_SECONDS by each process."""
    at, found = _kept.get(mode, (0, None))
    if found is None or int(time.monotonic()) >= at + KEPT_SECONDS:
        found = _read(mode)
        _kept[mode] = int(time.monotonic()), found
    return found


def forget() -> None:
    """Something has changed: this process looks anew."""
    _kept.clear()


def _read(mode: str) -> Standing:
    row = published(mode)
    counts = ListEntry.removed_at.is_(None), or_(ListEntry.expires_at.is_(None), ListEntry.expires_at > now())
    listed = db.session.execute(select(ListEntry.which, ListEntry.kind).where(ListEntry.mode == mode, *counts).distinct())
    return Standing(row.version if row else 0, read_rules(row.rules) if row else (), frozenset((which, kind) for which, kind in listed))


def published(mode: str) -> RuleSet | None:
    """The version that counts."""
    return _one(mode, "published")


def draft(mode: str) -> RuleSet | None:
    """The one that is being written."""
    return _one(mode, "draft")


def _one(mode: str, state: str) -> RuleSet | None:
    query = select(RuleSet).where(RuleSet.mode == mode, RuleSet.state == state)
    return db.session.scalar(query.execution_options(populate_existing=True))


def list_versions(mode: str, limit: int = 50) -> list[RuleSet]:
    """What was ever published, the newest first."""
    query = select(RuleSet).where(RuleSet.mode == mode, RuleSet.state != "draft")
    return list(db.session.scalars(query.order_by(RuleSet.version.desc()).limit(limit)))


def get_version(mode: str, version: int) -> RuleSet:
    """One version; refuses with 404."""
    found = db.session.get(RuleSet, (mode, version))
    if found is None:
        raise NotFound("There is no such version.")
    return found


def write_draft(mode: str, rules: Sequence[Rule], *, revision: int, by: str) -> RuleSet:
    """These rules are the draft from now on; nothing counts yet. `revision` is the one somebody began with, 0 where there was no draft.

    Refuses DraftMovedOn when somebody else was faster, and RuleRefused for too many or two of one name.
    """
    hold_vendor(HOUSE)
    names = [rule.name.casefold() for rule in rules]
    if len(set(names)) < len(names):
        raise RuleRefused("Another rule has this name already.", field="name")
    if len(rules) > MOST_RULES:
        raise RuleRefused(said("At most %(most)s rules.", most=MOST_RULES), field="name")
    row = draft(mode)
    if (row.revision if row else 0) != revision:
        raise DraftMovedOn("Somebody has changed these rules meanwhile. Look at them, and write yours again.")
    written = [rule.plain() for rule in rules]
    if row is None:
        last = db.session.scalar(select(func.max(RuleSet.version)).where(RuleSet.mode == mode)) or 0
        row = RuleSet(mode=mode, version=last + 1, revision=1, state="draft", rules=written, made_by=by, made_at=now())
        db.session.add(row)
    else:
        row.rules, row.trial, row.revision, row.made_by, row.made_at = written, None, row.revision + 1, by, now()
    db.session.flush()
    return row


def keep_trial(mode: str, revision: int, trial: dict[str, Any]) -> RuleSet:
    """What the draft would have done stays with it. Refuses DraftMovedOn when it is not the same draft any more."""
    hold_vendor(HOUSE)
    row = draft(mode)
    if row is None or row.revision != revision:
        raise DraftMovedOn("Somebody has changed these rules meanwhile. Look at them, and try them again.")
    row.trial = trial
    db.session.flush()
    return row


def publish(mode: str, *, revision: int, reason: str, by: str) -> RuleSet:
    """The draft counts from now on, in every process within KEPT_SECONDS. Sent twice it is published once.

    Refuses NotTried before these very rules were tried, DraftMovedOn, and without a reason at the field.
    """
    hold_vendor(HOUSE)
    reason, row, before = " ".join(reason.split()), draft(mode), published(mode)
    if row is None and before is not None and (before.revision, before.published_by) == (revision, by):
        return before
    if row is None or row.revision != revision:
        raise DraftMovedOn("Somebody has changed these rules meanwhile. Look at them, and try them again.")
    if row.trial is None:
        raise NotTried("Try these rules first: see what they would have done.")
    if not reason:
        raise RuleRefused("Say why, so that whoever looks later knows.", field="reason")
    if len(reason) > LONGEST_REASON:
        raise RuleRefused(said("At most %(most)s characters.", most=LONGEST_REASON), field="reason")
    if before is not None:
        before.state = "earlier"
        db.session.flush()
    row.state, row.reason, row.published_by, row.published_at = "published", reason, by, now()
    db.session.flush()
    record(
        HOUSE,
        actor=by,
        action="risk_rules.published",
        subject=f"{mode} {row.version}",
        mode=mode,
        version=row.version,
        rules=len(row.rules),
        reason=reason,
    )
    forget()
    return row


def drop_draft(mode: str, *, revision: int) -> None:
    """The draft is thrown away; what counts stays. Refuses DraftMovedOn; none there, nothing happens."""
    hold_vendor(HOUSE)
    row = draft(mode)
    if row is None:
        return
    if row.revision != revision:
        raise DraftMovedOn("Somebody has changed these rules meanwhile. Look at them first.")
    db.session.delete(row)
    db.session.flush()
