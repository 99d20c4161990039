/* Ctrl+Enter sends the form that the page is about. */
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || event.isComposing) return;
  document.querySelector("form.identity")?.requestSubmit();
});
