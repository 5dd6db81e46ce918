"""What a message may become."""

from __future__ import annotations

from core.kernel.errors import Conflict

# sent: a mail server took it; kept: there is no mail server, it can be read in the outbox; failed: nobody will get it;
# held: it never left, because its address takes no letters; bounced: a mail server refused it for good, at once or days later;
# overtaken: when its turn came, what it says was no longer true, and nobody misses it.
MESSAGE: dict[str, frozenset[str]] = {
    "queued": frozenset({"sent", "kept", "failed", "held", "bounced", "overtaken"}),
    "failed": frozenset({"queued"}),  # a person asks to try again
    "held": frozenset({"queued"}),  # a person lets the address through
    "bounced": frozenset({"queued"}),
    "sent": frozenset({"bounced"}),
    "kept": frozenset(),
    "overtaken": frozenset(),
}


class MessageIsOver(Conflict):
    """The message has already gone where it was going."""

    code = "message_is_over"


def check_move(old: str, new: str) -> None:
    """Refuse a move the table does not allow."""
    if new not in MESSAGE[old]:
        raise MessageIsOver(f"This message is {old} and cannot become {new}.")
