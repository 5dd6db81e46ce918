/* The card on our page: shows the processor's fields, listens to their frame, and goes where the truth is when they are done.
   Without this script the button leads to the processor's own page. */
"use strict";

(() => {
  const place = document.getElementById("card-fields");
  const leave = document.getElementById("card-leave");
  if (!place || !leave) return;

  const wait = document.createElement("p");
  wait.className = "card-wait";
  wait.textContent = "Opening the card form…";
  place.append(wait);

  const useButton = () => {
    place.replaceChildren();
    leave.classList.add("card-leave-shown");
  };

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== place) return;
    const frame = place.querySelector("[data-frame]");
    const stripe = place.querySelector("[data-stripe]");
    if (frame) listen(frame);
    else if (stripe) mountStripe(stripe);
    else useButton();
  });
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:swapError", "htmx:targetError"]) {
    document.addEventListener(name, useButton);
  }

  // The frame speaks to us by messages; only its own window and its own origin are heard, and only known words.
  function listen(frame) {
    leave.hidden = true;
    window.addEventListener("message", (event) => {
      if (event.source !== frame.contentWindow || event.origin !== frame.dataset.origin) return;
      const said = event.data;
      if (!said || typeof said !== "object" || said.v !== 1) return;
      if (said.type === "resize" && Number.isInteger(said.height)) {
        frame.height = String(Math.min(Math.max(said.height, 120), 2000));
      }
      // What it says about the payment is a hint: our server asks the processor itself.
      if (said.type === "done") window.location.assign(frame.dataset.back);
    });
  }

  function mountStripe(form) {
    const script = document.createElement("script");
    script.src = "https://js.stripe.com/v3/";
    script.onerror = useButton;
    script.onload = () => {
      leave.hidden = true;
      const stripe = window.Stripe(form.dataset.key);
      const elements = stripe.elements({ clientSecret: form.dataset.secret });
      elements.create("payment").mount(form.querySelector("[data-mount]"));
      const button = form.querySelector("[data-pay]");
      const problem = form.querySelector("[data-problem]");
      button.disabled = false;
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (button.disabled) return;
        button.disabled = true;
        problem.hidden = true;
        const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.back } });
        // Only a refusal comes back here; otherwise the browser has already left for the return address.
        button.disabled = false;
        problem.hidden = false;
        problem.textContent = answer.error ? answer.error.message : "";
      });
    };
    document.head.append(script);
  }
})();
