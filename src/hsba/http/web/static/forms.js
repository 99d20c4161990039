// A part of a form while it is written: kept as one types, here and on the server; conditions, coded boxes, dates, tables,
// drawings, and who else writes.  Characters are read from `input` alone, so that Telex and VNI work as everywhere.

const form = document.getElementById("part");
const state = document.getElementById("state");
const place = location.pathname;
const account = form.dataset.account;
const session = form.elements._session.value;

const composing = (event) => event.isComposing || event.keyCode === 229;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// --- what stands in the form ------------------------------------------------------------------------------------------

// By the name of each field the text that the server reads; boxes ticked are joined, a chosen code goes with its words.
const written = () => {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.name.startsWith("_") || field.dataset.into || field.disabled) continue;
    if (field.type === "radio" || field.type === "checkbox") {
      found[field.name] ??= "";
      if (field.checked && field.value) found[field.name] += (found[field.name] && ", ") + field.value;
    } else if (field.getAttribute("role") === "combobox") {
      const [system, code, display] = ["system", "code", "display"].map((one) => form.elements[`${field.name}-${one}`]?.value ?? "");
      found[field.name] = code ? `${system}|${code}|${display}` : field.value;
    } else if (field.type !== "submit" && field.type !== "button") {
      found[field.name] = field.value;
    }
  }
  for (const name of Object.keys(found)) found[name] = found[name].replaceAll("\0", "");
  return found;
};

const put = (name, text) => {
  const field = form.elements[name];
  if (!field) {
    const [, table, row] = name.match(/^(.+)\.(\d+)\.[^.]+(?:\..+)?$/) ?? [];
    const body = table && rowsOf(name);
    if (!body) return;
    while (!form.elements[name] && body.rows.length <= Number(row)) addRow(body);
    if (form.elements[name]) put(name, text);
    return;
  }
  const one = field instanceof RadioNodeList ? field[0] : field;
  if (one.type === "radio" || one.type === "checkbox") {
    const chosen = text.split(/[,;\s]+/);
    for (const each of field instanceof RadioNodeList ? field : [field]) each.checked = each.value ? chosen.includes(each.value) : text === "";
  } else if (one.getAttribute("role") === "combobox") {
    const parts = text.split("|");
    const coded = parts.length > 2;
    ["system", "code"].forEach((key, at) => (form.elements[`${name}-${key}`].value = coded ? parts[at] : ""));
    form.elements[`${name}-display`].value = coded ? parts.slice(2).join("|") : "";
    one.value = coded ? parts.slice(2).join("|") : text;
  } else {
    one.value = text;
  }
};

// --- kept as one types ------------------------------------------------------------------------------------------------

let sent = "kept" in form.dataset ? written() : {}; // what the server has; of something new nothing yet
let begun = "kept" in form.dataset; // nothing is kept of a page that was only looked at
let step = Date.now();
let timer = 0;
let sending = null;
let key = null;
let failures = 0;

const changed = () => {
  const now = written();
  return Object.fromEntries(Object.entries(now).filter(([name, text]) => text !== (sent[name] ?? "")));
};

const say = (text, waiting = false) => {
  state.textContent = text;
  state.classList.toggle("waiting", waiting);
};

// In the browser at once: one write after the other, the last one wins.
let writing = Promise.resolve();
const keepHere = () => {
  if (!key || !begun) return;
  const diff = changed();
  const base = form.elements._base.value;
  writing = writing.then(() =>
    Object.keys(diff).length ? localCopies.put(key, account, place, { diff, base }) : localCopies.drop(account, place),
  ).catch(() => null);
};

const send = async () => {
  clearTimeout(timer);
  if (sending) return sending;
  const diff = begun ? changed() : {};
  if (!Object.keys(diff).length) return null;
  say(state.dataset.saving);
  sending = (async () => {
    const body = new URLSearchParams({ ...diff, _session: session, _step: String(++step) });
    try {
      const answer = await fetch(`${place}/_draft`, { method: "POST", body, keepalive: String(body).length < 60000 });
      if (!answer.ok) {
        const words = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
        if (answer.status >= 500) throw new Error(words);
        say(state.dataset.refused + words, true);
        return;
      }
      const told = await answer.json();
      sent = { ...sent, ...diff };
      failures = 0;
      say(fill(state.dataset.saved, { time: told.saved }));
      follow(told);
      keepHere();
    } catch {
      failures += 1;
      say(fill(state.dataset.local, { n: Object.keys(diff).length }), true);
      timer = setTimeout(send, Math.min(30000, 2000 * failures));
      return;
    } finally {
      sending = null;
    }
    if (Object.keys(changed()).length) timer = setTimeout(send, 200);
  })();
  return sending;
};
window.formsFlush = async () => {
  await sending;
  await send();
};

const soon = () => {
  begun = true;
  watch();
  keepHere();
  clearTimeout(timer);
  timer = setTimeout(send, failures ? Math.min(30000, 2000 * failures) : 1000);
};

const follow = (told) => {
  for (const [id, text] of Object.entries(told.made)) {
    for (const place of form.querySelectorAll(`[data-made="${CSS.escape(id)}"]`)) place.textContent = text;
  }
  for (const place of form.querySelectorAll("[data-note]")) {
    const [words, stops] = told.notes[place.dataset.note] ?? ["", false];
    const field = form.elements[place.dataset.note];
    const busy = field === document.activeElement; // nothing is said of a field while one is in it
    if (busy && words) continue;
    place.textContent = words;
    place.hidden = !words;
    place.classList.toggle("stops", stops);
    if (field instanceof HTMLElement) {
      if (stops) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
  if (told.hold) held(told.hold);
};

form.addEventListener("input", (event) => {
  begun = true;
  event.target.closest(".copied")?.classList.remove("copied");
  if (event.isComposing) keepHere();
  else soon();
});
form.addEventListener("change", soon);
form.addEventListener("compositionend", soon);
form.addEventListener("code-chosen", soon);
form.addEventListener("focusout", () => send());
addEventListener("online", () => send());
document.addEventListener("visibilitychange", () => document.hidden && send());
addEventListener("pagehide", () => send());

// --- conditions -------------------------------------------------------------------------------------------------------

const others = JSON.parse(form.dataset.others || "{}");
const OPERATORS = {
  "=": (a, b) => a === b, "!=": (a, b) => a !== b, "<": (a, b) => a < b,
  "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};

const answerOf = (id, now) => {
  if (!(id in now)) return others[id] ?? (Object.keys(now).some((name) => name.startsWith(`${id}.`) && now[name]) ? ["true"] : []);
  const text = now[id].trim();
  if (!text) return [];
  const field = form.elements[id];
  const one = field instanceof RadioNodeList ? field[0] : field;
  if (one.type === "checkbox" && one.closest(".k-tick")) return ["true"];
  if (text.split("|").length > 2) return [text.split("|")[1]];
  return one.type === "checkbox" ? text.split(", ") : [one.classList.contains("num") ? text.replace(",", ".") : text];
};

const holds = ({ b, c }, now) => {
  const told = c.map(([id, operator, value]) => {
    const given = answerOf(id, now);
    if (operator === "exists") return given.length > 0 === (value === "true");
    if (!given.length) return operator === "!=";
    return given.some((one) => {
      const both = [one, value].map(Number);
      return both.some(Number.isNaN) ? OPERATORS[operator](one, value) : OPERATORS[operator](...both);
    });
  });
  return b === "any" ? told.some(Boolean) : told.every(Boolean);
};

const watch = () => {
  const now = written();
  for (const item of form.querySelectorAll("[data-when]")) item.hidden = !holds(JSON.parse(item.dataset.when), now);
};

// --- dates as they are typed: the reading stands beside, the field is never rewritten ---------------------------------

const two = (value) => String(value).padStart(2, "0");
const real = (year, month, day) => {
  const found = new Date(Date.UTC(year, month - 1, day));
  return found.getUTCMonth() === month - 1 && found.getUTCDate() === Number(day) && year >= 1850 && year <= 2200
    ? `${two(day)}/${two(month)}/${year}` : null;
};
const dayOf = (text) => {
  const today = new Date();
  const year = today.getFullYear();
  let found;
  if (/^(h|nay|hôm nay)$/i.test(text)) return real(year, today.getMonth() + 1, today.getDate());
  if ((found = text.match(/^([+-]\d{1,3})$/))) {
    today.setDate(today.getDate() + Number(found[1]));
    return real(today.getFullYear(), today.getMonth() + 1, today.getDate());
  }
  if ((found = text.match(/^(\d{1,2})[/.\- ](\d{1,2})(?:[/.\- ](\d{4}))?$/))) return real(Number(found[3] ?? year), Number(found[2]), Number(found[1]));
  if ((found = text.match(/^(\d{2})(\d{2})(\d{4}|\d{2})?$/))) {
    const [, day, month, later] = found;
    const packed = real(later ? Number(later.length === 2 ? `20${later}` : later) : year, Number(month), Number(day));
    return packed ?? (later ? null : text);
  }
  if ((found = text.match(/^(\d{1,2})[/.\-](\d{4})$/))) return `${two(found[1])}/${found[2]}`;
  return null;
};
const hourOf = (text) => {
  const found = text.match(/^(\d{1,2})(?:\s*[:hHgG.\s]\s*(\d{2})?|(?=\d{2}$)(\d{2}))?$/);
  if (!found) return null;
  const [hours, minutes] = [Number(found[1]), Number(found[2] ?? found[3] ?? 0)];
  return hours < 24 && minutes < 60 ? `${two(hours)}:${two(minutes)}` : null;
};
const READ = {
  date: dayOf,
  time: hourOf,
  datetime: (text) => {
    const words = text.split(/\s+/);
    for (let cut = 1; cut < words.length; cut += 1) {
      const [head, tail] = [words.slice(0, cut).join(" "), words.slice(cut).join(" ")];
      for (const [first, second] of [[head, tail], [tail, head]]) {
        const [day, hour] = [dayOf(first), hourOf(second)];
        if (day?.length === 10 && hour) return `${day} ${hour}`;
      }
    }
    return null;
  },
};
const reading = (box) => {
  const text = box.querySelector("input").value.trim();
  const found = text ? READ[box.dataset.day](text) : null;
  const told = box.querySelector(".reading");
  told.textContent = !found || found === text ? "" : `→ ${found}`;
};
const pickers = (within) => {
  for (const box of within.querySelectorAll("[data-day]")) {
    reading(box);
    if (box.querySelector(".pick") || !matchMedia("(pointer: coarse)").matches || box.dataset.day === "time") continue;
    const field = box.querySelector("input");
    const holder = document.createElement("span");
    holder.className = "pick button";
    const native = document.createElement("input");
    native.type = box.dataset.day === "date" ? "date" : "datetime-local";
    native.tabIndex = -1;
    native.setAttribute("aria-hidden", "true");
    native.addEventListener("change", () => {
      const [day, hour] = native.value.split("T");
      field.value = `${day.split("-").reverse().join("/")}${hour ? ` ${hour}` : ""}`;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    holder.append("▾", native);
    box.append(holder);
  }
};
form.addEventListener("input", (event) => {
  const box = event.target.closest("[data-day]");
  if (box && event.target === box.querySelector("input")) reading(box);
});

// --- coded boxes: a digit picks and moves on, Backspace clears ----------------------------------------------------------

const next = (from) => {
  const all = [...form.querySelectorAll("input:not([type=hidden]), textarea, select, button")].filter(
    (one) => one.offsetParent !== null && one.tabIndex >= 0 && !(one.type === "radio" && one.name === from.name),
  );
  const later = all.find((one) => from.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  const checked = later?.type === "radio" ? form.querySelector(`input[name="${CSS.escape(later.name)}"]:checked`) : null;
  (checked ?? later)?.focus();
};
const groupOf = (field) => field.closest?.("[data-boxes]");
let digits = "";
let digitsAt = 0;

form.addEventListener("keydown", (event) => {
  const group = groupOf(event.target);
  if (!group || composing(event) || event.ctrlKey || event.altKey || event.metaKey) return;
  const fields = [...group.querySelectorAll("input")];
  if (/^\d$/.test(event.key)) {
    event.preventDefault();
    digits = Date.now() - digitsAt < 900 ? digits + event.key : event.key;
    digitsAt = Date.now();
    const codes = fields.map((one) => one.value);
    if (!codes.some((code) => code.startsWith(digits))) digits = event.key;
    const at = codes.indexOf(digits);
    if (at < 0) return;
    const longer = codes.some((code) => code !== digits && code.startsWith(digits));
    const many = group.dataset.boxes === "many";
    fields[at].checked = many ? !fields[at].checked : true;
    fields[at].focus();
    fields[at].dispatchEvent(new Event("change", { bubbles: true }));
    if (!many && !longer) {
      digits = "";
      next(fields[at]);
    }
  } else if (event.key === "Backspace" || event.key === "Delete") {
    event.preventDefault();
    for (const one of fields) one.checked = one.value === "" && one.type === "radio";
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// --- tables: another row, and rows from a spreadsheet ---------------------------------------------------------------------

function rowsOf(name) {
  for (const table of form.querySelectorAll("[data-rows]")) if (name.startsWith(`${table.dataset.rows}.`)) return table.tBodies[0];
  return null;
}

function addRow(body) {
  const table = body.closest("[data-rows]").dataset.rows;
  const number = body.rows.length;
  const row = body.rows[0].cloneNode(true);
  for (const one of row.querySelectorAll("[id], [name], [for], [aria-describedby], [data-note], [aria-label]")) {
    for (const name of ["id", "name", "for", "aria-describedby", "data-note"]) {
      const old = one.getAttribute(name);
      if (old) one.setAttribute(name, old.replace(`${table}.0.`, `${table}.${number}.`));
    }
    const label = one.getAttribute("aria-label");
    if (label) one.setAttribute("aria-label", label.replace(/ 1$/, ` ${number + 1}`));
    one.removeAttribute("aria-invalid");
  }
  for (const field of row.querySelectorAll("input, textarea, select")) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
    if (field.tagName === "TEXTAREA") field.textContent = "";
  }
  for (const told of row.querySelectorAll(".reading, .note")) told.textContent = "";
  body.append(row);
  pickers(row);
  return row;
}

for (const button of form.querySelectorAll("[data-add]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const row = addRow(form.querySelector(`[data-rows="${CSS.escape(button.dataset.add)}"]`).tBodies[0]);
    row.querySelector("input, textarea, select")?.focus();
  });
}

const dialog = document.getElementById("paste");
let pasted = null;
form.addEventListener("paste", (event) => {
  const cell = event.target.closest?.("[data-rows] td");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!cell || !/[\t\n]/.test(text.trim())) return;
  event.preventDefault();
  const lines = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n").slice(0, 200).map((line) => line.split("\t"));
  const body = cell.closest("tbody");
  pasted = { body, lines, row: cell.parentElement.sectionRowIndex, column: cell.cellIndex };
  const heads = [...body.closest("table").tHead.rows[0].cells].slice(cell.cellIndex);
  const shown = document.createElement("table");
  const head = shown.createTHead().insertRow();
  for (const one of heads.slice(0, Math.max(...lines.map((line) => line.length)))) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = one.textContent;
    head.append(th);
  }
  const within = shown.createTBody();
  for (const line of lines) {
    const row = within.insertRow();
    for (const one of line.slice(0, heads.length)) row.insertCell().textContent = one;
  }
  dialog.querySelector(".scroll").replaceChildren(shown);
  dialog.showModal();
});
dialog.addEventListener("click", ({ target }) => {
  if (target.value !== "yes" && target.value !== "no") return;
  if (target.value === "yes") {
    const { body, lines, row, column } = pasted;
    lines.forEach((line, down) => {
      while (body.rows.length <= row + down) addRow(body);
      line.forEach((text, across) => {
        const field = body.rows[row + down].cells[column + across]?.querySelector("input, textarea, select");
        if (!field) return;
        if (field.tagName === "SELECT") {
          const wanted = text.trim().toLowerCase();
          const option = [...field.options].find((one) => [one.value.toLowerCase(), one.text.toLowerCase()].includes(wanted));
          field.value = option?.value ?? "";
        } else if (field.type === "checkbox") field.checked = /^(x|1|có|co|true)$/i.test(text.trim());
        else field.value = text;
      });
    });
    for (const box of body.querySelectorAll("[data-day]")) reading(box);
    soon();
  }
  dialog.close();
});

// --- drawings: strokes, not pictures ---------------------------------------------------------------------------------------

for (const box of form.querySelectorAll("[data-drawing]")) {
  const paper = box.querySelector("svg");
  const field = box.querySelector("input[type=hidden]");
  let line = null;
  const point = (event) => {
    const frame = paper.getBoundingClientRect();
    const at = (value, from, size, full) => Math.max(0, Math.min(full, Math.round(((value - from) / size) * full)));
    const { width, height } = paper.viewBox.baseVal;
    return `${at(event.clientX, frame.left, frame.width, width)},${at(event.clientY, frame.top, frame.height, height)}`;
  };
  const save = () => {
    field.value = [...paper.querySelectorAll("polyline")].map((one) => one.getAttribute("points")).join(";");
    soon();
  };
  paper.addEventListener("pointerdown", (event) => {
    paper.setPointerCapture(event.pointerId);
    line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", point(event));
    paper.append(line);
  });
  paper.addEventListener("pointermove", (event) => line?.setAttribute("points", `${line.getAttribute("points")} ${point(event)}`));
  for (const kind of ["pointerup", "pointercancel"]) {
    paper.addEventListener(kind, () => {
      if (line) save();
      line = null;
    });
  }
  box.querySelector("[data-undo]").addEventListener("click", () => {
    paper.querySelector("polyline:last-of-type")?.remove();
    save();
  });
}

// --- who writes -----------------------------------------------------------------------------------------------------------

const holding = document.getElementById("holding");
const want = holding.querySelector("[data-want]");
let mine = holding.hidden;

function held(hold) {
  const words = holding.querySelector("span");
  if (hold.mine && !hold.waiting) holding.hidden = true;
  else {
    const kind = hold.mine ? "wanted" : mine ? "lost" : "other";
    const text = fill(holding.dataset[kind], { name: hold.mine ? hold.waiting : hold.name, since: hold.since, left: hold.left });
    if (words.textContent !== text) words.textContent = text;
    holding.hidden = false;
  }
  want.hidden = hold.mine;
  mine = hold.mine;
}

const askHold = async (act = "") => {
  const body = new URLSearchParams({ _session: session, _act: act });
  try {
    const answer = await fetch(`${place}/_hold`, { method: "POST", body, keepalive: act === "leave" });
    if (answer.ok && answer.status !== 204) held((await answer.json()).hold);
  } catch {
    // off line: who writes is not known, and what is typed is kept here
  }
};
want.hidden = mine;
want.addEventListener("click", () => {
  want.disabled = true;
  askHold("want");
});
setInterval(() => document.hidden || askHold(), 10000);
addEventListener("pagehide", () => askHold("leave"));

// --- keys -------------------------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (composing(event) || event.altKey || event.metaKey) return;
  if (event.ctrlKey && !event.shiftKey && event.key.toLowerCase() === "s") {
    event.preventDefault();
    send();
  } else if (event.ctrlKey && !event.shiftKey && event.key === "Enter") {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[value=complete]"));
  } else if (event.ctrlKey && !event.shiftKey && event.key.toLowerCase() === "p") {
    const print = document.querySelector("a[data-print]");
    if (!print) return;
    event.preventDefault();
    open(print.href, "_blank", "noopener");
  } else if (event.key === "F8" && !event.ctrlKey && !event.shiftKey) {
    const copy = document.querySelector("a[data-copy]");
    if (!copy) return;
    event.preventDefault();
    copy.click();
  }
});

// Sent whole: what waits goes first, so that nothing stays behind in this browser; a second press changes nothing.
let going = false;
let ready = false;
form.addEventListener("submit", async (event) => {
  if (ready) return;
  event.preventDefault();
  event.stopPropagation();
  const button = event.submitter;
  if (going) return;
  begun = true;
  going = true;
  await formsFlush();
  await writing;
  await new Promise((done) => setTimeout(done)); // a form cannot be sent from within the event of its being sent
  if (button?.value === "keep" || failures) {
    going = false;
    return;
  }
  ready = true;
  form.requestSubmit(button);
  setTimeout(() => (ready = going = false), 8000);
});

// --- at the beginning -----------------------------------------------------------------------------------------------------

document.getElementById("problems")?.focus();
pickers(form);
watch();
(async () => {
  if (!window.isSecureContext || !window.indexedDB) return;
  key = await localCopies.key(form.dataset.key);
  const left = await localCopies.get(key, account, place);
  const names = Object.keys(left?.diff ?? {}).filter((name) => written()[name] !== left.diff[name]);
  if (!names.length) return keepHere();
  for (const name of names) put(name, left.diff[name]);
  form.elements._base.value = left.base; // what was saved since is met when the part is completed
  for (const box of form.querySelectorAll("[data-day]")) reading(box);
  say(fill(state.dataset.found, { n: names.length }), true);
  soon();
})();
