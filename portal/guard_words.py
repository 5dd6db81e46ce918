"""What is counted against card testing, in words."""

from __future__ import annotations

from flask_babel import gettext as _


def limit_words(counted: str, of: str) -> str:
    """One limit as a person says it."""
    return {
        ("declines", "address"): _("Declined cards from one network address"),
        ("cards", "address"): _("Different declined cards from one network address"),
        ("tries", "address"): _("Tries to pay from one network address"),
        ("declines", "browser"): _("Declined cards in one browser"),
        ("cards", "browser"): _("Different declined cards in one browser"),
        ("tries", "browser"): _("Tries to pay in one browser"),
        ("declines", "email"): _("Declined cards with one e-mail address"),
        ("cards", "email"): _("Different declined cards with one e-mail address"),
        ("tries", "email"): _("Tries to pay with one e-mail address"),
        ("declines", "card"): _("Declines of one card"),
        ("links", "card"): _("Links on which one card was declined"),
        ("declines", "link"): _("Declined cards on one link"),
        ("declines", "vendor"): _("Declined cards on all your links"),
    }.get((counted, of), f"{counted} {of}")


def span_words(seconds: int) -> str:
    """A window's length."""
    if seconds >= 86400:
        return _("a day")
    return _("an hour") if seconds == 3600 else _("%(minutes)s minutes", minutes=seconds // 60)
