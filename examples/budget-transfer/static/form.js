// The form of a new transfer: more lines, and the sums while typing. The server checks all of it again.

const lines = document.getElementById("lines");
const add = document.getElementById("add-line");

// Hundredths as an integer; null for what is no amount.
function cents(text) {
  const plain = text.trim().replace(/,/g, "");
  if (plain === "") return 0n;
  const match = /^(\d{1,13})(?:\.(\d{1,2}))?$/.exec(plain);
  return match ? BigInt(match[1]) * 100n + BigInt((match[2] ?? "").padEnd(2, "0")) : null;
}

function spell(amount) {
  const text = amount.toString().padStart(3, "0");
  return `${text.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",")}.${text.slice(-2)}`;
}

function sum(name) {
  return [...lines.querySelectorAll(`[name="${name}"]`)].reduce((total, field) => {
    const amount = cents(field.value);
    field.setCustomValidity(amount === null ? "An amount such as 1200.50" : "");
    return total + (amount ?? 0n);
  }, 0n);
}

function total() {
  const [debit, credit] = [sum("debit"), sum("credit")];
  document.getElementById("sum-debit").textContent = spell(debit);
  document.getElementById("sum-credit").textContent = spell(credit);
  const difference = debit > credit ? debit - credit : credit - debit;
  document.getElementById("difference").textContent = difference === 0n ? "" : `differ by ${spell(difference)}`;
}

add.hidden = false;
add.addEventListener("click", () => {
  const row = lines.lastElementChild.cloneNode(true);
  for (const field of row.querySelectorAll("input, select")) field.value = "";
  lines.append(row);
  row.querySelector("select").focus();
});
lines.addEventListener("input", total);
total();
