/* What every page gains with scripts: forms that go out once, copying, printing, and a word when the line is down.
   Nothing here is needed to use a page. */
"use strict";

// A form marked data-once is sent once: the second click does nothing until the page comes back from history.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-once")) return;
  if (form.dataset.sent === "yes") {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.classList.add("is-busy");
    button.setAttribute("aria-disabled", "true");
  }
});

// The back button brings a page from memory with its buttons still busy, and so does an answer that never came: make them usable again.
function usableAgain() {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll(".is-busy")) {
    button.classList.remove("is-busy");
    button.removeAttribute("aria-disabled");
  }
}
window.addEventListener("pageshow", usableAgain);
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, usableAgain);

document.addEventListener("click", async (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const copier = target && target.closest("[data-copy]");
  if (copier) {
    const source = document.getElementById(copier.dataset.copy);
    const word = copier.querySelector("[data-copied]");
    source.select();
    try {
      await navigator.clipboard.writeText(source.value);
    } catch {
      document.execCommand("copy");
    }
    const before = word.textContent;
    word.textContent = word.dataset.copied;
    setTimeout(() => { word.textContent = before; }, 2000);
  }
  if (target && target.closest("[data-print]")) window.print();
  // A menu closes when the reader turns to something else.
  for (const menu of document.querySelectorAll("details.topbar-menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

// Ctrl-K (or Command-K) goes to the search, wherever one is; where the field is not in sight, to its page.
document.addEventListener("keydown", (event) => {
  if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
  const fields = [...document.querySelectorAll("[data-search]")];
  if (!fields.length) return;
  event.preventDefault();
  const seen = fields.find((field) => field.offsetParent !== null);
  if (seen) {
    seen.focus();
    seen.select();
  } else {
    location.assign(fields[0].form.action);
  }
});

document.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.hasAttribute("data-select")) event.target.select();
});

// The line is down: say what that means on this page.
function tellTheLine() {
  const note = document.getElementById("offline");
  if (!note) return;
  note.hidden = navigator.onLine;
  note.textContent = navigator.onLine ? "" : (document.querySelector("main [data-waiting]") ? note.dataset.waiting : note.dataset.idle);
}
window.addEventListener("online", tellTheLine);
window.addEventListener("offline", tellTheLine);

// What was typed (never a secret) survives a reload of the tab, until the form is sent.
function keepTyped(form) {
  const name = `typed:${location.pathname}`;
  const inputs = [...form.querySelectorAll("input[name]")].filter((input) => ["text", "email"].includes(input.type));
  try {
    const kept = JSON.parse(sessionStorage.getItem(name) || "{}");
    for (const input of inputs) if (!input.value && kept[input.name]) input.value = kept[input.name];
    form.addEventListener("input", () => {
      sessionStorage.setItem(name, JSON.stringify(Object.fromEntries(inputs.map((input) => [input.name, input.value]))));
    });
    form.addEventListener("submit", () => sessionStorage.removeItem(name));
  } catch {
    // A browser that keeps nothing loses nothing else.
  }
}

// In its last five minutes a payment page says how long it stays open; counted from the server's clock.
function countDown(note) {
  const ends = performance.now() + Number(note.dataset.secondsLeft) * 1000;
  const tell = () => {
    const minutes = Math.ceil((ends - performance.now()) / 60000);
    note.hidden = minutes > 5;
    const words = minutes < 1 ? note.dataset.over : note.getAttribute(`data-left-${Math.min(minutes, 5)}`);
    if (note.textContent !== words) note.textContent = words;
  };
  tell();
  setInterval(tell, 5000);
}

document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll("form[data-keep]")) keepTyped(form);
  for (const note of document.querySelectorAll("[data-seconds-left]")) countDown(note);
});

function unveil(event) {
  for (const hidden of document.querySelectorAll("[data-copy][hidden], [data-print][hidden], [data-scripted][hidden]")) hidden.hidden = false;
  const fresh = event.target instanceof Element ? event.target.parentElement || event.target : document;  // only what has just come calls the reader
  const summary = fresh.querySelector(".error-summary[autofocus], .declined[autofocus]");
  if (summary) summary.focus();
  tellTheLine();
}
document.addEventListener("DOMContentLoaded", unveil);
document.addEventListener("htmx:afterSettle", unveil);

// htmx leaves an answer of 4xx on the floor; a refused form must come back with its errors.
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status === 422 || status === 409 || status === 429) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
