"use strict";
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const byText = (key) => (a, b) => a.dataset[key].localeCompare(b.dataset[key], "en");
  const byNumber = (key) => (a, b) => Number(b.dataset[key]) - Number(a.dataset[key]);

  // Colours: as the system has them, light, dark.
  const theme = one("#theme");
  const themes = [["", "Auto", "as the system has them"], ["light", "Light", "light"], ["dark", "Dark", "dark"]];
  let themed = 0;
  theme.addEventListener("click", () => {
    themed = (themed + 1) % themes.length;
    const [value, name, words] = themes[themed];
    document.documentElement.dataset.theme = value;
    one("span", theme).textContent = name;
    theme.setAttribute("aria-label", "Colours: " + words);
  });

  // A link to a case opens it, whatever the filter hides.
  const open = (id, focus) => {
    const card = document.getElementById(id);
    if (!card || !card.classList.contains("case")) return;
    card.hidden = false;
    card.open = true;
    card.scrollIntoView({ block: "start" });
    if (focus) one("summary", card).focus({ preventScroll: true });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#case-']");
    if (!link) return;
    event.preventDefault();
    const id = decodeURIComponent(link.getAttribute("href").slice(1));
    history.replaceState(null, "", "#" + id);
    open(id, true);
  });
  if (location.hash.startsWith("#case-")) open(decodeURIComponent(location.hash.slice(1)), false);

  // The list of cases.
  const list = one("#list");
  if (list) {
    const cards = all(".case", list);
    const filter = one("#filter"), show = one("#show"), order = one("#order");
    const keeps = {
      "": () => true,
      changed: (card) => card.dataset.place !== "0",
      flags: (card) => card.dataset.flags !== "0",
      withheld: (card) => "withheld" in card.dataset,
      failed: (card) => "failed" in card.dataset,
    };
    const place = (card) => Number(card.dataset.place) || Infinity;
    const orders = {
      reader: byNumber("reader"), published: byNumber("published"), score: byNumber("score"), flags: byNumber("flags"),
      place: (a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)),
      name: byText("name"), vendor: byText("vendor"), category: byText("category"),
    };
    const narrow = () => {
      const wanted = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const card of cards) {
        card.hidden = !(keeps[show.value](card) && wanted.every((word) => card.dataset.words.includes(word)));
        shown += card.hidden ? 0 : 1;
      }
      one("#shown").textContent = shown === cards.length ? `${shown} cases` : `${shown} of ${cards.length} cases`;
      one("#nothing").hidden = shown > 0;
    };
    const arrange = () => list.append(...[...cards].sort((a, b) => orders[order.value](a, b) || byText("name")(a, b)));
    filter.addEventListener("input", narrow);
    show.addEventListener("change", narrow);
    order.addEventListener("change", arrange);
    filter.form.addEventListener("submit", (event) => event.preventDefault());
    narrow();
    arrange();
  }

  // The map of errors: its table holds the numbers.
  const heat = one("#heat");
  if (!heat) return;
  const rows = all("#heat-table tbody tr");
  const titles = all("#heat-table thead th").slice(3).map((head) => head.textContent);
  const maps = all(".map", heat);
  const said = one("#heat-said"), sort = one("#heat-order");
  const space = "http://www.w3.org/2000/svg";
  let order = rows.map((_, place) => place), at = { column: 0, row: 0 };
  const which = () => one("input[name='labels']:checked").value;
  const current = () => maps.find((map) => map.dataset.labels === which());

  const geometry = (map) => {
    const svg = one("svg", map), cursor = one(".cursor", svg);
    return { svg, cursor, left: cursor.x.baseVal.value, top: 20, wide: cursor.width.baseVal.value, high: cursor.height.baseVal.value };
  };
  const label = (group, text, x, anchor) => {
    const node = document.createElementNS(space, "text");
    node.textContent = text;
    node.setAttribute("x", x);
    node.setAttribute("y", 20 + titles.length * 24 + 18);
    node.setAttribute("class", "note");
    if (anchor) node.setAttribute("text-anchor", anchor);
    group.append(node);
  };
  const groups = (map, key) => {
    const { svg, left, wide, high } = geometry(map), group = one(".groups", svg);
    group.replaceChildren();
    if (key !== "category" && key !== "vendor") {
      label(group, key === "name" ? "A" : "greatest error", left);
      label(group, key === "name" ? "Z" : "smallest error", left + wide * order.length, "end");
      return;
    }
    let start = 0;
    for (let place = 1; place <= order.length; place++) {
      const name = rows[order[start]].dataset[key];
      if (place < order.length && rows[order[place]].dataset[key] === name) continue;
      const x = left + wide * start, room = wide * (place - start);
      const mark = document.createElementNS(space, "line");
      mark.setAttribute("x1", x); mark.setAttribute("x2", x);
      mark.setAttribute("y1", 20); mark.setAttribute("y2", 20 + titles.length * high + 6);
      mark.setAttribute("class", "axis");
      if (room > 24) group.append(mark);
      const letters = Math.floor(room / 6.4);
      if (letters > 4) label(group, name.length > letters ? name.slice(0, letters - 1) + "…" : name, x + 3);
      start = place;
    }
  };
  const arrange = () => {
    const key = sort.value === "error" ? which() : sort.value;
    const numbered = sort.value === "error";
    const compare = numbered ? byNumber(key) : byText(key);
    const then = byNumber(which());
    order = rows.map((_, place) => place).sort((a, b) => compare(rows[a], rows[b]) || then(rows[a], rows[b]) || a - b);
    for (const map of maps) {
      const { svg, left, wide } = geometry(map), columns = one(".columns", svg).children;
      order.forEach((column, place) => columns[column].setAttribute("transform", `translate(${(left + wide * place).toFixed(2)} 0)`));
      one(".cursor", svg).setAttribute("visibility", "hidden");
      groups(map, sort.value);
    }
  };
  const tell = () => {
    const row = rows[order[at.column]], cell = row.cells[at.row + 3];
    const { cursor, left, top, wide, high } = geometry(current());
    cursor.setAttribute("x", left);
    cursor.setAttribute("transform", `translate(${(wide * at.column).toFixed(2)} 0)`);
    cursor.setAttribute("y", top + high * at.row);
    cursor.setAttribute("visibility", "visible");
    const about = [row.dataset.category, row.dataset.vendor].filter(Boolean).join(", ");
    said.textContent = `${row.dataset.name} (${about}) · ${titles[at.row]}: drafted ${cell.textContent} · mean error of the case ${row.cells[which() === "reader" ? 1 : 2].textContent}`;
  };
  const locate = (event) => {
    const { svg, left, top, wide, high } = geometry(current()), box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const column = Math.floor(((event.clientX - box.left) * scale - left) / wide);
    const row = Math.floor(((event.clientY - box.top) * scale - top) / high);
    return column >= 0 && column < order.length && row >= 0 && row < titles.length ? { column, row } : null;
  };
  const visit = () => open("case-" + rows[order[at.column]].dataset.case, true);
  heat.addEventListener("pointermove", (event) => {
    const found = locate(event);
    if (found && (found.column !== at.column || found.row !== at.row)) { at = found; tell(); }
  });
  heat.addEventListener("click", (event) => { const found = locate(event); if (found) { at = found; visit(); } });
  heat.addEventListener("focus", tell);
  heat.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const last = order.length - 1;
    if (step) at = { column: Math.min(last, Math.max(0, at.column + step[0])), row: Math.min(titles.length - 1, Math.max(0, at.row + step[1])) };
    else if (event.key === "Home") at = { ...at, column: 0 };
    else if (event.key === "End") at = { ...at, column: last };
    else if (event.key === "Enter") { event.preventDefault(); visit(); return; }
    else return;
    event.preventDefault();
    tell();
  });
  sort.addEventListener("change", arrange);
  for (const radio of all("input[name='labels']")) radio.addEventListener("change", () => {
    for (const part of all("[data-labels]", one("#wrong"))) part.hidden = part.dataset.labels !== which();
    arrange();
  });
  arrange();
})();
