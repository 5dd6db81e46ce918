"""Files that people send in: opened, checked and drawn anew before they are kept. PDF, PNG and JPEG, and nothing in them that could act by itself."""

from __future__ import annotations

import io

from core.kernel.checked_file import LARGEST_UPLOAD, BadFile, Checked
from core.kernel.drawing import drawn_flat, has_too_many_points, one_at_a_time
from core.kernel.sentence import said

LONGEST_SIDE, SMALLEST_SIDE, QUALITY = 2000, 40, 85
PICTURES = {"PNG", "JPEG"}


def check_file(data: bytes) -> Checked:
    """A PDF, PNG or JPEG that opens. Pictures are drawn anew; of a PDF the pages are kept, and nothing that could act by itself."""
    if not data:
        raise BadFile("Choose a file first.")
    if len(data) > LARGEST_UPLOAD:
        raise BadFile(said("This file is larger than %(most)s MB. Choose a smaller one.", most=LARGEST_UPLOAD // 1_000_000))
    if not data[:1024].lstrip().startswith(b"%PDF-"):
        with one_at_a_time("file"):
            return _picture(data)
    from core.kernel.pdf_uploads import check_pdf  # what reads them is loaded with the first one

    return check_pdf(data)


def _picture(data: bytes) -> Checked:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=tuple(PICTURES)) as found:
            width, height = found.size
            if has_too_many_points(found) or min(width, height) < SMALLEST_SIDE:
                raise BadFile(said("This picture has %(width)s × %(height)s points. Choose another one.", width=width, height=height))
            drawn = drawn_flat(found, LONGEST_SIDE)
        made = io.BytesIO()
        drawn.save(made, "JPEG", quality=QUALITY)
    except BadFile:
        raise
    except UnidentifiedImageError:
        raise BadFile("Only PDF, PNG and JPEG are taken. Save it as one of these and send that.") from None
    except Exception:
        raise BadFile("This picture is damaged: it cannot be read to its end. Save it anew and send that.") from None
    return Checked(made.getvalue(), "image/jpeg", 1)


def file_name(name: str, media_type: str) -> str:
    """What a person called it, with the ending that it has now."""
    stem = "".join(sign for sign in name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1].rsplit(".", 1)[0] if sign.isprintable()).strip()
    return f"{stem[:100] or 'file'}.{'pdf' if media_type == 'application/pdf' else 'jpg'}"
