"""What an endpoint and a delivery may be, why a delivery was made, and when a try is followed by another one."""

from __future__ import annotations

from datetime import timedelta

ENDPOINT = frozenset({"on", "off", "gone"})  # off: by a person or by itself; gone: taken away, its log is kept for a while
DELIVERY: dict[str, frozenset[str]] = {
    "waiting": frozenset({"delivered", "failed", "superseded", "canceled"}),
    "delivered": frozenset(),
    "failed": frozenset(),  # all tries were made
    "superseded": frozenset(),  # a newer state of the same object is sent instead
    "canceled": frozenset(),  # its endpoint was switched off
}
CAUSES = frozenset({"event", "again", "catch_up", "test"})

# Before each try: ten of them in a little more than three days. Each wait is made longer by up to a tenth, so that what failed together
# does not come back together.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
JITTER = 10  # a part in so many
PATIENCE = timedelta(days=3)  # an endpoint that took nothing for so long is switched off
WORRY = timedelta(days=1)  # after so long without a success those who look after it hear of it, while there is time to mend it
LONGEST_REST = timedelta(hours=1)  # however much later a receiver wants to be asked again
OVERLAP = timedelta(hours=24)  # that a former secret still signs
KEPT = timedelta(days=90)  # events and what became of them
ANSWER_KEPT = 2000  # signs of an answer
LARGEST_BODY = 20_000  # bytes
