"""What the roles of a vendor's people and of the staff are called in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

WORDS = {
    "owner": _l("owner"), "admin": _l("admin"), "manager": _l("manager"), "accountant": _l("finance"), "support": _l("support"),
    "developer": _l("developer"), "viewer": _l("viewer"), "custom": _l("a role of its own"),
    "reviewer": _l("reviewer"), "finance": _l("finance"), "superuser": _l("superuser"),
}  # fmt: skip


def role_word(role: str) -> str:
    """One role."""
    return str(WORDS.get(role, role))


def may_not(role: str, those_who_may: Iterable[str]) -> str:
    """The sentence for somebody whose role does not permit it."""
    roles = reduce(lambda some, one: _("%(some)s or %(one)s", some=some, one=one), map(role_word, those_who_may))
    return _("Your role (%(role)s) may not do this. It takes the role %(roles)s.", role=role_word(role), roles=roles)
