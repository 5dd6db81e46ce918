"""Payment method domains: whether wallets may be shown on a site. Here every public name is good; nobody looks at it."""

import re

from core.web.wire.errors import bad_parameter
from sandbox.calls import call
from sandbox.ids import new_id

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_WALLETS = ("apple_pay", "google_pay", "link")


@call("POST", "payment_method_domains")
def register_domain(shelf, params):
    name, enabled = params.text("domain_name", required=True, longest=253).lower(), params.boolean("enabled", default=True)
    params.finish()
    if not _NAME.fullmatch(name):
        raise bad_parameter("parameter_invalid", "domain_name", "domain_name is a host name like shop.example.")
    known = next((one for one in shelf.rows("payment_method_domain") if one["domain_name"] == name), None)
    reached = "." in name and not re.fullmatch(r"[0-9.]+", name)
    problem = {"error_message": "The domain cannot be reached from the internet over https."}
    state = {"status": "active"} if reached else {"status": "inactive", "status_details": problem}
    kept = known or {"id": new_id("pmd"), "object": "payment_method_domain", "created": int(shelf.now), "livemode": False}
    return shelf.put({**kept, "domain_name": name, "enabled": enabled, **dict.fromkeys(_WALLETS, state)})
