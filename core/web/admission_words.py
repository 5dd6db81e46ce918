"""What an application to be let into live mode is made of, in words: for the pages of both sides."""

from __future__ import annotations

from flask_babel import gettext as _


def papers() -> dict[str, str]:
    """What a paper shows."""
    return {
        "register": _("Entry in the register of companies or trades"),
        "person": _("Who the responsible person is"),
        "address": _("Where the business is"),
        "bank": _("Whose the bank account is"),
        "other": _("Something else"),
    }


def reviews() -> dict[str, tuple[str, str]]:
    """What the staff said of one paper -> words and tone."""
    return {"": (_("Not looked at yet"), "quiet"), "accepted": (_("Accepted"), "good"), "refused": (_("Not accepted"), "bad")}


def states() -> dict[str, tuple[str, str]]:
    """State -> words and tone."""
    return {
        "sent": (_("Being looked at"), "info"),
        "asked": (_("Waits for an answer"), "warn"),
        "approved": (_("Let in"), "good"),
        "refused": (_("Not let in"), "bad"),
    }


def steps() -> dict[str, str]:
    """A step of the trail."""
    return {
        "sent": _("Sent"),
        "asked": _("The staff asked"),
        "answered": _("Answered"),
        "approved": _("Let in"),
        "refused": _("Not let in"),
    }
