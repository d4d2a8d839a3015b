// How is a piece of the page made? Never from strings of HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: h("button", {type: "button", class: "quiet", onclick}, "Text"). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Put the children in place, keeping every node whose key and mark are unchanged. */
export function reconcile(parent, items, make) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  const wanted = items.map(({ key, mark, item }) => {
    const known = old.get(key);
    if (known && known.dataset.mark === mark) return known;
    const node = make(item);
    node.dataset.key = key;
    node.dataset.mark = mark;
    return node;
  });
  wanted.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

export function options(select, entries, chosen) {
  select.replaceChildren(
    ...entries.map(([value, text]) => {
      const option = h("option", { value }, text);
      option.selected = value === chosen;
      return option;
    }),
  );
}

export const bare = (address) => address.slice(address.indexOf(":") + 1);

/** Write a North American number the way people read it. */
export function pretty(address) {
  const number = bare(address);
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 ${parts[1]} ${parts[2]} ${parts[3]}` : number;
}
