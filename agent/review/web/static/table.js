// Tables that can be sorted by column and filtered. Without scripts they keep the server's order.
"use strict";

(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const made = (name, fields) => Object.assign(document.createElement(name), fields);
  const value = (row, at) => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();
  const compare = (one, two) => (Number.isNaN(Number(one)) || Number.isNaN(Number(two)) ? one.localeCompare(two) : Number(one) - Number(two));

  const sort = (table, at) => {
    const head = table.tHead.rows[0].cells[at];
    const down = head.getAttribute("aria-sort") === "ascending";
    all("th", table.tHead).forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].sort((one, two) => compare(value(one, at), value(two, at)) * (down ? -1 : 1));
    table.tBodies[0].append(...rows);
  };

  const filter = (table, text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    const left = rows.filter((row) => !row.hidden).length;
    const told = document.querySelector(`output[data-of="${CSS.escape(table.id)}"]`);
    if (told) told.textContent = !words.length ? "" : left ? `${left} of ${rows.length}` : "No match";
  };

  const prepare = () => {
    for (const table of all("table[data-sortable]:not([data-ready])")) {
      table.dataset.ready = "yes";
      [...table.tHead.rows[0].cells].forEach((head, at) => {
        const button = made("button", { type: "button", className: "plain-button", textContent: head.textContent });
        button.addEventListener("click", () => sort(table, at));
        head.replaceChildren(button);
      });
    }
  };

  document.addEventListener("input", ({ target }) => {
    if (target.matches?.("input.table-filter")) filter(document.getElementById(target.dataset.table), target.value);
  });
  // Clicking a count in the grid shows the rows that it counts.
  document.addEventListener("click", ({ target }) => {
    const link = target.closest?.("a[data-filter]");
    const field = link && document.querySelector(`input.table-filter[data-table="${CSS.escape(link.dataset.table)}"]`);
    if (!field) return;
    field.value = link.dataset.filter;
    filter(document.getElementById(link.dataset.table), field.value);
  });
  prepare();
  new MutationObserver(prepare).observe(document.body, { childList: true, subtree: true });
})();
