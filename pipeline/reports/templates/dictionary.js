"use strict";
// Search: an entry stays when it holds every word; of its columns those that hold one.
const field = document.getElementById("search");
const state = document.getElementById("found");
const entries = [...document.querySelectorAll(".entry")].map((element) => ({
  element,
  text: element.textContent.toLowerCase(),
  columns: [...element.querySelectorAll("tbody tr")].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
  })),
  link: document.querySelector(`nav a[href="#${CSS.escape(element.id)}"]`),
}));

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const entry of entries) {
    const holds = words.every((word) => entry.text.includes(word));
    count += holds ? 1 : 0;
    entry.element.hidden = !holds;
    if (entry.link) entry.link.hidden = !holds;
    entry.element.open = words.length > 0 && holds;
    const hits = entry.columns.filter((column) =>
      words.some((word) => column.text.includes(word)));
    for (const column of entry.columns) {
      column.row.hidden = hits.length > 0 && !hits.includes(column);
    }
  }
  state.textContent = words.length ? `${count} ${state.dataset.found}` : "";
  document.getElementById("nothing").hidden = count > 0;
  for (const group of document.querySelectorAll("main section, nav ul")) {
    const inside = [...group.querySelectorAll(".entry, li a")];
    group.hidden = inside.length > 0 && inside.every((each) => each.hidden);
  }
}

function open() {
  const element = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (element && element.classList.contains("entry")) {
    if (element.hidden) {
      field.value = "";
      search();
    }
    element.open = true;
    element.scrollIntoView();
  }
}

field.addEventListener("input", search);
window.addEventListener("hashchange", open);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  }
});
if (field.value) search();
open();
