// Passkeys: a form with data-passkey asks the browser to make or to use one, and then goes on its way with the answer.
// Without this script, or in a browser without passkeys, the form stays hidden and codes do the same.

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (one) => one.charCodeAt(0));
};
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

const ways = {
  async create(asked) {
    const publicKey = {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: named(asked.excludeCredentials),
    };
    const { response, ...rest } = spread(await navigator.credentials.create({ publicKey }));
    return {
      ...rest,
      response: { clientDataJSON: text(response.clientDataJSON), attestationObject: text(response.attestationObject) },
    };
  },
  async get(asked) {
    const publicKey = {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: named(asked.allowCredentials),
    };
    const { response, ...rest } = spread(await navigator.credentials.get({ publicKey }));
    return {
      ...rest,
      response: {
        clientDataJSON: text(response.clientDataJSON),
        authenticatorData: text(response.authenticatorData),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : undefined,
      },
    };
  },
};

const spread = (found) => ({ id: found.id, rawId: text(found.rawId), type: found.type, response: found.response });

const tell = (form) => {
  let line = form.querySelector("[role=alert]");
  if (!line) {
    line = document.createElement("p");
    line.className = "notice";
    line.setAttribute("role", "alert");
    form.prepend(line);
  }
  line.textContent = form.dataset.problem;
};

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        const found = await ways[form.dataset.passkey](JSON.parse(form.dataset.options));
        form.elements.credential.value = JSON.stringify(found);
        form.submit();
      } catch {
        button.disabled = false;
        tell(form);
      }
    });
  }
}
