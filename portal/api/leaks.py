"""Where anybody reports a key that was found where it should not be: it is revoked, and whoever reports it learns nothing."""

from __future__ import annotations

from flask import Response, jsonify

from core.accounts.api_keys import report_leaked
from core.notifications.team import tell_team
from core.web.guard import marked
from core.web.throttle import by_address
from portal.api.blueprint import api
from portal.api.kinds import Fields, Text, read
from portal.api.paging import read_query

REPORT: Fields = {
    "key": Text(about="The key as it was found.", least=1, most=200),
    "where": Text(about="Where it was found: an address.", usual="", most=500),
}


@api.post("/leaked-keys")
@by_address("30 per 10 minutes", scope="leaked-keys")
def report_key() -> Response:
    """The same answer for every key, ours or not, good or revoked."""
    read_query({})
    sent = read(REPORT)
    found = report_leaked(sent["key"].strip(), where=sent["where"])
    if found is not None:
        vendor, key = found
        tell_team(vendor, "key_leaked", mode=key.mode, key=key.public_id)
    response = jsonify(object="leak_report", received=True)
    response.status_code = 202
    return response


marked(report_key, access="public", csrf=False)
