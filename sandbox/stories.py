"""Stories: misfortunes a person or a test can order for one account, for ever or for the next few payments."""

import json

from core.web.wire.errors import bad_parameter

# name -> (what it does, the setting it takes with its default, what `times` counts)
STORIES = {
    "webhook_late": ("Webhooks arrive late", ("seconds", 20), "payments"),
    "webhook_doubled": ("Every webhook arrives twice", ("seconds", 1), "payments"),
    "webhook_lost": ("Webhooks never arrive", None, "payments"),
    "webhook_out_of_order": ("Webhooks of a payment arrive in the wrong order", ("seconds", 2), "payments"),
    "challenge_abandoned": ("The payer closes the window at their bank", None, "payments"),
    "refund_doubled": ("Every refund is made twice, although it was asked for once", None, "payments"),
    "bank_late": ("A bank that answers later takes its time", ("seconds", 300), "payments"),
    "timeout_before": ("The API hangs, then drops the line; nothing happened", ("seconds", 30), "calls"),
    "timeout_after": ("The API does the work, then hangs and drops the line", ("seconds", 30), "calls"),
    "error_before": ("The API answers 500; nothing happened", None, "calls"),
    "error_after": ("The API answers 500 although the work was done", None, "calls"),
    "slow": ("The API answers slowly", ("seconds", 3), "calls"),
    "blank_page": ("A list answers an empty page and says that there is more", None, "calls"),
    "busy": ("The API answers 429, too many requests", None, "calls"),
}
API_STORIES = [name for name, row in STORIES.items() if row[2] == "calls"]
MOST_SECONDS = 86_400


def add(shelf, name, *, seconds=None, times=None, path=None, subject=None):
    """Orders a story. `times` limits it (payments or calls, see STORIES), `path` to calls whose path begins so, `subject` to one payment."""
    if name not in STORIES:
        raise bad_parameter("parameter_invalid", "story", f"There is no story '{name}'. Known: {', '.join(STORIES)}.")
    setting = STORIES[name][1]
    settings = {"path": path or "/v1/"}
    if setting:
        settings["seconds"] = setting[1] if seconds is None else seconds
    times = 0 if subject else times  # that one, and no other
    cursor = shelf.connection.execute(
        "INSERT INTO stories (account, name, settings, remaining) VALUES (?, ?, ?, ?)",
        (shelf.account, name, json.dumps(settings), times),
    )
    if subject:
        shelf.connection.execute("INSERT INTO story_subjects (story, subject) VALUES (?, ?)", (cursor.lastrowid, subject))
    return {"id": cursor.lastrowid, "story": name, "remaining": times, **settings}


def listed(shelf):
    rows = shelf.connection.execute(
        "SELECT * FROM stories WHERE account = ? AND (remaining IS NULL OR remaining > 0 OR EXISTS "
        "(SELECT 1 FROM story_subjects WHERE story = seq)) ORDER BY seq",
        (shelf.account,),
    )
    return [{"id": row["seq"], "story": row["name"], "remaining": row["remaining"], **json.loads(row["settings"])} for row in rows]


def end(shelf, identity=None):
    """Ends one story, or all of the account's."""
    found = shelf.connection.execute(
        "SELECT seq FROM stories WHERE account = ? AND seq = coalesce(?, seq)", (shelf.account, identity)
    ).fetchall()
    for row in found:
        shelf.connection.execute("DELETE FROM story_subjects WHERE story = ?", (row["seq"],))
        shelf.connection.execute("DELETE FROM stories WHERE seq = ?", (row["seq"],))
    return len(found)


def told_about(shelf, name, subject):
    """The settings of a running story that covers this payment; a limited story takes a new payment in while it can."""
    for row in shelf.connection.execute(
        "SELECT * FROM stories WHERE account = ? AND name = ? ORDER BY seq", (shelf.account, name)
    ).fetchall():
        pinned = shelf.connection.execute("SELECT 1 FROM story_subjects WHERE story = ? AND subject = ?", (row["seq"], subject)).fetchone()
        if row["remaining"] is None or pinned:
            return json.loads(row["settings"])
        if row["remaining"] > 0:
            shelf.connection.execute("UPDATE stories SET remaining = remaining - 1 WHERE seq = ?", (row["seq"],))
            shelf.connection.execute("INSERT INTO story_subjects (story, subject) VALUES (?, ?)", (row["seq"], subject))
            return json.loads(row["settings"])
    return None


def next_call(shelf, path):
    """The first API story for this call as (name, settings), used up by one; None when all is well."""
    marks = ", ".join("?" * len(API_STORIES))
    rows = shelf.connection.execute(
        f"SELECT * FROM stories WHERE account = ? AND name IN ({marks}) AND (remaining IS NULL OR remaining > 0) ORDER BY seq",
        (shelf.account, *API_STORIES),
    ).fetchall()
    for row in rows:
        settings = json.loads(row["settings"])
        if path.startswith(settings["path"]):
            if row["remaining"] is not None:
                shelf.connection.execute("UPDATE stories SET remaining = remaining - 1 WHERE seq = ?", (row["seq"],))
            return row["name"], settings
    return None


def delivery_delays(shelf, subject):
    """When the deliveries of one event leave, in seconds from now: [] never, [0] at once, [0, 1] twice."""
    if told_about(shelf, "webhook_lost", subject):
        return []
    delay = 0
    late = told_about(shelf, "webhook_late", subject)
    if late:
        delay = late["seconds"]
    shuffled = told_about(shelf, "webhook_out_of_order", subject)
    if shuffled:
        # events are written oldest first: the first waits longest, each later one a little less
        told = shelf.connection.execute(
            "SELECT count(*) FROM deliveries d JOIN objects o ON o.id = d.event WHERE d.account = ? AND "
            "d.state = 'waiting' AND (json_extract(o.body, '$.data.object.id') = ? OR "
            "json_extract(o.body, '$.data.object.payment_intent') = ?)",
            (shelf.account, subject, subject),
        ).fetchone()[0]
        delay += max(0.0, shuffled["seconds"] - told * shuffled["seconds"] / 4)
    doubled = told_about(shelf, "webhook_doubled", subject)
    return [delay, delay + doubled["seconds"]] if doubled else [delay]
