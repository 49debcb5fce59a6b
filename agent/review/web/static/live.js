// Requests in the background: the score while a field changes, and the time for which each item is viewed.
"use strict";

const septetLive = (() => {
  const REPORT_SECONDS = 20;
  const IDLE_SECONDS = 90;
  const MOST_SECONDS = 120;
  const PREVIEW_MILLISECONDS = 120;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { changed } = septetParts;
  const key = () => one("main")?.dataset.key;
  const post = (path, body, signal) => fetch(`/api/r/${key()}/${path}`, {
    method: "POST", body: JSON.stringify(body), keepalive: path === "focus", signal, headers: { "content-type": "application/json" },
  }).catch(() => null);

  // ---- the score while a field changes

  let timer = 0;
  let asked = new AbortController();

  // A saved form no longer needs a preview, and the next preview is based on the next version.
  const stop = () => {
    clearTimeout(timer);
    asked.abort();
  };

  // Look fields up with namedItem, since `item` is a method of the collection.
  const hidden = (form, name) => form.elements.namedItem(name).value;
  const text = (form, name) => form.elements[name]?.value?.trim() ?? "";

  // A factor for controls counts only with its evidence, so both are sent together, as when saving.
  const ofScore = (form) => {
    const { headline, mitigation_factor: factor, evidence } = form.elements;
    if (![headline, factor, evidence].some((field) => field && changed(field))) return "";
    if (!factor.checkValidity()) return "The factor must be between 0.5 and 1, in steps of 0.01";
    if (factor.value && !evidence.value.trim()) return "A factor for controls needs evidence";
    return {
      ...(headline && changed(headline) ? { headline: headline.value } : {}),
      ...(factor.value ? { mitigation_factor: Number(factor.value) } : {}),
      evidence: evidence.value.split(/[\s,;]+/).filter(Boolean),
    };
  };

  const ofThreat = (form) => {
    const metrics = all('select[name^="cvss."]', form);
    const rows = all('[name^="mitigations."]', form);
    const row = (name) => Object.fromEntries(["text", "who", "status"].map((part) => [part, text(form, `${name}.${part}`)]));
    const names = [...new Set(rows.map((field) => field.name.replace(/\.\w+$/, "")))];
    const set = metrics.length && metrics.every((each) => each.value) && metrics.some(changed);
    const made = {
      ...(set ? { cvss_vector: `CVSS:4.0/${metrics.map((each) => `${each.name.slice(5)}:${each.value}`).join("/")}` } : {}),
      ...(rows.some(changed) ? { mitigations: names.map(row).filter((each) => each.text) } : {}),
    };
    return Object.keys(made).length ? made : "";
  };

  const ofFact = (form) => {
    const slots = all('[name^="slots."]', form);
    const plain = ["polarity", "about"].map((name) => form.elements[name]).filter((field) => field && changed(field));
    if (!plain.length && !slots.some(changed)) return "";
    return {
      ...Object.fromEntries(plain.map((field) => [field.name, field.value])),
      ...(slots.some(changed) ? { slots: Object.fromEntries(slots.map((field) => [field.name.slice(6), field.value.trim()])) } : {}),
    };
  };

  // Returns the fields of the form that can change the score, or a text that says why no preview is requested.
  const wanted = (form) => {
    const kind = form.closest("article")?.dataset.kind;
    if (form.dataset.verb === "strike") return {};
    if (kind === "factor") {
      const fields = ["value", "low", "high"].filter((name) => text(form, name) !== "");
      const given = Object.fromEntries(fields.map((name) => [name, Number(text(form, name))]));
      if (!fields.every((name) => form.elements[name].checkValidity())) return "Values must be between 0 and 1, in steps of 0.1";
      const { value, low = value, high = value } = given;
      return low <= value && value <= high ? given : "Low end, value and high end are not in ascending order";
    }
    if (kind === "fact") return ofFact(form);
    if (kind === "score") return ofScore(form);
    if (kind === "layer") return text(form, "certain") === "no" ? { certain: false } : "";
    return kind === "threat" ? ofThreat(form) : "";
  };

  const score = ({ aivss, severity }) => (aivss === null ? "not scored" : `${Number(aivss).toFixed(1)} ${severity}`);
  const likely = ({ low, high }) => (low === null ? "" : `${Number(low).toFixed(1)}–${Number(high).toFixed(1)}`);

  const whole = (one) => [score(one), likely(one)].filter(Boolean).join(", likely ");

  // The same lines that the card shows after the act.
  const lines = ({ before, after, causes, falls, alters, comes, returns, reopens, why }) => {
    const [was, now] = [whole(before), whole(after)];
    const each = (name, texts) => (texts ?? []).map((words) => [name, words]);
    const rest = [
      ...each("Why", why ? [why] : []), ...each("Cause", causes), ...each("Removed", falls), ...each("Changed", alters), ...each("New", comes), ...each("Restored", returns), ...each("Reopened", reopens),
    ];
    return [["Score", was === now ? `stays ${now}` : `${was} → ${now}`], ...(rest.length ? rest : [["Items", "none removed or changed"]])];
  };

  const listed = (told) => {
    const list = Object.assign(document.createElement("dl"), { className: "moved-list" });
    let last = "";
    for (const [name, words] of lines(told)) {
      if (name !== last) list.append(Object.assign(document.createElement("dt"), { textContent: name }));
      list.append(Object.assign(document.createElement("dd"), { textContent: septetParts.visible(words) }));
      last = name;
    }
    return list;
  };

  const preview = async (form) => {
    const output = one(".preview", form);
    if (!output) return;
    stop();
    asked = new AbortController();
    const { signal } = asked;
    const fields = wanted(form);
    if (typeof fields === "string") {
      output.textContent = fields;
      return;
    }
    const reply = await post("preview", {
      verb: form.dataset.verb, item: hidden(form, "item"), version: Number(hidden(form, "version")), fields,
      reason: text(form, "reason") || (form.dataset.verb === "strike" ? "not-supported" : "wrong-value"),
    }, signal);
    if (!reply || signal.aborted) return;
    const told = await reply.json().catch(() => null);
    if (signal.aborted) return;
    output.replaceChildren(...(told && reply.ok ? [listed(told)] : [septetParts.visible(told?.error ?? "")]));
    // Opening the form requested this preview, so make sure that it is visible before the button is pressed.
    if (form.dataset.verb === "strike") form.scrollIntoView({ block: "nearest" });
  };

  document.addEventListener("input", (event) => {
    const slider = event.target.closest?.("input.slider");
    if (slider) document.getElementById(slider.dataset.for).value = slider.value;
    const slid = event.target.id && one(`input.slider[data-for="${CSS.escape(event.target.id)}"]`);
    if (slid) slid.value = event.target.value;
    const form = event.target.closest?.('form[data-verb="correct"]');
    if (!form || !key() || event.target.name === "note" || event.target.name === "reason") return;
    clearTimeout(timer);
    timer = setTimeout(() => preview(form), PREVIEW_MILLISECONDS);
  });

  document.addEventListener("toggle", (event) => {
    const form = event.target.open && one(':scope > form[data-verb="strike"]', event.target);
    if (form && key()) preview(form);
  }, true);

  // ---- the time for which an item is viewed

  const spent = new Map();
  let since = performance.now();
  let active = since;
  let looked = "";

  const tick = () => {
    const now = performance.now();
    const looking = document.visibilityState === "visible" && document.hasFocus() && now - active < IDLE_SECONDS * 1000;
    if (looking && looked) spent.set(looked, (spent.get(looked) ?? 0) + (now - since) / 1000);
    since = now;
    looked = one("article.item.is-current")?.dataset.item ?? "";
  };

  const flush = () => {
    tick();
    // An undo may have removed the viewed item.
    [...spent.keys()].filter((item) => !one(`[data-item="${CSS.escape(item)}"]`)).forEach((item) => spent.delete(item));
    const told = [...spent].map(([item, seconds]) => [item, Math.min(Math.round(seconds * 10) / 10, MOST_SECONDS)]);
    const ready = key() ? told.filter(([, seconds]) => seconds >= 0.1) : [];
    ready.forEach(([item]) => spent.delete(item));
    return Promise.all(ready.map(([item, seconds]) => post("focus", { item, seconds })));
  };

  setInterval(() => {
    tick();
    if ([...spent.values()].some((seconds) => seconds >= REPORT_SECONDS)) flush();
  }, 1000);
  for (const kind of ["keydown", "pointermove", "scroll"]) addEventListener(kind, () => { active = performance.now(); }, { passive: true, capture: true });
  addEventListener("pagehide", flush);

  return { flush, stop, tick };
})();
