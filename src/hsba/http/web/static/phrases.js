// Phrases in the fields of a form: `;sot` offers what is kept behind it; nothing is written before somebody chooses.

{
  const form = document.getElementById("part");
  const BEGUN = /(?:^|[\s(])(;[\p{L}\p{N}_-]{1,20})$/u;
  const box = document.createElement("ul");
  box.className = "phrases";
  box.id = "phrases";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", form.dataset.phrases);
  box.hidden = true;
  let field = null;
  let begun = "";
  let timer = 0;
  let active = -1;

  const close = () => {
    box.hidden = true;
    active = -1;
    field?.removeAttribute("aria-activedescendant");
    field?.removeAttribute("aria-controls");
  };

  const mark = (at) => {
    [...box.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    active = at;
    if (at >= 0) field.setAttribute("aria-activedescendant", box.children[at].id);
  };

  const choose = (option) => {
    const end = field.selectionStart;
    field.setRangeText(option.dataset.words, end - begun.length, end, "end");
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const ask = async () => {
    const asked = begun;
    const item = field.name.split(".").slice(0, 3).join(".");
    const answer = await fetch(`/forms/phrases/_offered?q=${encodeURIComponent(asked.slice(1))}&item=${encodeURIComponent(item)}`);
    if (!answer.ok || asked !== begun) return;
    const found = await answer.json();
    box.replaceChildren(
      ...found.map(([short, words], number) => {
        const option = document.createElement("li");
        option.id = `phrase-${number}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.words = words;
        const code = document.createElement("b");
        code.textContent = `;${short} `;
        option.append(code, words.slice(0, 200));
        return option;
      }),
    );
    if (!found.length) return close();
    field.after(box);
    field.setAttribute("aria-controls", box.id);
    box.hidden = false;
  };

  form.addEventListener("input", (event) => {
    const one = event.target;
    if (event.isComposing || !(one.tagName === "TEXTAREA" || (one.type === "text" && one.getAttribute("role") !== "combobox"))) return;
    clearTimeout(timer);
    const found = one.value.slice(0, one.selectionStart).match(BEGUN);
    if (!found) return close();
    [field, begun] = [one, found[1]];
    timer = setTimeout(() => ask().catch(close), 150);
  });
  form.addEventListener("keydown", (event) => {
    if (box.hidden || event.isComposing || event.keyCode === 229 || event.target !== field) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((active + step + box.children.length) % box.children.length);
    } else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) {
      event.preventDefault();
      choose(box.children[active]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  box.addEventListener("mousedown", (event) => event.preventDefault());
  box.addEventListener("click", (event) => {
    const option = event.target.closest("li");
    if (option) choose(option);
  });
  form.addEventListener("focusout", () => setTimeout(() => document.activeElement !== field && close(), 150));
}
