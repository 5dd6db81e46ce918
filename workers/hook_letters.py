"""What the letter about a webhook that stopped is written from."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.hooks.endpoints import get_endpoint
from core.kernel.errors import NotFound
from core.notifications.models import Message
from core.web import addresses
from workers.letter import Facts, NoLongerTrue


def stopped(vendor: Vendor, message: Message) -> Facts:
    """Not written when it is on again, or taken away, by now."""
    try:
        endpoint = get_endpoint(vendor, message.mode, message.params["endpoint"])
    except NotFound:
        raise NoLongerTrue("the webhook was taken away") from None
    if endpoint.state != "off":
        raise NoLongerTrue("the webhook is on again")
    where = addresses.portal_webhook(endpoint.public_id, message.mode)
    return {"endpoint": endpoint, "stopped_at": endpoint.failed_at, "practice": message.mode == "test", "action_url": where}
