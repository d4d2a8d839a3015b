// Which choices does this browser offer, and what do they change?

// Wire the boxes of the dialogs to what the browser remembers; `changed` hears of every change.
export function wireTaste(preferences, changed) {
  for (const box of document.querySelectorAll("[data-preference]")) {
    const { preference, on, off } = box.dataset;
    const value = preferences.get(preference);
    box.checked = value ? value === on : box.dataset.default === "on";
    box.addEventListener("change", async () => {
      if (preference === "desktop" && box.checked) box.checked = await mayNotify();
      preferences.set(preference, box.checked ? on : off);
      showBell(preferences);
      changed();
    });
  }
  showBell(preferences);
}

export function openBell() {
  const isDenied = "Notification" in window && Notification.permission === "denied";
  document.getElementById("bell-denied").hidden = !isDenied;
  document.getElementById("notifications").showModal();
}

// The browser's own question comes only after a click on our box.
async function mayNotify() {
  if (!("Notification" in window)) return false;
  const answer = await Notification.requestPermission();
  document.getElementById("bell-denied").hidden = answer !== "denied";
  return answer === "granted";
}

function showBell(preferences) {
  document.getElementById("bell").dataset.on = String(preferences.get("desktop") === "on");
}
