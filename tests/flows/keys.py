"""Somebody who has only a keyboard: goes from thing to thing with Tab, sees where they are, and presses Enter or Space."""

from __future__ import annotations

import re
from typing import Any

LONGEST_WALK = 90
# What the element in focus is called, how it looks, and whether it is in sight.
LOOK = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
  const named = e.getAttribute("aria-label") || label || e.innerText || e.value || e.title || "";
  const marked = (one) => {
    if (!one) return false;
    const s = getComputedStyle(one);
    return s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
  };
  const box = e.getBoundingClientRect();
  return {
    tag: e.tagName, name: named.replace(/\\s+/g, " ").trim(), text: e.matches("input, textarea, select"),
    marked: marked(e) || marked(e.closest("label")) || marked(e.nextElementSibling),
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
  };
}"""


class Keys:
    """One person at one page. Nothing here touches a mouse, or the focus, but by keys."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.walked: list[str] = []

    def here(self) -> dict[str, Any] | None:
        """Where the focus is, also inside the processor's frame."""
        frame, found = self.page.main_frame, None
        while frame is not None:
            found = frame.evaluate(LOOK)
            if found is None or found["tag"] != "IFRAME":
                return found
            inner = frame.evaluate_handle("document.activeElement").as_element()
            frame = inner.content_frame() if inner else None
        return found

    def to(self, name: str) -> Keys:
        """On with Tab until something of this name has the focus, seen and marked."""
        self.walked = []
        for _ in range(LONGEST_WALK):
            self.page.keyboard.press("Tab")
            at = self.here()
            if at is None:
                continue
            self.walked.append(at["name"])
            if re.search(name, at["name"]):
                assert at["seen"], f"{at['name']!r} has the focus and is not in sight"
                assert at["marked"], f"nothing shows that {at['name']!r} has the focus"
                return self
        raise AssertionError(f"no key leads to {name!r} on {self.page.url}; passed {self.walked}")

    def write(self, text: str) -> Keys:
        """Over what stands in the field."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        return self

    def press(self, key: str) -> None:
        """Enter or Space."""
        self.page.keyboard.press(key)
