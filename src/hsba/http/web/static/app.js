// What the browser adds to pages that work without it: the finder as one types, and the keys of the design's table.

const finder = document.querySelector(".finder input[name=q], .narrowing input[name=q]");
const results = document.getElementById("results");

// --- finding while typing: 200 ms after the last input, never in the middle of a Telex or VNI composition ---------

if (finder?.dataset.live && window.htmx) {
  let timer = 0;
  let asked = finder.value.trim();
  const ask = () => {
    const typed = finder.value.trim();
    if (typed === asked) return;
    asked = typed;
    if (typed.length === 1) return;
    if (typed === "" && location.pathname !== "/find") {
      results.replaceChildren();
      return;
    }
    results.classList.add("waiting");
    finder.dispatchEvent(new CustomEvent("find", { bubbles: true }));
  };
  const soon = (event) => {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  };
  finder.addEventListener("input", soon);
  finder.addEventListener("compositionend", soon);
  new MutationObserver(() => results.classList.remove("waiting")).observe(results, { childList: true });
}

// --- keys --------------------------------------------------------------------------------------------------------

const move = (step) => {
  const rows = [...document.querySelectorAll("#results .people a")];
  const at = rows.indexOf(document.activeElement);
  const next = at + step;
  if (next < 0) finder?.focus();
  else rows[Math.min(next, rows.length - 1)]?.focus();
  return rows.length > 0;
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const plain = !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey;
  if (event.key === "F2" && plain) {
    event.preventDefault();
    if (finder && finder.offsetParent !== null) {
      finder.focus();
      finder.select();
    } else {
      location.assign(document.querySelector('nav a[href="/admin"]') ? "/admin/accounts" : "/find");
    }
  } else if (event.altKey && !event.ctrlKey && !event.metaKey && /^[1-9]$/.test(event.key)) {
    const tab = document.querySelectorAll(".tabs:not(.local) a")[Number(event.key) - 1];
    if (tab) {
      event.preventDefault();
      tab.click();
    }
  } else if (plain && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const inList = document.activeElement?.closest?.("#results .people") || document.activeElement === finder;
    if (inList && move(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
  } else if (plain && event.key === "Escape" && document.activeElement?.closest?.("#results")) {
    finder?.focus();
  }
});

// --- paper: closed notes are opened for the print and closed again after it ----------------------------------------

let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const one of opened) one.open = true;
});
addEventListener("afterprint", () => {
  for (const one of opened) one.open = false;
});
