/* Passkeys: asks our server for a question, has the browser's device answer it, and sends the answer with the form around the button.
   Where a browser cannot do that the button stays hidden; every page can be used without. */
"use strict";

(() => {
  const kind = window.PublicKeyCredential;
  if (!kind || !kind.parseCreationOptionsFromJSON || !kind.parseRequestOptionsFromJSON || !kind.prototype.toJSON) return;

  async function answerTo(act, asked) {
    const answer = act === "create"
      ? await navigator.credentials.create({ publicKey: kind.parseCreationOptionsFromJSON(asked) })
      : await navigator.credentials.get({ publicKey: kind.parseRequestOptionsFromJSON(asked) });
    return JSON.stringify(answer.toJSON());
  }

  async function question(form, { passkey: act, ask }) {
    const sent = new FormData();
    for (const name of act === "create" ? ["csrf_token", "name"] : ["csrf_token"]) sent.append(name, form.elements[name].value);
    const answer = await fetch(ask, { method: "POST", body: sent, redirect: "error" });
    const json = (answer.headers.get("Content-Type") || "").startsWith("application/json") ? await answer.json() : {};
    if (!answer.ok) throw Object.assign(new Error("refused"), { words: json.wrong });
    return json;
  }

  for (const place of document.querySelectorAll("[data-passkey]")) {
    const form = place.closest("form");
    const button = place.querySelector("button");
    const trouble = place.querySelector("[data-trouble]");
    const usual = trouble.textContent;
    let under_way = false;
    button.addEventListener("click", async () => {
      if (under_way) return;
      under_way = true;
      trouble.hidden = true;
      try {
        form.elements[place.dataset.field].value = await answerTo(place.dataset.passkey, await question(form, place.dataset));
        form.requestSubmit();
      } catch (problem) {
        trouble.textContent = problem.words || usual;
        trouble.hidden = false;
      } finally {
        under_way = false;
      }
    });
    if (place.dataset.passkey === "create") {
      form.addEventListener("submit", (event) => { // the Enter key in the field for its name
        if (form.elements[place.dataset.field].value) return;
        event.preventDefault();
        event.stopPropagation();
        button.click();
      });
    }
    place.hidden = false;
  }
  for (const line of document.querySelectorAll("[data-without-passkey]")) line.hidden = true;
})();
