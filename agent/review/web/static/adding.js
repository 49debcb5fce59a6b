// Adding a threat: words of the sources as evidence, a preview while fields change, the vector as text and as metrics,
// search in lists.
"use strict";

const septetAdding = (() => {
  const PREVIEW_MILLISECONDS = 150;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const made = (name, fields) => Object.assign(document.createElement(name), fields);
  const form = () => one('main.adding form[data-verb="add"]');
  const metrics = (place) => [...new Set(all('[name^="cvss."][type="radio"]', place).map((each) => each.name))];

  // ---- the preview, which is the server's answer to the current form

  let timer = 0;
  let asked = new AbortController();

  const preview = async () => {
    const place = form();
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    const button = one("[data-preview]", place);
    const body = new URLSearchParams(new FormData(place));
    try {
      const reply = await fetch(`${button.getAttribute("formaction")}?part=preview`, { method: "POST", body, signal, headers: { accept: "text/html" } });
      const fresh = one("#weighed", septetParts.parsed(await reply.text()));
      if (signal.aborted || !fresh) return;
      one("#weighed").replaceWith(document.adoptNode(fresh));
      said(place, fresh.dataset);
    } catch {
      // The next change asks again; the text stays in the form.
    } finally {
      if (!signal.aborted) place.removeAttribute("aria-busy");
    }
  };

  const soon = () => {
    clearTimeout(timer);
    form().setAttribute("aria-busy", "true");
    timer = setTimeout(preview, PREVIEW_MILLISECONDS);
  };

  // A saved form is no longer unfinished: prevent a late preview from storing it again.
  document.addEventListener("submit", ({ target }) => {
    if (target !== form()) return;
    clearTimeout(timer);
    asked.abort();
  });

  // ---- the vector: as text, and metric by metric

  const chosen = (place) => metrics(place).map((name) => [name.slice(5), place.elements[name].value]);

  // Select the metrics of a pasted vector once the server has found it complete.
  const said = (place, { vector, wrong }) => {
    one("#vector-wrong", place).textContent = septetParts.visible(wrong);
    place.elements.cvss_vector.toggleAttribute("aria-invalid", Boolean(wrong));
    if (!vector || place.elements.cvss_vector.value.trim() === place.elements.cvss_was.value.trim()) return;
    for (const part of vector.split("/").slice(1)) {
      const [metric, value] = part.split(":");
      place.elements[`cvss.${metric}`].value = value;
    }
    place.elements.cvss_was.value = place.elements.cvss_vector.value;
  };

  const clicked = (place) => {
    const parts = chosen(place).filter(([, value]) => value);
    const vector = `CVSS:4.0/${parts.map(([metric, value]) => `${metric}:${value}`).join("/")}`;
    place.elements.cvss_vector.value = vector;
    place.elements.cvss_was.value = vector;
  };

  // ---- evidence

  const row = ({ document: source, start, end }, words) => {
    const value = `${source}:${start}:${end}`;
    const known = all('#chosen input[name="span"]').find((each) => each.value === value);
    if (known) return known;
    const input = made("input", { type: "checkbox", name: "span", value, checked: true });
    const label = made("label", { className: "choice" });
    const text = made("span");
    const title = one(`#heading-${source}`)?.textContent.trim() ?? source;
    text.append(made("q", { textContent: words }), " ", made("span", { className: "soft", textContent: title }));
    label.append(input, " ", text);
    const button = made("button", { type: "button", className: "small", textContent: "Remove" });
    button.dataset.remove = "";
    const line = made("li");
    line.append(label, " ", button);
    one("#chosen").append(line);
    return input;
  };

  // Adds the selected words as evidence. Returns false if no words are selected.
  const take = () => {
    const span = septetSelection.selected();
    if (!span) return false;
    const input = row(span, getSelection().toString());
    input.checked = true;
    getSelection().removeAllRanges();
    input.closest("li").scrollIntoView({ block: "nearest" });
    soon();
    return true;
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("#chosen [data-remove]");
    if (!button) return;
    const line = button.closest("li");
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    (one("button", next ?? document.createElement("p")) ?? one("#evidence summary"))?.focus();
    soon();
  });

  document.addEventListener("input", ({ target }) => {
    const place = form();
    if (!place || target.form !== place) return;
    if (target.id === "lists-find") return find(target.value);
    if (target.name?.startsWith("cvss.")) clicked(place);
    soon();
  });

  // ---- lists

  const find = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const list of all("#lists details[data-listed]")) {
      let inside = 0;
      for (const line of all("li", list)) {
        line.hidden = !words.every((word) => line.textContent.toLowerCase().includes(word));
        inside += !line.hidden;
      }
      list.dataset.was ??= list.open ? "open" : "";
      list.hidden = !inside;
      list.open = words.length ? inside > 0 : Boolean(list.dataset.was);
      found += inside;
    }
    one("#lists-none").textContent = words.length ? `${found || "No"} ${found === 1 ? "entry" : "entries"} found` : "";
  };

  const prepare = () => {
    const place = form();
    if (!place) return;
    one("#lists-search").hidden = false;
    all("#chosen [data-remove]").forEach((each) => { each.hidden = false; });
    one("#lists-find").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    one('[role="alert"]', place.parentElement)?.focus();
  };
  prepare();

  return { form, take };
})();
