// How does a page make or use a passkey? Each form says with `data-passkey` what it is for; the
// browser asks the person, and what it answers is sent as the form's field.

const PAYLOAD = {
  login: () => ask(document.querySelector('[data-passkey="login"]').action),
  use: () => printed().request_options,
  make: (form) => printedFor(form),
};

// What the server printed into the page.
function printed() {
  return JSON.parse(document.getElementById("passkey-data").textContent);
}

// What a new passkey must be able to do: with one that logs in alone, the browser finds it by itself.
function printedFor(form) {
  const options = printed().creation_options;
  const alone = form.elements.passwordless?.checked ?? true;
  const selection = options.publicKey.authenticatorSelection;
  selection.residentKey = alone ? "required" : "discouraged";
  selection.requireResidentKey = alone;
  if (alone) selection.userVerification = "required";
  return options;
}

async function ask(url) {
  const response = await fetch(url, {
    credentials: "same-origin",
    headers: { Accept: "application/json" },
  });
  if (!response.ok) throw new Error(response.statusText);
  return (await response.json()).request_options;
}

async function answer(kind, { publicKey }) {
  if (kind === "make") {
    const wanted = PublicKeyCredential.parseCreationOptionsFromJSON(publicKey);
    return navigator.credentials.create({ publicKey: wanted });
  }
  const wanted = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  return navigator.credentials.get({ publicKey: wanted });
}

async function begin(form, kind) {
  const said = form.querySelector("[data-passkey-said]");
  said.textContent = "";
  try {
    const credential = await answer(kind, await PAYLOAD[kind](form));
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    // Whoever closed the browser's question knows that they did.
    said.textContent = error.name === "InvalidStateError" ? said.dataset.known : said.dataset.failed;
  }
}

// Older browsers know passkeys but not these words for them: there a password does.
if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.hidden = false;
    const kind = form.dataset.passkey;
    form.querySelector("[data-passkey-go]").addEventListener("click", (event) => {
      event.preventDefault();
      begin(form, kind);
    });
  }
} else {
  for (const words of document.querySelectorAll("[data-no-passkeys]")) words.hidden = false;
}
