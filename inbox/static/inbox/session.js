// What happens when this page cannot go on as it is: the session is over, or a newer page exists?

import { ask } from "./dialogs.js";
import { toast } from "./speak.js";
import { t } from "./words.js";

let isOver = false;

// The session has ended: keep what was written, then lead to the log-in page and back.
export function sessionEnded(keep = () => {}) {
  if (isOver) return;
  isOver = true;
  keep();
  const next = encodeURIComponent(location.pathname + location.search);
  const login = `${document.body.dataset.loginUrl}?next=${next}`;
  ask("session").then(() => location.assign(login));
}

// The server speaks a newer page: load it, at once only where nobody would notice.
export function offerReload(isIdle) {
  if (isIdle && document.hidden) location.reload();
  else toast(t("new_version"), { isError: true, label: t("reload"), action: () => location.reload() });
}

export function goHome() {
  location.assign(document.body.dataset.homeUrl);
}
