// Two codes side by side: one cell per bit, marked where the codes differ.

function bitsOf(code) {
  const bits = [];
  for (let index = 0; index < code.length; index += 2) {
    const byte = parseInt(code.slice(index, index + 2), 16);
    // Bit j of a code is bit j mod 8 of its byte, the least significant first.
    for (let bit = 0; bit < 8; bit++) bits.push((byte >> bit) & 1);
  }
  return bits;
}

function grid(bits, others, label) {
  const cells = document.createElement("div");
  cells.className = "bits";
  cells.setAttribute("role", "img");
  cells.setAttribute("aria-label", label);
  bits.forEach((bit, index) => {
    const cell = document.createElement("i");
    if (bit) cell.classList.add("set");
    if (bit !== others[index]) cell.classList.add("differs");
    cells.append(cell);
  });
  return cells;
}

export function sideBySide(userCode, itemCode) {
  const user = bitsOf(userCode);
  const item = bitsOf(itemCode);
  const differing = user.filter((bit, index) => bit !== item[index]).length;
  const summary = `${differing} of ${user.length} bits differ`;
  const container = document.createElement("div");
  const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
  container.append(line(`${summary}. Code of the user:`), grid(user, item, `Code of the user; ${summary}`));
  container.append(line("Code of the item:"), grid(item, user, `Code of the item; ${summary}`));
  return container;
}
