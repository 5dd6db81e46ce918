"""Static files: served without Flask, compressed once, named by their content, so that a browser may keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from flask import Flask, request
from whitenoise import WhiteNoise

from core.web import inline

FOR_EVER = 31_536_000
TEXT = (".css", ".js", ".svg")
# Sheets that one kind of page always needs together are sent as one: a payer on a slow phone waits for them before anything is seen.
JOINED = {"css/till.css": ("css/tokens.css", "css/base.css", "css/components.css", "css/checkout.css")}
EMBED = "embed"  # scripts for other people's pages: a published one stays as it is for ever, a new one is a new file
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NEEDLESS = re.compile(r"(?<=[{};,])\n")  # a line's end where none has to be


def join(root: Path) -> None:
    """Lay the joined sheets beside their parts, without comments and indentation, anew when a part is newer."""
    for name, parts in JOINED.items():
        path, files = root / name, [root / part for part in parts]
        if not path.exists() or path.stat().st_mtime < max(file.stat().st_mtime for file in files):
            text = _COMMENT.sub("", "".join(file.read_text() for file in files))
            made = path.with_name(f".{path.name}.{os.getpid()}")
            made.write_text(_NEEDLESS.sub("", "\n".join(line for line in map(str.strip, text.splitlines()) if line)))
            made.replace(path)


def compress(root: Path) -> None:
    """Lay a compressed copy beside each file of text, anew when the file is newer. Several processes may do so at once."""
    for path in root.rglob("*"):
        if path.suffix not in TEXT:
            continue
        packed = path.with_name(path.name + ".gz")
        if not packed.exists() or packed.stat().st_mtime < path.stat().st_mtime:
            made = path.with_name(f".{path.name}.{os.getpid()}.gz")
            made.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
            made.replace(packed)


def install(app: Flask) -> None:
    """Each address carries `?v=` and the file's own digest: a changed file is a new address."""
    root = Path(app.static_folder or "static")
    with suppress(OSError):  # a folder that may not be written is served as it is
        join(root)
        compress(root)
    digests: dict[str, str] = {}

    def digest(filename: str) -> str:
        if filename not in digests or app.debug:
            path = root / filename
            digests[filename] = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "0"
        return digests[filename]

    def name_by_content(endpoint: str, values: dict[str, Any]) -> None:
        # The style sheets name the fonts plainly; a second name for the same file would be fetched twice.
        if endpoint == "static" and not values.get("filename", "fonts/").startswith("fonts/"):
            values.setdefault("v", digest(values["filename"]))

    def headers(found: Headers, path: str, _url: str) -> None:
        found["X-Content-Type-Options"] = "nosniff"
        elsewhere = path.startswith(str(root / EMBED))  # other sites' pages load what stands there, and nothing else of ours
        found["Cross-Origin-Resource-Policy"] = "cross-origin" if elsewhere else "same-origin"
        if elsewhere:
            found["Cache-Control"] = f"public, max-age={FOR_EVER}, immutable"

    known: dict[tuple[str, str, bool], str] = {}

    def url_for(endpoint: str, **values: Any) -> str:
        """As Flask's. The addresses of our files, of which every page names a handful, are worked out once."""
        if endpoint != "static" or app.debug or values.keys() - {"filename", "v"}:
            return app.url_for(endpoint, **values)
        key = (request.root_path, values["filename"], "v" in values)
        if key not in known:
            known[key] = app.url_for(endpoint, **values)
        return known[key]

    def sheets(name: str) -> tuple[str, ...]:
        """The joined sheet; its parts while they are being worked on, or where it could not be laid down."""
        return (name,) if not app.debug and (root / name).is_file() else JOINED[name]

    app.jinja_env.globals["sheets"] = sheets
    inline.install(app, root / "css/till.css")
    app.url_defaults(name_by_content)
    app.jinja_env.globals["url_for"] = url_for
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=root, prefix="static/", max_age=FOR_EVER, add_headers_function=headers, autorefresh=app.debug
    )
