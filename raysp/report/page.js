// The page is whole without this: tables are sorted by a click on a heading, splits found by what is typed, and figures
// of one model take the place of another's.
"use strict";
const NUMBER = /^[\u2212-]?[\d.,]+/;

function value(cell) {
  const text = cell.textContent.trim(), found = NUMBER.exec(text);
  return found ? Number(found[0].replace("\u2212", "-").replaceAll(",", "")) : text;
}

function compare(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
  return typeof a === "number" ? -1 : 1;
}

function sortable(table) {
  const [head, ...rows] = table.rows, own = rows.filter(row => !row.classList.contains("others"));
  if (own.length < 3 || own.some(row => row.cells.length !== head.cells.length || row.querySelector("th"))) return;
  [...head.cells].forEach((cell, place) => {
    cell.setAttribute("aria-sort", "none");
    cell.addEventListener("click", () => {
      const down = cell.getAttribute("aria-sort") === "descending" ? 1 : -1;
      for (const other of head.cells) other.setAttribute("aria-sort", "none");
      cell.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
      own.sort((a, b) => down * compare(value(a.cells[place]), value(b.cells[place])));
      own[0].parentNode.prepend(head, ...own);
    });
  });
}

function searchable(parts) {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "find a split or model";
  field.setAttribute("aria-label", field.placeholder);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const part of parts) {
      part.classList.toggle("away", !part.querySelector("summary").textContent.toLowerCase().includes(wanted));
    }
  });
  document.querySelector("nav").append(field);
}

function show(place, name) {
  const models = [...place.children].filter(child => child.classList.contains("model"));
  const there = models.some(model => model.dataset.model === name);
  for (const model of there ? models : []) {
    const chosen = model.dataset.model === name;
    model.classList.toggle("away", !chosen);
    if (model.tagName === "DETAILS") model.open = chosen;
  }
  for (const button of there ? place.querySelectorAll(".switch button") : []) {
    button.setAttribute("aria-pressed", String(button.textContent === name));
  }
}

function switchable(place) {
  const models = [...place.querySelectorAll(".model")];
  if (models.length < 2) return;
  const bar = document.createElement("p");
  bar.className = "switch";
  bar.append("Figures of ");
  for (const model of models) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = model.dataset.model;
    button.addEventListener("click", event => {
      const all = event.shiftKey ? document.querySelectorAll(".models") : [place];
      for (const one of all) show(one, model.dataset.model);
    });
    bar.append(button);
    model.querySelector(":scope > summary")?.classList.add("away");
  }
  const hint = document.createElement("span");
  hint.className = "soft";
  hint.textContent = "with Shift, in every split";
  bar.append(hint);
  place.prepend(bar);
  show(place, models[0].dataset.model);
}

document.querySelectorAll("table").forEach(sortable);
document.querySelectorAll(".models").forEach(switchable);
const parts = document.querySelectorAll("section > details");
if (parts.length > 8) searchable(parts);
