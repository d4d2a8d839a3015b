// Puts a variable into the text that was written in last, where the cursor stood.
// Without it the list of variables is there to copy from.

let last = document.querySelector("textarea[name$='-text']");
document.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea[name$='-text']")) last = event.target;
});

for (const button of document.querySelectorAll("[data-insert]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    last.setRangeText(button.dataset.insert, last.selectionStart, last.selectionEnd, "end");
    last.dispatchEvent(new Event("input", { bubbles: true }));
    last.focus();
  });
}

// A preview that is still on its way when the page is left is no error, and is not told as one.
let preview = null;
document.addEventListener("htmx:beforeSend", (event) => {
  preview = event.detail.xhr;
});
addEventListener("submit", () => {
  if (preview) preview.onabort = null;
});
