"""The attributes of a category, and every version of them that there was."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.directory.attributes import check_schema
from core.directory.models import Category, CategorySchema
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import NotFound


def change_schema(slug: str, document: Any, *, by: str) -> Category:
    """Another version of a category's attributes, from now on. Refuses BadAttribute, naming the attribute, and a category that there is not.

    What is kept of products is not rewritten: what the new version does not know is not shown, and is found by nobody once its listing is
    written down anew. The same document again is no new version.
    """
    category = db.session.get(Category, slug)
    if category is None:
        raise NotFound("There is no such category.")
    attributes, category = check_schema(document), lock_again(category)
    if attributes == category.attributes:
        return category
    category.attributes, category.schema_version = attributes, category.schema_version + 1
    row = CategorySchema(category=slug, version=category.schema_version, attributes=attributes, created_at=now(), created_by=by)
    db.session.add(row)
    db.session.flush()
    record(HOUSE, actor=by, action="schema.changed", subject=slug, version=category.schema_version)
    return category


def versions_of(slug: str) -> list[CategorySchema]:
    """All there were, the newest first."""
    return list(db.session.scalars(select(CategorySchema).where(CategorySchema.category == slug).order_by(CategorySchema.version.desc())))
