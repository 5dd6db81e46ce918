"""From which network somebody comes, for counting what comes from one place."""

from __future__ import annotations

from ipaddress import ip_address, ip_network


def one_network(address: str) -> str:
    """What counts as one address: of IPv6 everything that one connection gets, for it can use a new one for every try."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network(f"{address}/64", strict=False)) if found.version == 6 and "%" not in address else str(found)
