// Parses pages from responses, and finds the unfinished forms and expanded parts of a page.
"use strict";

const septetParts = (() => {
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("septet", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const parsed = (text) => {
    const page = new DOMParser().parseFromString(policy.createHTML(text), "text/html");
    // A parsed page runs no scripts, so its noscript fields would be shown and submitted.
    all("noscript", page).forEach((each) => each.remove());
    return page;
  };

  // A one-line field drops line breaks from its value, which does not count as a change.
  const solid = (text) => text.replace(/\s+/g, "");
  const changed = (field) => {
    if (field.type === "hidden" || field.matches("button, fieldset, output, .slider")) return false;
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    if (!field.matches("select")) return solid(field.value) !== solid(field.defaultValue);
    return field.selectedIndex !== Math.max([...field.options].findIndex((each) => each.defaultSelected), 0);
  };
  // Whether a form of the item contains unsaved changes.
  const begun = (article) => all("form", article).some((form) => [...form.elements].some(changed));

  // Returns a name that identifies the same part of the page before and after a save.
  const nameOf = (details) => {
    const place = details.closest("[data-item], [data-section], [id]");
    const verb = one(":scope > summary", details)?.dataset.verb;
    const alike = all(`details.${CSS.escape(details.classList[0] || "none")}`, place);
    return `${place?.dataset.item ?? place?.id} ${verb ?? `${details.className} ${alike.indexOf(details)}`}`;
  };

  // Returns the message of an error response.
  const problem = (answer) => {
    const alert = one("[role=alert]", answer) || one("main", answer) || answer.body;
    return alert.textContent.replace(/\s+/g, " ").trim();
  };

  // For text from other people shown by a script: replaces characters that would change the direction of the text
  // around it.
  const TURNING = /[\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;
  const visible = (text) => text.replace(TURNING, (char) => `⟨U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);

  return { parsed, changed, begun, nameOf, problem, visible };
})();
