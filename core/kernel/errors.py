"""Refusals: the one way the business says no. A door turns one into a page, a fragment or a JSON problem."""

from __future__ import annotations

from collections.abc import Sequence

from core.kernel.sentence import said


class Refusal(Exception):
    """Something was asked that may not be. `code` is stable, `message` is for a person, `field` says where to look."""

    code = "refused"
    status = 422
    each: Sequence[Refusal] = ()  # where several things are wrong at once: each of them, at its field

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(Refusal):
    """There is no such thing, or none that the asker may know of."""

    code = "not_found"
    status = 404

    def __init__(self, message: str = said("We could not find that.")) -> None:
        super().__init__(message)


class NotAllowed(Refusal):
    """The asker's role does not permit this."""

    code = "not_allowed"
    status = 403


class Conflict(Refusal):
    """The thing has moved on since the asker looked at it."""

    code = "conflict"
    status = 409


class NeedsASecondPerson(Refusal):
    """Who asked for it, or made it, does not let it through too."""

    code = "needs_a_second_person"
