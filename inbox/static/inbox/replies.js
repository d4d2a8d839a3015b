// Puts a variable into the text that was written in last, where the cursor stood.
// Without it the list of variables is there to copy from.

const TEXT = "textarea[name$='-text'], textarea[data-variables]";
let last = null;
document.addEventListener("focusin", (event) => {
  if (event.target.matches(TEXT)) last = event.target;
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  // Nothing was written in yet, or the page was swapped for another since: behind the first text.
  if (!last?.isConnected) {
    last = document.querySelector(TEXT);
    last.setSelectionRange(last.value.length, last.value.length);
  }
  last.setRangeText(button.dataset.insert, last.selectionStart, last.selectionEnd, "end");
  last.dispatchEvent(new Event("input", { bubbles: true }));
  last.focus();
});

function show() {
  for (const button of document.querySelectorAll("[data-insert]")) button.hidden = false;
}
show();
document.addEventListener("htmx:afterSettle", show);

// A preview that is still on its way when the page is left is no error, and is not told as one.
let preview = null;
document.addEventListener("htmx:beforeSend", (event) => {
  preview = event.detail.xhr;
});
addEventListener("submit", () => {
  if (preview) preview.onabort = null;
});
