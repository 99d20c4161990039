// The finder of codes: a combobox (WAI-ARIA 1.2) over what the server finds; arrows, Enter and Esc do everything.

for (const box of document.querySelectorAll("[data-codes]")) {
  const input = box.querySelector("[role=combobox]");
  const found = box.querySelector(".found");
  const into = [...box.querySelectorAll("[data-into]")];
  let options = [];
  let active = -1;
  let timer = 0;
  let asked = null;

  const mark = (number) => {
    options[active]?.setAttribute("aria-selected", "false");
    active = number;
    const option = options[active];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };

  // The server's list of links becomes a list of options: one stays in the field and moves through them.
  const dress = () => {
    const list = found.querySelector("ol");
    options = [...found.querySelectorAll("ol > li")];
    active = -1;
    input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-expanded", String(options.length > 0));
    input.setAttribute("aria-controls", list ? `${found.id}-list` : found.id);
    if (!list) return;
    list.id = `${found.id}-list`;
    list.setAttribute("role", "listbox");
    options.forEach((option, number) => {
      option.id = `${found.id}-${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const link = option.querySelector("a");
      if (link) {
        option.dataset.href = link.href;
        link.replaceWith(...link.childNodes);
      }
    });
  };

  const close = () => {
    clearTimeout(timer);
    asked = null;
    found.replaceChildren();
    dress();
  };

  const ask = async () => {
    const typed = input.value.trim();
    if (typed === asked) return;
    asked = typed;
    if (typed.length === 1) return;
    const answer = await fetch(`${box.dataset.codes}&q=${encodeURIComponent(typed)}`, { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 401) {
      location.reload(); // logged out meanwhile
      return;
    }
    const text = await answer.text();
    if (typed !== asked) return; // something else was typed meanwhile
    found.innerHTML = text;
    dress();
  };

  const choose = (option) => {
    if (!into.length) {
      location.assign(option.dataset.href);
      return;
    }
    for (const field of into) field.value = option.dataset[field.dataset.into] ?? "";
    input.value = `${option.dataset.code} ${option.dataset.display}`;
    const told = box.querySelector(".chosen");
    told.textContent = [...option.querySelectorAll(".warned")].map((one) => one.textContent).join(" ");
    told.hidden = told.textContent === "";
    close();
    asked = input.value.trim();
    box.dispatchEvent(new CustomEvent("code-chosen", { bubbles: true, detail: { ...option.dataset } }));
  };

  input.addEventListener("input", (event) => {
    for (const field of into) field.value = ""; // what is typed anew is not chosen yet
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("compositionend", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!options.length) ask();
      else mark((active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1) + options.length) % options.length);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      choose(options[active]);
    } else if (event.key === "Escape") {
      if (options.length) {
        event.preventDefault();
        close();
      } else {
        input.value = "";
        for (const field of into) field.value = "";
      }
    }
  });
  found.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the cursor
  found.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  dress();
}
