// Who is at work? The dots beside colleagues' names, wherever they stand on the page.

import { t } from "./words.js";

export function showAgent({ agent, state }) {
  const words = t(`agent_${state}`);
  for (const dot of document.querySelectorAll(`.agent-dot[data-agent="${Number(agent)}"]`)) {
    dot.dataset.state = state;
    dot.title = words;
    dot.querySelector(".visually-hidden").textContent = words;
  }
}
