"use strict";
// Tables of a page: a head that is a button sorts, a long table gets a field that filters.
// Without this script every table is there all the same, in the order of the release.
const LONG = 12;
const say = document.body.dataset;

function value(cell) {
  if (!cell) return null;
  const figure = cell.querySelector(".figure") || cell;
  const text = figure.textContent.trim();
  if (cell.querySelector(".missing") || text === "–" || text === "") return null;
  if (/^\d{4}-\d\d-\d\d/.test(text)) return text;
  const number = parseFloat(text.replace(/[,\s]/g, "").replace("\u2212", "-").replace(/^[+<>]/, ""));
  return cell.classList.contains("number") && !Number.isNaN(number) ? number : text;
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), document.documentElement.lang);
}

// What moves together: a body of two rows, or one row; a group with a head stays.
function units(table) {
  const bodies = [...table.tBodies];
  if (bodies.every((body) => body.classList.contains("pair"))) return [[table, bodies]];
  return bodies.map((body) => [body, [...body.rows].filter((row) => !row.classList.contains("group"))]);
}

function sort(table, place, head) {
  const descends = head.getAttribute("aria-sort") === "descending"
    ? false : head.getAttribute("aria-sort") === "ascending" ? true : head.classList.contains("number");
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descends ? "descending" : "ascending");
  for (const [parent, rows] of units(table)) {
    const known = rows.map((row) => [value((row.rows ? row.rows[0] : row).cells[place]), row]);
    known.sort(([one], [other]) => {
      if (one === null || other === null) return (one === null) - (other === null);
      return compare(one, other) * (descends ? -1 : 1);
    });
    for (const [, row] of known) parent.append(row);
  }
}

function filter(table, field, state) {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let all = 0;
  let found = 0;
  for (const [, rows] of units(table)) {
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      all += 1;
      found += row.hidden ? 0 : 1;
    }
  }
  state.textContent = words.length ? say.found.replace("{n}", found).replace("{all}", all) : "";
}

for (const [number, table] of [...document.querySelectorAll("table.sorts")].entries()) {
  const count = units(table).reduce((sum, [, rows]) => sum + rows.length, 0);
  if (count < 2 || !table.tHead) continue;
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = `${say.sort} ${head.textContent.trim()}`;
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, place, head));
  });
  if (count < LONG) continue;
  const bar = document.createElement("p");
  bar.className = "filter";
  const label = document.createElement("label");
  label.htmlFor = `filter-${number}`;
  label.textContent = say.filter;
  const field = document.createElement("input");
  field.type = "search";
  field.id = label.htmlFor;
  field.autocomplete = "off";
  const state = document.createElement("span");
  state.setAttribute("role", "status");
  bar.append(label, field, state);
  table.parentElement.before(bar);
  field.addEventListener("input", () => filter(table, field, state));
}
