"""What letters about a webhook that takes nothing, or was switched off, are written from."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.hooks.endpoints import get_endpoint
from core.hooks.models import HookEndpoint
from core.hooks.states import PATIENCE
from core.kernel.errors import NotFound
from core.notifications.models import Message
from core.web import addresses
from workers.letter import Facts, NoLongerTrue


def failing(vendor: Vendor, message: Message) -> Facts:
    """Not written when something has arrived again, or when it is off, by now."""
    endpoint = _endpoint(vendor, message)
    if endpoint.state != "on" or endpoint.failing_since is None:
        raise NoLongerTrue("the webhook works again, or is off")
    where, ends_at = addresses.portal_webhook(endpoint.public_id, message.mode), endpoint.failing_since + PATIENCE
    return {"endpoint": endpoint, "ends_at": ends_at, "practice": message.mode == "test", "action_url": where}


def stopped(vendor: Vendor, message: Message) -> Facts:
    """Not written when it is on again, or taken away, by now."""
    endpoint = _endpoint(vendor, message)
    if endpoint.state != "off":
        raise NoLongerTrue("the webhook is on again")
    where = addresses.portal_webhook(endpoint.public_id, message.mode)
    return {"endpoint": endpoint, "stopped_at": endpoint.failed_at, "practice": message.mode == "test", "action_url": where}


def _endpoint(vendor: Vendor, message: Message) -> HookEndpoint:
    try:
        return get_endpoint(vendor, message.mode, message.params["endpoint"])
    except NotFound:
        raise NoLongerTrue("the webhook was taken away") from None
