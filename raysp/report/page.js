// The page is whole without this: tables are sorted by a click on a heading, splits found by what is typed.
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

document.querySelectorAll("table").forEach(sortable);
const parts = document.querySelectorAll("section > details");
if (parts.length > 8) searchable(parts);
