"""Every code with which something can be refused, read off the refusals themselves."""

from __future__ import annotations

from dataclasses import dataclass

from core.kernel.errors import Refusal
from portal.api.words import WORDS


@dataclass(frozen=True)
class Code:
    """A code, the status it comes with, and what it means."""

    code: str
    status: int
    about: str
    english: bool = True  # what stands in the code about it, which nobody translates


def codes() -> list[Code]:
    """By the alphabet. Two refusals with one code are explained together."""
    found: dict[str, Code] = {}
    waiting: list[type[Refusal]] = [Refusal]
    while waiting:
        one = waiting.pop()
        waiting += one.__subclasses__()
        about = " ".join((one.__doc__ or "").partition("\n\n")[0].split())
        before = found.get(one.code)
        if before is None:
            found[one.code] = Code(one.code, one.status, about)
        elif "code" in vars(one) and about not in before.about:
            found[one.code] = Code(one.code, before.status, f"{before.about} {about}")
    for status, (code, title, detail) in WORDS.items():
        found[code] = Code(code, status, f"{title}. {detail}", english=False)
    return [found[code] for code in sorted(found)]
