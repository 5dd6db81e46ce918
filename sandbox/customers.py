"""Customers: who pays, kept by the account."""

from core.web.wire.errors import not_found
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id
from sandbox.methods import attach, resolve_method

_TEXTS = (("email", 512), ("name", 256), ("phone", 20), ("description", 5000))


def _fields(params, current):
    changed = {"metadata": params.metadata(current.get("metadata"))}
    for field, longest in _TEXTS:
        if params.has(field):
            changed[field] = params.text(field, longest=longest)
    for field in ("address", "shipping"):
        if params.has(field):
            changed[field] = params.loose(field)
    return changed


@call("POST", "customers")
def create_customer(shelf, params):
    fields, method = _fields(params, {}), params.text("payment_method")
    params.finish()
    customer = shelf.put(
        {
            "id": new_id("cus"),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": int(shelf.now),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "email": None,
            "invoice_prefix": letters(8).upper(),
            "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None},
            "livemode": False,
            "name": None,
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
            **fields,
        }
    )
    emit(shelf, "customer.created", customer)
    if method:
        attach(shelf, resolve_method(shelf, method), customer["id"])
    return customer


@call("GET", "customers/<id>")
def read_customer(shelf, params, identity):
    params.finish()
    return get(shelf, "customer", identity)


@call("POST", "customers/<id>")
def update_customer(shelf, params, identity):
    customer = get(shelf, "customer", identity)
    if customer.get("deleted"):
        raise not_found("customer", identity)
    changed = {**customer, **_fields(params, customer)}
    settings = params.inner("invoice_settings")
    if params.has("invoice_settings"):
        changed["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": settings.text("default_payment_method")}
        settings.finish()
    params.finish()
    emit(shelf, "customer.updated", shelf.put(changed), customer)
    return changed


@call("DELETE", "customers/<id>")
def delete_customer(shelf, params, identity):
    params.finish()
    customer = get(shelf, "customer", identity)
    for method in shelf.rows("payment_method", equal={"customer": identity}):
        shelf.put({**method, "customer": None})
    emit(shelf, "customer.deleted", customer)
    return shelf.put({"id": identity, "object": "customer", "created": customer["created"], "deleted": True})


@call("GET", "customers")
def list_customers(shelf, params):
    found = list_page(shelf, params, "customer", "/v1/customers", equal={"email": params.text("email")}, created=params.between("created"))
    return {**found, "data": [row for row in found["data"] if not row.get("deleted")]}
