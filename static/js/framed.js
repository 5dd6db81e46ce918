/* A payer's page inside another website speaks with the script around it: how high it is, and what becomes of the payment.
   It speaks to one origin only, which our server has looked up, and says nothing of anybody: a number and a state. */
"use strict";

(() => {
  const { frameOf: origin, frameNonce: nonce, payment, state } = document.currentScript.dataset;
  if (window.parent === window) return;
  const page = Math.random(); // tells this page's words from the next one's
  const tell = (type, more) => window.parent.postMessage({ v: 1, nonce, page, type, ...more }, origin);
  const about = { payment: payment || null, state };
  let submitted = state === "checking";
  let height = 0;

  const size = () => {
    const now = Math.ceil(document.body.getBoundingClientRect().height);
    if (now !== height) tell("resize", { height: now });
    height = now;
  };
  const begin = () => {
    height = 0;
    tell("loaded", about);
    size();
    if (submitted) tell("submitted", about);
    if (state === "paid") tell("success", about);
    if (["failed", "canceled", "expired", "locked", "held"].includes(state)) tell("failure", about);
  };

  // Whether something is under way, as the processor's fields say it: until it has an answer nobody should close this.
  document.addEventListener("portal:submitted", () => {
    submitted = true;
    tell("submitted", about);
  });
  document.addEventListener("portal:ready", () => {
    if (submitted) tell("loaded", about);
    submitted = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !submitted) tell("close", about);
  });
  // Asked again by the page around us, whose own script may have been late.
  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== origin) return;
    const said = event.data;
    if (said && said.v === 1 && said.nonce === nonce && said.type === "ask") begin();
  });
  document.addEventListener("DOMContentLoaded", () => {
    begin();
    new ResizeObserver(size).observe(document.body);
  });
})();
