/* Paying on our page: shows the processor's card fields, listens to their frame, and goes where the truth is when they are done.
   Without this script the button leads to the processor's own page; every other way to pay leads there anyway. */
"use strict";

(() => {
  const place = document.getElementById("card-fields");
  const leave = document.getElementById("card-leave");
  if (!place || !leave) return;
  const radios = [...document.querySelectorAll("#ways input[name=method]")];
  let ready = false; // the fields are on the page
  let asked = place.getAttribute("hx-trigger").startsWith("load");

  const chosen = () => radios.find((radio) => radio.checked);
  const wantsFields = () => radios.length === 0 || Boolean(chosen() && "fields" in chosen().dataset);

  // The card's fields and the button take turns: whichever serves the way that is chosen is in front.
  const show = () => {
    const fields = wantsFields() && asked;
    place.hidden = !fields;
    leave.hidden = fields && ready;
    leave.classList.toggle("card-leave", fields && !ready);
  };
  const wait = () => {
    const line = document.createElement("p");
    line.className = "card-wait";
    line.textContent = place.dataset.opening;
    place.replaceChildren(line);
  };
  const useButton = () => {
    place.replaceChildren();
    ready = false;
    asked = false;
    leave.classList.add("card-leave-shown");
    show();
  };

  for (const radio of radios) {
    radio.addEventListener("change", () => {
      if (wantsFields() && !asked) {
        // The payer asks for it: what is open elsewhere for this payment may be called off.
        asked = true;
        leave.classList.remove("card-leave-shown");
        place.setAttribute("hx-vals", '{"surface": "fields", "method": "card", "switch": "yes"}');
        wait();
        show();
        window.htmx.trigger(place, "card-chosen");
        return;
      }
      show();
    });
  }
  if (asked) wait();
  show();

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== place) return;
    const frame = place.querySelector("[data-frame]");
    const stripe = place.querySelector("[data-stripe]");
    const proof = place.querySelector("[data-proof]");
    if (frame) listen(frame);
    else if (stripe) mountStripe(stripe);
    else if (!proof) useButton();
  });
  // Only now htmx listens to what it has put there: a form sent a moment earlier would take the whole page away to the answer.
  document.addEventListener("htmx:afterSettle", (event) => {
    const proof = event.detail.target === place && place.querySelector("[data-proof]");
    if (proof) prove(proof);
  });
  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:swapError", "htmx:targetError"]) {
    document.addEventListener(name, useButton);
  }

  // Asked for a moment's work before the fields open: its script is fetched only then, and the button stays away meanwhile.
  function prove(form) {
    ready = true;
    show();
    const script = document.createElement("script");
    script.src = form.dataset.solver;
    script.onload = () => script.remove();
    document.head.append(script);
  }

  // The newest try is what counts. Once another card is sent, or the frame itself says what became of one, the page is silent about the one before.
  const tried = () => {
    const declined = document.querySelector(".declined");
    if (!declined) return;
    const heading = document.createElement("h1");
    heading.className = "till-heading";
    heading.textContent = declined.dataset.heading;
    document.title = declined.dataset.title;
    declined.replaceWith(heading);
  };

  // The frame speaks to us by messages; only its own window and its own origin are heard, and only known words.
  function listen(frame) {
    ready = true;
    show();
    window.addEventListener("message", (event) => {
      if (event.source !== frame.contentWindow || event.origin !== frame.dataset.origin) return;
      const said = event.data;
      if (!said || typeof said !== "object" || said.v !== 1) return;
      if (said.type === "resize" && Number.isInteger(said.height)) {
        frame.height = String(Math.min(Math.max(said.height, 120), 2000));
      }
      if (["submitted", "asking", "problem"].includes(said.type)) tried();
      if (said.type === "submitted" || said.type === "ready") document.dispatchEvent(new Event(`portal:${said.type}`));
      // What it says about the payment is a hint: our server asks the processor itself.
      if (said.type === "done") window.location.assign(frame.dataset.back);
    });
  }

  function mountStripe(form) {
    const script = document.createElement("script");
    script.src = "https://js.stripe.com/v3/";
    script.onerror = useButton;
    script.onload = () => {
      ready = true;
      show();
      const stripe = window.Stripe(form.dataset.key);
      const shown = window.getComputedStyle(document.documentElement).colorScheme; // the address may have chosen
      const dark = shown === "dark" || (shown !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--brand").trim();
      const appearance = { theme: dark ? "night" : "stripe", variables: colour ? { colorPrimary: colour } : {} };
      const elements = stripe.elements({ clientSecret: form.dataset.secret, appearance });
      elements.create("payment").mount(form.querySelector("[data-mount]"));
      const button = form.querySelector("[data-pay]");
      const problem = form.querySelector("[data-problem]");
      button.disabled = false;
      form.addEventListener("submit", async (event) => {
        event.preventDefault();
        if (button.disabled) return;
        button.disabled = true;
        problem.hidden = true;
        tried();
        document.dispatchEvent(new Event("portal:submitted"));
        const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.back }, redirect: "if_required" });
        if (!answer.error) {
          window.location.assign(form.dataset.here); // our server asks the processor what became of it
          return;
        }
        document.dispatchEvent(new Event("portal:ready"));
        button.disabled = false;
        problem.hidden = false;
        problem.textContent = answer.error.message;
      });
    };
    document.head.append(script);
  }
})();
