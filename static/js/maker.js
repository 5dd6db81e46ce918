/* The picture beside a form, of a payment page or a letter, follows what is typed: the form is sent into a fresh frame, which takes the place of the old one when it
   has loaded. A fresh frame leaves no trace in the browser's history. Without this script a button shows the picture. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("picture");
  if (!place) return;
  document.getElementById("picture-by-hand").hidden = true;
  let timer = 0;
  let count = 0;
  let shown = "";

  function draw() {
    const form = document.getElementById("link-form");
    const data = new FormData(form);
    data.delete("go");
    const typed = new URLSearchParams(data).toString();
    if (typed === shown) return;
    shown = typed;
    const frame = document.createElement("iframe");
    frame.name = `picture-${(count += 1)}`;
    frame.title = place.dataset.title;
    frame.tabIndex = -1;
    frame.className = "picture-coming";
    const sender = document.createElement("form");
    Object.assign(sender, { method: "post", action: place.dataset.draw, target: frame.name, hidden: true });
    for (const [name, value] of data) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      sender.append(input);
    }
    place.append(frame);
    document.body.append(sender);
    frame.addEventListener("load", () => {
      const page = frame.contentDocument; // none where the frame is shut off from us, as a letter is
      if (page && !page.querySelector(".till")) return; // the empty frame before, or no answer
      const down = page ? place.querySelector("iframe:not(.picture-coming)")?.contentWindow?.scrollY || 0 : 0;
      for (const old of [...place.children]) if (old !== frame && Number(old.name.split("-")[1] || 0) < count) old.remove();
      frame.className = "";
      if (page) frame.contentWindow.scrollTo(0, down);
    });
    sender.submit();
    sender.remove();
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(draw, 350);
  };
  for (const kind of ["input", "change"]) {
    document.addEventListener(kind, (event) => {
      if (event.target instanceof Element && event.target.closest("#link-form")) soon();
    });
  }
  document.addEventListener("htmx:afterSettle", soon);
});
