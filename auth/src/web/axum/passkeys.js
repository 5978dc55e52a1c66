// Has the browser make or use a passkey before a form with `data-passkey` is sent: asks `data-start` what to sign, and puts the
// answer into its fields. Such a form is hidden until this runs.
"use strict";

const decode = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

// What browsers do themselves since 2024.
const decodeOptions = (options) => {
  const decodeIds = (list) => list?.map((item) => ({ ...item, id: decode(item.id) }));
  return {
    ...options,
    challenge: decode(options.challenge),
    ...(options.user && { user: { ...options.user, id: decode(options.user.id) } }),
    excludeCredentials: decodeIds(options.excludeCredentials),
    allowCredentials: decodeIds(options.allowCredentials),
  };
};
const encodeCredential = (credential) => {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = encode(credential.response[name]);
  }
  const { id, type } = credential;
  return { id, rawId: encode(credential.rawId), type, response, clientExtensionResults: {} };
};

const use = async (kind, options) => {
  const parse = PublicKeyCredential[kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON"];
  const publicKey = parse ? parse.call(PublicKeyCredential, options) : decodeOptions(options);
  const credential = await navigator.credentials[kind]({ publicKey });
  return credential.toJSON ? credential.toJSON() : encodeCredential(credential);
};

const run = async (form) => {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const answer = await fetch(form.dataset.start, { method: "POST", headers, body: "{}" });
  const asked = await answer.json().catch(() => ({}));
  if (asked.step_up && form.dataset.prove) return location.assign(form.dataset.prove);
  if (!answer.ok) throw new Error(asked.detail ?? "This cannot be answered right now.");
  const response = await use(form.dataset.passkey, asked.publicKey);
  form.elements.challenge.value = asked.challenge;
  form.elements.response.value = JSON.stringify(response);
  form.submit();
};

const failed = (error) => {
  if (error.name === "NotAllowedError") return "No passkey was used.";
  if (error.name === "InvalidStateError") return "This device has a passkey for this account already.";
  return error.message;
};

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [button, problem] = [form.querySelector("button"), form.querySelector("[role=alert]")];
    button.disabled = true;
    problem.textContent = "";
    try {
      await run(form);
    } catch (error) {
      problem.textContent = failed(error);
      button.disabled = false;
    }
  });
}
