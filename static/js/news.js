/* A portal page that stays open: keeps the number on the bell true and, where the reader wants it, shows news as the system's own notices.
   It asks again and again, which keeps no session awake, and stops when the session has ended. */
"use strict";

(() => {
  const { news, every, whose, name, unread } = document.currentScript.dataset;
  const KNOWN = `news-known-${whose}`; // the newest notice that some page of this browser knew
  const WANTED = "news-wanted";
  const able = "Notification" in window;
  const store = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem(key, value); } catch { /* then each page starts anew */ } },
  };
  const wanted = () => able && Notification.permission === "granted" && store.get(WANTED) === "yes";

  function ring(count) {
    for (const link of document.querySelectorAll("[data-bell]")) {
      let mark = link.querySelector(".bell-count");
      if (!count) {
        if (mark) mark.remove();
        continue;
      }
      if (!mark) {
        mark = link.appendChild(document.createElement("span"));
        mark.className = "bell-count";
      }
      const word = document.createElement("span");
      word.className = "visually-hidden";
      word.textContent = ` ${unread}`;
      mark.replaceChildren(count, word);
    }
  }

  function show(one) {
    const shown = new Notification(one.title, { body: name, tag: one.id }); // of two pages that tell the same, one is seen
    shown.onclick = () => {
      window.focus();
      location.assign("/portal/notices");
      shown.close();
    };
  }

  async function ask() {
    if (document.visibilityState === "hidden" && !wanted()) return true;
    const known = store.get(KNOWN) || "";
    let answer;
    try {
      answer = await fetch(`${news}?since=${encodeURIComponent(known)}`, { redirect: "manual", headers: { Accept: "application/json" } });
    } catch {
      return true; // the line is down: later
    }
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return false;
    if (answer.status === 404) store.set(KNOWN, ""); // what we knew is not there any more
    if (!answer.ok) return true;
    const said = await answer.json();
    ring(said.unread);
    if ((store.get(KNOWN) || "") !== known) return true; // another page has told it meanwhile
    store.set(KNOWN, said.newest);
    if (wanted()) said.news.reverse().forEach(show);
    return true;
  }

  async function keepAsking() {
    if (await ask()) setTimeout(keepAsking, Number(every) * 1000);
  }
  setTimeout(keepAsking, Number(every) * 1000);

  document.addEventListener("DOMContentLoaded", () => {
    const place = document.querySelector("[data-browser-news]");
    if (!place) return;
    const [on, off] = [place.querySelector("[data-news-on]"), place.querySelector("[data-news-off]")];
    const tell = () => {
      const state = !able ? "unable" : Notification.permission === "denied" ? "denied" : wanted() ? "on" : "off";
      for (const line of place.querySelectorAll("[data-says]")) line.hidden = line.dataset.says !== state;
      on.hidden = state !== "off";
      off.hidden = state !== "on";
    };
    on.addEventListener("click", async () => {
      if ((await Notification.requestPermission()) === "granted") store.set(WANTED, "yes");
      tell();
      ask();
    });
    off.addEventListener("click", () => {
      store.set(WANTED, "no");
      tell();
    });
    tell();
  });
})();
