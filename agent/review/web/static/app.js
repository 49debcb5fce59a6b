// Keys, saving in place, live previews and focus time of the review pages. All of it also works without, by forms and links.
"use strict";

(() => {
  const REPORT_SECONDS = 20;
  const IDLE_SECONDS = 90;
  const MOST_SECONDS = 120;
  const PREVIEW_MILLISECONDS = 120;
  const KEYS = [
    ["j, k", "next, previous item; in the queue, row"],
    ["n", "next item that is open"],
    ["c", "confirm"],
    ["e", "correct"],
    ["x", "strike"],
    ["s", "ask the vendor"],
    ["r", "record the answer to a question"],
    ["w", "waive"],
    ["A", "confirm all of the section that quotes support"],
    ["Q", "ask the vendor all open questions"],
    [". , >", "in the sources: next, previous sentence, one more"],
    ["a", "attach the selected words to the item"],
    ["u", "undo"],
    ["/", "search"],
    ["Ctrl Enter", "save the form"],
    ["Esc", "close, back to the item"],
    ["g q, g s, g h", "to the queue, to sign, to the history"],
  ];
  const policy = window.trustedTypes
    ? trustedTypes.createPolicy("septet", { createHTML: (text) => text })
    : { createHTML: (text) => text };
  const parsed = (text) => new DOMParser().parseFromString(policy.createHTML(text), "text/html");
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const announce = (text) => { const place = one("#announce"); if (place) place.textContent = text; };
  const main = () => one("main");
  const key = () => main()?.dataset.key;
  const shown = (element) => element.getClientRects().length > 0;

  // ---- items

  const items = () => all("article.item[data-item], tr[data-item]").filter(shown);
  const isOpen = (item) => item.dataset.verdict === "open" || item.classList.contains("is-contested");
  let current = null;

  const choose = (item, { scroll = true, focus = true } = {}) => {
    if (!item) return;
    if (current !== item) flush();
    current?.classList.remove("is-current");
    current = item;
    item.classList.add("is-current");
    if (item.tabIndex !== -1 && item.matches("tr")) item.tabIndex = -1;
    if (focus) item.focus({ preventScroll: true });
    if (scroll) item.scrollIntoView({ block: "nearest" });
    const cite = one("a.mark[data-cite]", item);
    if (cite) show(cite.dataset.cite);
    offer();
  };

  const step = (by, only = () => true) => {
    const list = items().filter((item) => item === current || only(item));
    const at = list.indexOf(current);
    const next = at < 0 ? nearest(list) : list[at + by];
    if (next && next !== current) choose(next); else announce(by > 0 ? "That was the last one" : "That was the first one");
  };

  const nearest = (list) => list.find((item) => item.getBoundingClientRect().bottom > 140) || list[0];

  // ---- sources beside the draft

  const show = (mark) => {
    const place = document.getElementById(`cite-${mark}`);
    if (!place) return;
    all("mark.cited").forEach((each) => each.classList.remove("cited"));
    all(`mark[data-marks~="${CSS.escape(mark)}"]`).forEach((each) => each.classList.add("cited"));
    const pane = one("#sources");
    const beside = pane && getComputedStyle(pane).position === "sticky";
    if (beside) {
      const offset = place.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      pane.scrollTop += offset - pane.clientHeight / 3;
    }
    return beside;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-cite]");
    if (link && show(link.dataset.cite)) event.preventDefault();
    const item = event.target.closest?.("article.item, tr[data-item]");
    if (item) choose(item, { scroll: false, focus: false });
  });
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest?.("article.item, tr[data-item]");
    if (item && item !== current) choose(item, { scroll: false, focus: false });
  });

  // ---- selections

  const { selected } = septetSelection;

  const pick = (by, more = false) => { announce(septetSelection.pick(by, more)); offer(); };

  const offer = () => {
    const button = one("#attach-selection");
    if (!button) return;
    const span = selected();
    const title = current && one(".item-title", current)?.textContent.trim();
    button.hidden = !(span && title);
    if (span && title) button.textContent = `Attach these words to “${title}” (a)`;
  };

  const attach = () => {
    const span = selected();
    const form = current && one('form[data-verb="attach"]', current);
    if (!span || !form) return announce(span ? "Choose an item first" : "Select words of a source first");
    form.elements.document.value = span.document;
    form.elements.start.value = span.start;
    form.elements.end.value = span.end;
    form.elements.quote.value = "";
    getSelection().removeAllRanges();
    form.requestSubmit();
  };

  document.addEventListener("selectionchange", offer);

  // ---- saving without leaving the page

  const swap = (answer) => {
    const held = { item: current?.dataset.item, open: all("details[open]", one(".draft") || document).map((each) => each.id).filter(Boolean) };
    for (const selector of ["header.bar", ".draft", "#sources"]) {
      const old = one(selector);
      const fresh = one(selector, answer);
      if (!old || !fresh || old.isEqualNode(fresh)) continue;
      const top = old.scrollTop;
      old.replaceWith(document.adoptNode(fresh));
      one(selector).scrollTop = top;
    }
    const fresh = one("main", answer);
    if (fresh?.dataset.version) Object.assign(main().dataset, fresh.dataset);
    held.open.forEach((id) => { const each = document.getElementById(id); if (each) each.open = true; });
    prepare();
    return held.item;
  };

  const after = (item, verb) => {
    const list = items();
    const at = list.findIndex((each) => each.dataset.item === item);
    const stays = verb === "undo" || verb === "attach" || at < 0;
    const next = stays ? list[at] : list.slice(at).find(isOpen) || list.find(isOpen) || list[at];
    current = null;
    if (next) choose(next); else one("main").focus();
  };

  const send = async (form, submitter) => {
    const data = new URLSearchParams(new FormData(form, submitter));
    const verb = data.get("verb");
    form.setAttribute("aria-busy", "true");
    let reply;
    try {
      reply = await fetch(form.action, { method: "POST", body: data, headers: { accept: "text/html" } });
    } catch {
      form.removeAttribute("aria-busy");
      return announce("The server does not answer; nothing was saved, and your words are still here");
    }
    const answer = parsed(await reply.text());
    form.removeAttribute("aria-busy");
    if (reply.ok && one("main.desk", answer) && one("main.desk")) {
      const item = swap(answer);
      announce(one("#bar-moved", answer)?.textContent.trim() || "Saved");
      return after(item, verb);
    }
    document.title = answer.title;
    document.body.replaceWith(document.adoptNode(answer.body));
    history.pushState(null, "", reply.ok ? reply.url : location.href);
    current = null;
    prepare();
    one("main")?.focus();
  };

  addEventListener("popstate", () => location.reload());

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !/\/act$/.test(new URL(form.action).pathname) || !key()) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  // ---- live score

  let timer = 0;
  let asked = 0;

  const wanted = (form) => {
    const field = (name) => form.elements[name]?.value?.trim() ?? "";
    const kind = form.closest("article")?.dataset.kind;
    if (form.dataset.verb === "strike") return {};
    if (kind === "factor") {
      const given = ["value", "low", "high"].filter((name) => field(name) !== "");
      return Object.fromEntries(given.map((name) => [name, Number(field(name))]));
    }
    const metrics = all('select[name^="cvss."]', form);
    if (kind !== "threat" || !metrics.length || metrics.some((each) => !each.value)) return null;
    return { cvss_vector: `CVSS:4.0/${metrics.map((each) => `${each.name.slice(5)}:${each.value}`).join("/")}` };
  };

  const preview = async (form) => {
    const fields = wanted(form);
    const output = one("output.preview", form);
    if (!fields || !output) return;
    const turn = ++asked;
    const body = JSON.stringify({
      verb: form.dataset.verb, item: form.elements.item.value, version: Number(form.elements.version.value),
      fields, reason: form.elements.reason?.value || (form.dataset.verb === "strike" ? "not-supported" : "wrong-value"),
    });
    const reply = await fetch(`/api/r/${key()}/preview`, { method: "POST", body, headers: { "content-type": "application/json" } }).catch(() => null);
    if (!reply || turn !== asked) return;
    const told = await reply.json().catch(() => ({}));
    output.textContent = reply.ok ? [told.text, ...(told.causes || [])].filter(Boolean).join("; ") || "the score stays as it is" : told.error || "";
  };

  document.addEventListener("input", (event) => {
    const slider = event.target.closest?.("input.slider");
    if (slider) document.getElementById(slider.dataset.for).value = slider.value;
    const slid = event.target.id && one(`input.slider[data-for="${CSS.escape(event.target.id)}"]`);
    if (slid) slid.value = event.target.value;
    const form = event.target.closest?.('form[data-verb="correct"], form[data-verb="strike"]');
    if (!form || !key()) return;
    clearTimeout(timer);
    timer = setTimeout(() => preview(form), PREVIEW_MILLISECONDS);
  });

  // ---- focus time

  let since = performance.now();
  let active = performance.now();
  let spent = 0;

  const tick = () => {
    const now = performance.now();
    const looking = document.visibilityState === "visible" && document.hasFocus() && now - active < IDLE_SECONDS * 1000;
    if (looking) spent += (now - since) / 1000;
    since = now;
    if (spent >= REPORT_SECONDS) flush(false);
  };

  function flush(count = true) {
    if (count) tick();
    const seconds = Math.min(Math.round(spent * 10) / 10, MOST_SECONDS);
    spent = 0;
    if (seconds < 0.5 || !key() || !current?.matches("article")) return;
    const body = JSON.stringify({ item: current.dataset.item, seconds });
    fetch(`/api/r/${key()}/focus`, { method: "POST", body, keepalive: true, headers: { "content-type": "application/json" } }).catch(() => null);
  }

  setInterval(tick, 1000);
  for (const kind of ["keydown", "pointermove", "scroll"]) addEventListener(kind, () => { active = performance.now(); }, { passive: true });
  addEventListener("pagehide", () => flush());

  // ---- keys

  const form = (verb) => current && one(`form[data-verb="${verb}"]`, current);

  const press = (verb) => {
    const found = form(verb);
    if (found) found.requestSubmit(); else announce(current ? "Not for this item" : "Choose an item with j or k");
  };

  const open = (verb) => {
    const summary = current && one(`summary[data-verb="${verb}"]`, current);
    if (!summary) return announce(current ? "Not for this item" : "Choose an item with j or k");
    summary.parentElement.open = true;
    one("select, textarea, input:not([type=hidden]):not([hidden])", summary.parentElement)?.focus();
  };

  const waive = () => {
    open("more");
    form("waive")?.elements.reason.focus();
  };

  const section = (verb) => {
    const place = current?.closest("section[data-section]") || document;
    const found = one(`form[data-verb="${verb}"]`, place) || (verb === "send-section" && one(`form[data-verb="${verb}"]`));
    if (found) found.requestSubmit(); else announce("Nothing in this section is open and supported by quotes");
  };

  const dialog = (name, fill) => {
    let box = document.getElementById(name);
    if (!box) {
      box = document.createElement("dialog");
      box.id = name;
      fill(box);
      document.body.append(box);
    }
    box.showModal();
    return box;
  };

  const help = () => dialog("keys", (box) => {
    const head = document.createElement("h2");
    head.textContent = "Keys";
    const list = document.createElement("dl");
    for (const [keys, does] of KEYS) {
      list.append(Object.assign(document.createElement("dt"), { textContent: keys }), Object.assign(document.createElement("dd"), { textContent: does }));
    }
    const close = Object.assign(document.createElement("button"), { textContent: "Close" });
    close.addEventListener("click", () => box.close());
    box.setAttribute("aria-label", "Keys");
    box.append(head, list, close);
  });

  const search = () => {
    const field = one('form[role="search"] input[type="search"]');
    if (field) return field.focus();
    const box = dialog("find", (made) => {
      const label = Object.assign(document.createElement("label"), { textContent: "Find an item, a word of the draft or a mark" });
      const input = Object.assign(document.createElement("input"), { type: "search", id: "find-text", autocomplete: "off" });
      label.htmlFor = "find-text";
      made.append(label, input);
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        const words = input.value.trim().toLowerCase();
        const list = items();
        const from = list.indexOf(current) + 1;
        const hit = words && [...list.slice(from), ...list.slice(0, from)].find((item) => item.textContent.toLowerCase().includes(words));
        if (!hit) return announce("Nothing found");
        made.close();
        choose(hit);
      });
    });
    one("input", box).select();
  };

  const go = { q: () => "/", s: () => `/r/${key()}/sign`, h: () => `/r/${key()}/history` };
  let going = false;

  const commands = {
    j: () => step(1), k: () => step(-1), n: () => step(1, isOpen), c: () => press("confirm"), e: () => open("correct"),
    x: () => open("strike"), s: () => press("send"), r: () => open("answer"), w: waive, a: attach, A: () => section("confirm-section"),
    Q: () => section("send-section"), u: () => one('form[data-verb="undo"]')?.requestSubmit() ?? announce("Nothing to undo"),
    "/": search, "?": help, ".": () => pick(1), ",": () => pick(-1), ">": () => pick(1, true), g: () => { going = true; },
    Enter: () => current?.matches("tr") && one("a", current).click(),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input:not([type=checkbox]), textarea, select");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
      event.preventDefault();
      return event.target.form.requestSubmit();
    }
    if (event.key === "Escape") {
      const act = event.target.closest?.("details.act[open]");
      if (act) { act.open = false; current?.focus(); }
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
    if (event.key === "Enter" && !event.target.matches?.("tr, article, main, body")) return;
    if (going) {
      going = false;
      if (go[event.key] && (event.key === "q" || key())) { event.preventDefault(); location.assign(go[event.key]()); }
      return;
    }
    const command = commands[event.key];
    if (!command) return;
    event.preventDefault();
    command();
  });

  // ---- start

  function prepare() {
    all("input.slider").forEach((each) => { each.hidden = false; });
    if (one("#sources") && !one("#attach-selection")) {
      const button = Object.assign(document.createElement("button"), { id: "attach-selection", type: "button", hidden: true });
      button.addEventListener("mousedown", (event) => event.preventDefault());
      button.addEventListener("click", attach);
      document.body.append(button);
    }
  }

  prepare();
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.matches("article.item")) choose(named, { scroll: false });
})();
