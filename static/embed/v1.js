/* Shows a payment page inside yours: <a data-pay="inline" href="…/pay/…"> becomes the form, data-pay="popup" opens it above the page.
   Where that cannot be (a narrow screen, no https, a site its seller has not named) the link stays a link and pays all the same. */
"use strict";

(() => {
  if (window.PayEmbed) return;
  const HOME = new URL(document.currentScript.src).origin;
  const NARROW = 480;
  const WORDS = {
    en: ["Payment", "Close"], de: ["Zahlung", "Schließen"], fr: ["Paiement", "Fermer"], es: ["Pago", "Cerrar"],
    pl: ["Płatność", "Zamknij"], ar: ["الدفع", "إغلاق"], ja: ["お支払い", "閉じる"],
  };
  const GIVEN = { email: "email", name: "name", reference: "reference", locale: "lang", theme: "theme" };
  const made = new WeakMap();

  const words = (link) => WORDS[(link.dataset.locale || document.documentElement.lang || "en").slice(0, 2)] || WORDS.en;
  const local = () => ["localhost", "127.0.0.1"].includes(location.hostname);
  const fits = () => innerWidth >= NARROW && (location.protocol === "https:" || (local() && location.protocol === "http:"));

  // The link's own address with what the page knows of its reader: filled in, and theirs to change.
  function addressOf(link) {
    const address = new URL(link.href);
    for (const [from, to] of Object.entries(GIVEN)) if (link.dataset[from]) address.searchParams.set(to, link.dataset[from]);
    return address;
  }

  // One frame, of which only its own window, our origin and its own word are heard.
  function open(link, place, told) {
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const address = addressOf(link);
    address.pathname = `/embed${address.pathname}`;
    address.searchParams.set("origin", location.origin);
    address.searchParams.set("nonce", nonce);
    const frame = document.createElement("iframe");
    frame.title = words(link)[0];
    frame.allow = "payment";
    Object.assign(frame.style, { display: "block", width: "100%", height: "0", border: "0", colorScheme: "normal" });
    const heard = new Set();
    let settle;
    const ready = new Promise((good, bad) => { settle = { good, bad }; });
    ready.catch(() => 0);
    const give = () => settle.bad(new Error("The payment page may not be shown here."));
    let timer = setTimeout(give, 10000);
    const hear = (event) => {
      const said = event.data;
      if (event.source !== frame.contentWindow || event.origin !== HOME || !said || said.v !== 1 || said.nonce !== nonce) return;
      if (said.type === "resize") {
        if (said.height > 0) frame.style.height = `${Math.min(Math.max(said.height, 200), 2000)}px`;
        return;
      }
      if (said.type === "loaded") {
        clearTimeout(timer);
        settle.good();
      }
      const once = `${said.page} ${said.type}`; // asked again: no news
      told(said, !heard.has(once));
      heard.add(once);
    };
    addEventListener("message", hear);
    frame.addEventListener("load", () => {
      // A browser that refuses the page says nothing but this. What is allowed speaks at once.
      clearTimeout(timer);
      timer = setTimeout(give, 2500);
      if (frame.contentWindow) frame.contentWindow.postMessage({ v: 1, nonce, type: "ask" }, HOME);
    });
    frame.src = address;
    place(frame);
    const end = () => {
      clearTimeout(timer);
      removeEventListener("message", hear);
      frame.remove();
    };
    return { frame, ready, end };
  }

  // Your own script may listen on the link or above it, and keep a popup open with preventDefault() on pay:close.
  function say(link, type, said) {
    const detail = { payment: said.payment || null, state: said.state || null };
    return link.dispatchEvent(new CustomEvent(`pay:${type}`, { bubbles: true, cancelable: true, detail }));
  }

  function inline(link) {
    const shown = open(link, (frame) => link.after(frame), (said, news) => {
      if (said.type === "loaded") link.hidden = true;
      if (news && said.type !== "close") say(link, said.type, said);
    });
    const close = () => {
      shown.end();
      link.hidden = false;
    };
    shown.ready.catch(() => {
      close();
      say(link, "fallback", {});
    });
    return { ready: shown.ready, close };
  }

  function popup(link) {
    let now = null;
    link.setAttribute("aria-haspopup", "dialog");
    const close = () => {
      if (!now) return;
      const { dialog, shown } = now;
      now = null;
      shown.end();
      dialog.close();
      dialog.remove();
      link.focus();
    };
    const show = () => {
      if (now) return now.shown.ready;
      const dialog = document.createElement("dialog");
      const box = document.createElement("div");
      const cross = document.createElement("button");
      dialog.setAttribute("aria-label", words(link)[0]);
      cross.type = "button";
      cross.textContent = "×";
      cross.setAttribute("aria-label", words(link)[1]);
      Object.assign(dialog.style, {
        boxSizing: "border-box", width: "100%", maxWidth: "none", height: "100%", maxHeight: "none", margin: "0", padding: "16px", border: "0",
        overflow: "auto", background: "rgba(0, 0, 0, 0.55)",
      });
      Object.assign(box.style, { maxWidth: "480px", margin: "0 auto", borderRadius: "12px", overflow: "hidden", background: "#fff" });
      Object.assign(cross.style, {
        display: "block", width: "44px", height: "44px", margin: "0 0 0 auto", border: "0", background: "none", color: "#333",
        font: "24px/1 sans-serif", cursor: "pointer",
      });
      let busy = false; // something was sent: it is not closed before there is an answer
      const wish = (said) => { if (!busy && say(link, "close", said)) close(); };
      box.append(cross);
      dialog.append(box);
      document.body.append(dialog);
      const shown = open(link, (frame) => box.append(frame), (said, news) => {
        busy = said.type === "submitted" || (busy && said.type === "close");
        cross.style.display = busy ? "none" : "block";
        if (said.type === "close") wish(said);
        else if (news) say(link, said.type, said);
      });
      now = { dialog, shown };
      cross.addEventListener("click", () => wish({}));
      dialog.addEventListener("click", (event) => { if (event.target === dialog) wish({}); });
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        wish({});
      });
      dialog.addEventListener("close", () => { if (now && now.dialog === dialog) dialog.showModal(); }); // Esc pressed again and again
      dialog.showModal();
      shown.ready.catch(() => {
        if (!now) return;
        close();
        say(link, "fallback", {});
        location.assign(link.href);
      });
      return shown.ready;
    };
    link.addEventListener("click", (event) => {
      if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || !fits()) return;
      event.preventDefault();
      show();
    });
    return { get ready() { return show(); }, close };
  }

  function create(link) {
    if (made.has(link)) return made.get(link);
    let one = { ready: Promise.reject(new Error("The link stays a link.")), close() {} };
    one.ready.catch(() => {});
    if (new URL(link.href).origin === HOME) {
      link.href = addressOf(link);
      if (link.dataset.pay === "popup") one = popup(link);
      else if (fits()) one = inline(link);
    }
    made.set(link, one);
    return one;
  }

  window.PayEmbed = {
    create,
    close: (link) => { if (made.has(link)) made.get(link).close(); },
    on: (type, heard) => document.addEventListener(`pay:${type}`, (event) => heard(event.detail, event)),
  };
  const begin = () => { for (const link of document.querySelectorAll("a[data-pay]")) create(link); };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
