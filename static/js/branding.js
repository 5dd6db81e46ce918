/* The browser's own picker beside each field for a colour; what is picked is written into the field, which is what is sent. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("form[data-colours] input[name^=accent]")) {
    const picker = document.createElement("input");
    const pair = document.createElement("div");
    picker.type = "color";
    picker.setAttribute("aria-label", field.dataset.pick);
    picker.value = field.dataset.ours;
    const follow = () => {
      if (/^#?[0-9a-f]{6}$/i.test(field.value.trim())) picker.value = `#${field.value.trim().replace("#", "").toLowerCase()}`;
    };
    pair.className = "colour-pair";
    field.before(pair);
    pair.append(picker, field);
    picker.addEventListener("input", () => { field.value = picker.value; });
    field.addEventListener("input", follow);
    follow();
  }
});
