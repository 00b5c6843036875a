// Keeps a second click from sending again. The form works without this: the server takes a repeated entry once.
"use strict";

for (const form of document.forms) {
  const button = form.querySelector("button[type=submit]");
  form.addEventListener("submit", () => {
    // After the browser has read the form, so that nothing of it changes.
    setTimeout(() => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    });
  });
  // A page that comes back from the browser's memory has to be usable again.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  });
}
