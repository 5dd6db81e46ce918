"""The portal's blueprint: vendors' pages under /portal, and the pages where one signs up and in."""

from __future__ import annotations

from flask import Blueprint

portal = Blueprint("portal", __name__)
