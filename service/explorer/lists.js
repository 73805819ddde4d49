// Lists of items: ranked lists, whose items open, and chips.

import { sideBySide } from "./bits.js";

function element(name, properties, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

function addButton(id, add) {
  const button = element("button", { type: "button", className: "add", textContent: "+" });
  button.setAttribute("aria-label", `Add ${id} to the history`);
  button.addEventListener("click", () => add(id));
  return button;
}

function explanation(item, code, add) {
  const container = element("div", { className: "explanation" });
  if (item.because?.length) {
    const chips = element("ul", { className: "chips" });
    for (const reason of item.because) {
      const chip = element("button", { type: "button", textContent: `${reason.id} · ${reason.distance}` });
      chip.addEventListener("click", () => add(reason.id));
      chips.append(element("li", {}, chip));
    }
    container.append(element("p", { textContent: "The user's items with the nearest codes:" }), chips);
  }
  if (code && item.code) container.append(sideBySide(code, item.code));
  if (!container.childElementCount) {
    container.append(element("p", { textContent: "A popular item: nothing is known about the user." }));
  }
  return container;
}

export function showRanked(list, recommendations, add) {
  list.replaceChildren();
  for (const item of recommendations.items) {
    const number = item.distance === null ? "popular" : `${item.distance} bits`;
    const open = element(
      "button",
      { type: "button", className: "open" },
      element("span", { className: "name", textContent: item.id }),
      element("span", { className: "number", textContent: number }),
    );
    open.setAttribute("aria-expanded", "false");
    const row = element("li", {}, element("div", { className: "line" }, open, addButton(item.id, add)));
    open.addEventListener("click", () => {
      const shown = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!shown));
      if (shown) row.lastChild.remove();
      else row.append(explanation(item, recommendations.code, add));
    });
    list.append(row);
  }
  if (!recommendations.items.length) list.append(element("li", { className: "hint", textContent: "No item is allowed." }));
}

export function showPopular(list, items, add) {
  list.replaceChildren(
    ...items.map((item) =>
      element(
        "li",
        {},
        element(
          "div",
          { className: "line" },
          element("span", { className: "name", textContent: item.id }),
          element("span", { className: "number", textContent: item.popularity.toLocaleString("en") }),
          addButton(item.id, add),
        ),
      ),
    ),
  );
}

// Chips for ids. A click calls `action`, which `label` describes.
export function showChips(list, ids, action, label) {
  list.replaceChildren(
    ...ids.map((id) => {
      const chip = element("button", { type: "button", textContent: id });
      chip.setAttribute("aria-label", `${label} ${id}`);
      chip.addEventListener("click", () => action(id));
      return element("li", {}, chip);
    }),
  );
}

export function showOptions(list, ids) {
  list.replaceChildren(...ids.map((id) => element("option", { value: id })));
}
