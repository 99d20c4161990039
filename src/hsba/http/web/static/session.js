// A person goes away and comes back within the page he is writing: it is covered when nobody touches it or a key locks it,
// a request that met an ended session waits for the person and is sent again, and a grave act asks who it is first.

{
  const cover = document.getElementById("cover");
  const form = cover.querySelector("form");
  const typed = form.elements.typed;
  const alert = form.querySelector("[role=alert]");
  const over = form.querySelector(".over");
  const login = cover.dataset.login;
  const idle = Number(cover.dataset.idle) * 1000;
  const OURS = { "hsba-script": "1" };
  const ELSEWHERE = /^\/(login|logout|lock|unlock|switch|session)\b/;
  const tabs = new BroadcastChannel("hsba-session");
  const plain = window.fetch.bind(window);

  // --- asking -------------------------------------------------------------------------------------------------------

  let settle = null; // what to do once the person has answered: with what the server gave, or null for "no"
  let waiting = null; // the one question that is open, whoever waits for its answer

  const say = (text) => {
    alert.textContent = text;
    alert.hidden = !text;
  };

  const ask = (act) => {
    waiting ??= new Promise((resolve) => {
      settle = resolve;
      cover.dataset.act = act ?? "";
      cover.classList.toggle("prove", Boolean(act));
      document.documentElement.classList.toggle("covered", !act);
      say("");
      over.hidden = true;
      typed.value = "";
      cover.showModal();
      typed.focus();
    });
    return waiting;
  };

  const done = (answer) => {
    const resolve = settle;
    settle = waiting = null;
    document.documentElement.classList.remove("covered");
    cover.close();
    typed.value = "";
    seen = touched = Date.now();
    resolve?.(answer);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const act = cover.dataset.act;
    const body = new URLSearchParams({ typed: typed.value, as: login, act });
    typed.value = "";
    let answer;
    try {
      answer = await plain(act ? "/session/proof" : "/unlock", { method: "POST", body, headers: OURS });
    } catch {
      answer = null;
    }
    if (answer?.ok) {
      if (!act) tabs.postMessage("back");
      done(act ? await answer.text() : "");
      return;
    }
    const why = answer?.headers.get("hsba-session");
    if (why === "other") return location.assign("/");
    over.hidden = why !== "over";
    say(answer ? await answer.text() : alert.dataset.offline ?? "…");
    if (why === "covered") done(null);
    typed.focus();
  });

  over.addEventListener("click", () => {
    addEventListener("focus", async () => (await holds()) && settle && done(""), { once: true });
  });

  cover.addEventListener("cancel", (event) => event.preventDefault());
  cover.addEventListener("close", () => settle && cover.showModal());
  form.querySelector("button[value=cancel]").addEventListener("click", () => done(null));

  // --- going away -----------------------------------------------------------------------------------------------------

  let seen = Date.now(); // the last touch, here or in another tab of ours
  let touched = 0; // the last touch that the server knows of

  const holds = async () => {
    const answer = await plain(`/session?as=${encodeURIComponent(login)}`, { headers: OURS });
    if (answer.headers.get("hsba-session") === "other") location.assign("/");
    return answer.status !== 401 && answer.headers.get("hsba-session") === null;
  };

  const lock = async () => {
    ask();
    const place = location.pathname + location.search;
    await plain("/lock", { method: "POST", body: new URLSearchParams({ next: place }), headers: OURS }).catch(() => null);
  };

  const touch = () => {
    if (settle) return;
    const now = Date.now();
    if (now - seen > Math.min(2000, idle / 8)) tabs.postMessage("touched");
    seen = now;
  };
  for (const kind of ["keydown", "pointerdown", "input", "scroll", "pointermove"]) {
    addEventListener(kind, touch, { passive: true, capture: true });
  }
  tabs.addEventListener("message", async ({ data }) => {
    if (data === "touched") seen = Date.now();
    else if (data === "locked" && !settle) ask();
    else if (data === "back" && settle && !cover.dataset.act && (await holds())) done("");
  });

  const look = () => {
    const now = Date.now();
    if (settle) return;
    if (now - seen >= idle) {
      tabs.postMessage("locked");
      lock();
    } else if (seen > touched && now - touched > Math.min(60000, idle / 3)) {
      touched = now;
      holds().then((alive) => alive || settle || ask(), () => null);
    }
  };
  touched = Date.now();
  setInterval(look, Math.max(250, Math.min(15000, idle / 4)));
  document.addEventListener("visibilitychange", look); // a PC that slept counts no seconds

  const lockNow = (event) => {
    event.preventDefault();
    if (settle) return;
    tabs.postMessage("locked");
    lock();
  };
  document.querySelector("form.lock")?.addEventListener("submit", lockNow);
  addEventListener("keydown", (event) => {
    if (event.key === "F4" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey) lockNow(event);
  });

  // --- somebody else takes the PC: what stands in the page is left with the server ----------------------------------------

  const written = (one) => [...one.elements].some((field) =>
    "defaultValue" in field && field.type !== "hidden" && field.type !== "password" && field.value !== field.defaultValue);

  form.querySelector("[data-leave]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const left = [...document.querySelectorAll("main form[method=post]")].find(written);
    if (left) {
      const fields = new FormData(left);
      for (const field of left.elements) if (field.type === "password") fields.delete(field.name);
      const body = new URLSearchParams(fields);
      const target = new URL(left.action).pathname + new URL(left.action).search;
      await plain("/session/unsent", { method: "POST", body: new URLSearchParams({ target, body }), headers: OURS });
    }
    settle = null;
    location.assign("/switch");
  });

  // --- requests that met an ended session -----------------------------------------------------------------------------------

  window.fetch = async (...asked) => {
    const again = asked[0] instanceof Request ? asked[0].clone() : null;
    const answer = await plain(...asked);
    if (answer.status !== 401 || !answer.headers.has("hsba-session")) return answer;
    await ask();
    return again ? plain(again) : plain(...asked);
  };

  let sure = null; // the form whose way is free
  addEventListener("submit", async (event) => {
    const one = event.target;
    const button = event.submitter;
    const path = new URL(one.action).pathname;
    if (event.defaultPrevented || one.method !== "post" || one === form || sure === one || ELSEWHERE.test(path)) return;
    event.preventDefault();
    const alive = await holds().catch(() => true);
    if (!alive) await ask();
    if (one.dataset.proof && !one.elements.proof) {
      const proof = await ask(one.dataset.proof);
      if (!proof) return;
      one.append(Object.assign(document.createElement("input"), { type: "hidden", name: "proof", value: proof }));
    }
    sure = one;
    one.requestSubmit(button?.isConnected ? button : undefined);
    sure = null;
  });
}
