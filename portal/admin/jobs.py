"""Work that gave up: what it was, why it failed, and the button that lets it try again."""

from __future__ import annotations

import json

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from core.accounts.everywhere import vendors_by_id
from core.kernel.dead_tasks import list_dead_everywhere, try_again, try_all_again
from core.providers.redact import redacted, redacted_text
from core.web.page import cursor, page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door


@staff_door.get("/staff/jobs")
@staff_may("jobs.see")
def jobs() -> Response:
    after = cursor()
    found = list_dead_everywhere(after=after)
    return page(
        "portal/admin/jobs/index.html",
        tasks=found.rows,
        vendors=vendors_by_id({task.vendor_id for task in found.rows}),
        may_retry=staff().may("jobs.retry"),
        shown=lambda args: redacted(json.dumps(args)),
        error=lambda text: redacted_text(text or ""),
        newest=url_for(".jobs") if after else None,
        older=url_for(".jobs", after=found.next) if found.next else None,
    )


@staff_door.post("/staff/jobs/<task>/retries")
@staff_may("jobs.retry")
def retry_job(task: str) -> Response:
    again = try_again(task, by=staff().public_id)
    flash(_("“%(job)s” is tried again now. If it fails again, it comes back here.", job=again.job), "good")
    return see_other(url_for(".jobs"))


@staff_door.post("/staff/jobs/retries")
@staff_may("jobs.retry")
def retry_all_jobs() -> Response:
    count = try_all_again(by=staff().public_id)
    words = ngettext(
        "%(num)s job is tried again now. What fails again comes back here.",
        "%(num)s jobs are tried again now. What fails again comes back here.",
        count,
    )
    flash(words, "good")
    return see_other(url_for(".jobs"))
