"""Work that gave up can be seen and tried again, from the command line."""

from __future__ import annotations

from typing import Any

from tests.factories import unit


def test_work_that_gave_up_is_shown_with_its_reason_and_tried_again_on_request(shop: Any) -> None:
    from core.kernel.db import db
    from core.kernel.outbox import OutboxTask, enqueue

    with unit(shop.app):
        task = enqueue("make_receipt", shop.vendor.id, queue="papers", mode="test", payment="a payment")
        task.state, task.attempts, task.last_error = "dead", 12, "the press is broken"
    run = shop.app.test_cli_runner().invoke
    assert "make_receipt" in (told := run(args=["dead-tasks"]).output) and "the press is broken" in told
    assert "tried again now" in run(args=["dead-tasks", "--again"]).output
    with unit(shop.app):
        kept = db.session.get_one(OutboxTask, (shop.vendor.id, task.id))
        assert (kept.state, kept.attempts) == ("waiting", 0)
        db.session.delete(kept)
