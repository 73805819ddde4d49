// Lists of items: ranked ones that open, and chips.

import { sideBySide } from "./bits.js";

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function plus(id, add) {
  const button = element("button", { type: "button", className: "plus", textContent: "+" });
  button.setAttribute("aria-label", `Add ${id} to the history`);
  button.addEventListener("click", () => add(id));
  return button;
}

function why(item, code, add) {
  const part = element("div", { className: "why" });
  if (item.because?.length) {
    const chips = element("ul", { className: "chips" });
    for (const reason of item.because) {
      const chip = element("button", { type: "button", textContent: `${reason.id} · ${reason.distance}` });
      chip.addEventListener("click", () => add(reason.id));
      chips.append(element("li", {}, chip));
    }
    part.append(element("p", { textContent: "Of what they have, its code is nearest to" }), chips);
  }
  if (code && item.code) part.append(sideBySide(code, item.code));
  if (!part.childElementCount) part.append(element("p", { textContent: "It is popular; nothing is known of the user." }));
  return part;
}

export function showRanked(list, answer, add) {
  list.replaceChildren();
  for (const item of answer.items) {
    const number = item.distance === null ? "popular" : `${item.distance} bits`;
    const open = element(
      "button",
      { type: "button", className: "open" },
      element("span", { className: "name", textContent: item.id }),
      element("span", { className: "number", textContent: number }),
    );
    open.setAttribute("aria-expanded", "false");
    const row = element("li", {}, element("div", { className: "line" }, open, plus(item.id, add)));
    open.addEventListener("click", () => {
      const shown = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!shown));
      if (shown) row.lastChild.remove();
      else row.append(why(item, answer.code, add));
    });
    list.append(row);
  }
  if (!answer.items.length) list.append(element("li", { className: "hint", textContent: "Nothing is allowed." }));
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
          plus(item.id, add),
        ),
      ),
    ),
  );
}

export function showChips(list, ids, act, does) {
  list.replaceChildren(
    ...ids.map((id) => {
      const chip = element("button", { type: "button", textContent: id });
      chip.setAttribute("aria-label", `${does} ${id}`);
      chip.addEventListener("click", () => act(id));
      return element("li", {}, chip);
    }),
  );
}

export function showOptions(list, ids) {
  list.replaceChildren(...ids.map((id) => element("option", { value: id })));
}
