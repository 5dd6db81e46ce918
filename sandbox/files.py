"""Files: what an account hands over beside its words. Only evidence for disputes is taken."""

import base64
import hashlib
import io

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from core.web.wire.errors import bad_parameter, missing_parameter
from sandbox.calls import call
from sandbox.finding import get, list_page
from sandbox.ids import new_id

LARGEST_FILE = 5_000_000
PATH = "/v1/files"
# what a file begins with, by its type
HEADS = {"pdf": b"%PDF-", "png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}


def read_upload(body, content_type):
    """A multipart body as the values of a call: `purpose`, and `file` with its name and bytes."""
    kind, options = parse_options_header(content_type)
    parser = FormDataParser(max_form_memory_size=100_000, max_form_parts=10)
    try:
        _, form, files = parser.parse(io.BytesIO(body), kind, len(body), options)
    except (ValueError, RequestEntityTooLarge):
        raise bad_parameter("parameter_invalid", None, "The upload cannot be read.") from None
    values = dict(form.items())
    if "file" in files:
        values["file"] = {"name": files["file"].filename or "file", "data": base64.b64encode(files["file"].read()).decode()}
    return values


def mark_of(values):
    """What a repeated upload has in common with the first: not the border between its parts, which is another one each time."""
    return hashlib.sha256(repr(sorted(values.items())).encode()).digest()


@call("POST", "files")
def create_file(shelf, params):
    purpose, file = params.choice("purpose", ("dispute_evidence",), required=True), params.loose("file")
    params.finish()
    if not isinstance(file, dict):
        raise missing_parameter("file")
    data = base64.b64decode(file["data"])
    kind = next((name for name, head in HEADS.items() if data.startswith(head)), None)
    if kind is None or len(data) > LARGEST_FILE:
        raise bad_parameter("parameter_invalid", "file", "A PDF, PNG or JPEG of 5 MB at most is taken.")
    return shelf.put(
        {
            "id": new_id("file"),
            "object": "file",
            "created": int(shelf.now),
            "expires_at": None,
            "filename": file["name"][:200],
            "links": None,
            "purpose": purpose,
            "size": len(data),
            "title": None,
            "type": kind,
            "url": None,
        },
        {"sha256": hashlib.sha256(data).hexdigest()},
    )


@call("GET", "files/<id>")
def read_file(shelf, params, identity):
    params.finish()
    return get(shelf, "file", identity)


@call("GET", "files")
def list_files(shelf, params):
    return list_page(shelf, params, "file", "/v1/files", equal={"purpose": params.text("purpose")}, created=params.between("created"))
