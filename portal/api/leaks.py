"""Where anybody reports a key that was found where it should not be: it is revoked, and whoever reports it learns nothing."""

from __future__ import annotations

from typing import Any

from core.accounts.api_keys import report_leaked
from core.notifications.team import tell_team
from core.web.throttle import count_try, network_of_caller
from portal.api.endpoint import endpoint
from portal.api.kinds import Text
from portal.api.shapes import flag, shape

REPORTS = "30 per 10 minutes"  # from one address
LEAK_REPORT = shape("leak_report", "That a report has arrived: the same for every text.", received=flag("Always true.", lambda _: True))


@endpoint(
    "POST", "/leaked-keys", gives=LEAK_REPORT, status=202, access="public",
    takes={
        "key": Text(about="The key as it was found.", least=1, most=200, example="portal_sk_test_..."),
        "where": Text(about="Where it was found: an address.", usual="", most=500),
    },
)  # fmt: skip
def report_key(sent: dict[str, Any]) -> dict[str, Any]:
    """Report a key that was found where it should not be

    A secret or restricted one of ours is revoked at once, and its team is told. The answer is the same for every text, ours or not.
    """
    count_try(REPORTS, scope="leaked-keys", whose=network_of_caller())
    found = report_leaked(sent["key"].strip(), where=sent["where"])
    if found is not None:
        vendor, key = found
        tell_team(vendor, "key_leaked", mode=key.mode, key=key.public_id)
    return LEAK_REPORT.encode(None)
