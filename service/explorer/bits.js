// Codes side by side: a cell a bit, set or not, marked where two codes differ.

function bitsOf(code) {
  const bits = [];
  for (let place = 0; place < code.length; place += 2) {
    const byte = parseInt(code.slice(place, place + 2), 16);
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
  bits.forEach((bit, place) => {
    const cell = document.createElement("i");
    if (bit) cell.classList.add("one");
    if (bit !== others[place]) cell.classList.add("differ");
    cells.append(cell);
  });
  return cells;
}

export function sideBySide(userCode, itemCode) {
  const user = bitsOf(userCode);
  const item = bitsOf(itemCode);
  const differing = user.filter((bit, place) => bit !== item[place]).length;
  const said = `${differing} of ${user.length} bits differ`;
  const part = document.createElement("div");
  const line = (text) => Object.assign(document.createElement("p"), { textContent: text });
  part.append(line(`${said}. The user's code:`), grid(user, item, `The user's code; ${said}`));
  part.append(line("The item's code:"), grid(item, user, `The item's code; ${said}`));
  return part;
}
