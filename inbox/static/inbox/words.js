// Which words does the page speak? The server's, in the reader's language.

const words = JSON.parse(document.getElementById("client-words")?.textContent ?? "{}");

// Return a sentence by name, with {placeholders} filled in.
export function t(name, facts = {}) {
  const sentence = words[name] ?? name;
  return sentence.replace(/\{(\w+)\}/g, (whole, key) => facts[key] ?? whole);
}
