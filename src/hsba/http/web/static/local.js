// What was typed and could not be sent yet: kept in this browser, encrypted with a key that the server gives this account
// alone, dropped as soon as the server has it, and wiped when the account logs out.

window.localCopies = (() => {
  const opened = () =>
    new Promise((resolve, reject) => {
      const asked = indexedDB.open("hsba-forms", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("copies");
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  let base = null;

  const store = async (mode, work) => {
    base ??= opened();
    const box = (await base).transaction("copies", mode).objectStore("copies");
    const asked = work(box);
    return new Promise((resolve, reject) => {
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
  };

  const of = (account) => IDBKeyRange.bound(`${account}\n`, `${account}\n\uffff`);

  return {
    key: (text) =>
      crypto.subtle.importKey("raw", Uint8Array.from(atob(text), (one) => one.charCodeAt(0)), "AES-GCM", false, ["encrypt", "decrypt"]),

    async put(key, account, place, value) {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(JSON.stringify(value)));
      await store("readwrite", (box) => box.put({ iv, sealed }, `${account}\n${place}`));
    },

    async get(key, account, place) {
      const found = await store("readonly", (box) => box.get(`${account}\n${place}`));
      if (!found) return null;
      try {
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: found.iv }, key, found.sealed);
        return JSON.parse(new TextDecoder().decode(plain));
      } catch {
        return null; // of another key: nobody can read it any more
      }
    },

    drop: (account, place) => store("readwrite", (box) => box.delete(`${account}\n${place}`)),

    wipe: (account) => store("readwrite", (box) => box.delete(of(account))),

    places: async (account) => (await store("readonly", (box) => box.getAllKeys(of(account)))).map((one) => one.split("\n")[1]),
  };
})();

// Logging out takes the copies along; where one was never sent, its page is opened first, so that it can be.
{
  const form = document.querySelector("form.leave");
  const account = document.getElementById("cover")?.dataset.login;
  if (form && account) {
    let sure = false;
    form.addEventListener(
      "submit",
      async (event) => {
        if (sure) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const left = await window.localCopies.places(account).catch(() => []);
        const elsewhere = left.filter((one) => one !== location.pathname);
        if (elsewhere.length && confirm(form.dataset.unsent)) {
          location.assign(elsewhere[0]);
          return;
        }
        await window.formsFlush?.();
        await window.localCopies.wipe(account).catch(() => null);
        sure = true;
        form.requestSubmit();
      },
      { capture: true },
    );
  }
}
