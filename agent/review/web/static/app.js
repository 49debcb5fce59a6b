// Keyboard shortcuts, and saving without a page load. Everything here also works without scripts, through forms and links.
"use strict";

(() => {
  const TOLD_MILLISECONDS = 6000;
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const { parsed, begun, nameOf, problem, visible } = septetParts;
  const made = (name, fields) => Object.assign(document.createElement(name), fields);
  const key = () => one("main")?.dataset.key;
  // The page that adds a threat saves nothing in place, since it contains an unfinished form.
  const desk = () => one("main.desk:not(.adding)");
  const shown = (element) => element.checkVisibility();

  let quiet = 0;
  // "toast" is shown for a while, "toast bad" until the next message; "unseen" is for text that the page already shows.
  const tell = (text, look = "toast") => {
    const place = one("#announce");
    place.className = look;
    place.textContent = visible(text);
    clearTimeout(quiet);
    if (look === "toast") quiet = setTimeout(() => { place.textContent = ""; }, TOLD_MILLISECONDS);
  };

  // ---- items

  const isOpen = (item) => item.dataset.verdict === "open" || item.classList.contains("is-contested");
  // Skip a folded item unless it still needs a decision.
  const items = () => all(".item[data-item], tr[data-item]").filter((item) => shown(item) || isOpen(item));
  let current = null;

  const choose = (item, { scroll = true, focus = true } = {}) => {
    if (!item) return;
    current?.classList.remove("is-current");
    current = item;
    item.classList.add("is-current");
    one(".to-draft")?.setAttribute("href", `#${item.id}`);
    septetLive.tick();
    for (let at = item.parentElement.closest("details:not([open])"); at; at = at.parentElement.closest("details:not([open])")) at.open = true;
    if (focus) item.focus({ preventScroll: true });
    if (scroll) item.scrollIntoView({ block: "nearest" });
    const cite = one("a.mark[data-cite]", item);
    if (cite) show(cite.dataset.cite);
    offer();
  };

  const nearest = (list) => list.find((item) => item.getBoundingClientRect().bottom > 140 && shown(item)) || list[0];

  const step = (by) => {
    const list = items();
    const at = list.indexOf(current);
    const next = at < 0 ? nearest(list) : list[at + by];
    if (next) choose(next); else tell(by > 0 ? "This is the last one" : "This is the first one");
  };

  // The height at the top of the screen that the bar and the outline cover, in pixels.
  const covered = () => parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;

  // Go to an open item; if it is in the lower half of the screen, scroll it to the top so that all of it can be read.
  const turnTo = (item, always = false) => {
    const { top, bottom } = item.getBoundingClientRect();
    const here = top >= covered() && bottom <= innerHeight && top < innerHeight / 2;
    choose(item, { scroll: false });
    if (always || !here) item.scrollIntoView({ block: "start" });
  };

  const nextOpen = () => {
    const list = items();
    const at = current ? list.indexOf(current) + 1 : list.indexOf(nearest(list));
    const next = [...list.slice(at), ...list.slice(0, Math.max(at, 0))].find(isOpen);
    if (next) turnTo(next); else tell("No open items");
  };

  // ---- items that have been on screen: only these are confirmed together

  const SEEN_SHARE = 0.6;
  const seen = new Set();
  const supported = (section) => all('.item[data-verdict="open"][data-supported="yes"]:not(.is-contested)', section);

  const count = () => {
    for (const form of all('form[data-verb="confirm-section"]')) {
      const inside = supported(form.closest("section")).map((each) => each.dataset.item);
      const ready = inside.filter((each) => seen.has(each));
      one("button", form).disabled = !ready.length;
      form.elements.seen.value = ready.join(" ");
      one(".seen-count", form).textContent = ready.length;
    }
  };

  // A long item counts once it fills most of the screen. An item in a closed fold fills a screen of no height.
  const noted = (entries) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of entries) {
      const fills = isIntersecting && rootBounds && intersectionRect.height >= rootBounds.height * SEEN_SHARE;
      if (document.visibilityState === "visible" && (intersectionRatio >= SEEN_SHARE || fills)) seen.add(target.dataset.item);
    }
    count();
  };
  const watcher = new IntersectionObserver(noted, { threshold: [0, 0.2, 0.4, SEEN_SHARE, 1], rootMargin: `-${covered()}px 0px 0px` });

  // Items on the screen now also count, as soon as they have been drawn.
  const looked = async () => {
    await new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); });
    noted(watcher.takeRecords());
  };

  // ---- sources next to the draft

  const show = (mark) => {
    const place = document.getElementById(`cite-${mark}`);
    const pane = one("#sources");
    if (!place || !pane) return false;
    all("mark.cited").forEach((each) => each.classList.remove("cited"));
    all(`mark[data-marks~="${CSS.escape(mark)}"]`).forEach((each) => each.classList.add("cited"));
    if (getComputedStyle(pane).position !== "sticky") return false;
    pane.scrollTop += place.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
    return true;
  };

  // If the sources are not on the screen, for example in the overview, show the quote itself next to its mark.
  const inSight = (place) => {
    const { top, bottom } = place.getBoundingClientRect();
    return top >= covered() && bottom <= innerHeight;
  };

  const bring = (link) => {
    const mark = link.dataset.cite;
    const place = document.getElementById(`cite-${mark}`);
    const box = one("#quoted") || document.body.appendChild(made("div", { id: "quoted", popover: "auto" }));
    const words = all(`mark[data-marks~="${CSS.escape(mark)}"]`).map((each) => each.textContent).join("");
    const source = place.closest(".source");
    const to = made("a", { href: `#cite-${mark}`, textContent: `Show ${mark} in its source` });
    to.addEventListener("click", (event) => {
      event.preventDefault();
      box.hidePopover();
      source.scrollIntoView({ block: "start" });
      show(mark);
      one("#sources").focus({ preventScroll: true });
    });
    const close = made("button", { type: "button", className: "small", textContent: "Close" });
    close.addEventListener("click", () => { box.hidePopover(); link.focus(); });
    const line = made("p", { className: "line" });
    line.append(to, close);
    const quote = made("blockquote", { className: "quote" });
    quote.append(made("q", { textContent: visible(words) }));
    box.replaceChildren(made("b", { textContent: `${mark} · ${visible(one("h2", source).textContent)}` }), quote, line);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", `Quote ${mark}`);
    box.showPopover();
    const at = link.getBoundingClientRect();
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
    const below = at.bottom + 6 + box.offsetHeight <= innerHeight;
    box.style.top = `${below ? at.bottom + 6 : Math.max(8, at.top - 6 - box.offsetHeight)}px`;
    to.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-cite]");
    if (!link || !show(link.dataset.cite)) return;
    event.preventDefault();
    if (!inSight(document.getElementById(`cite-${link.dataset.cite}`))) bring(link);
  });
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest?.(".item[data-item], tr[data-item]");
    if (item && item !== current) choose(item, { scroll: false, focus: false });
  });

  // ---- selections

  const pick = (by, more = false) => {
    const words = septetSelection.pick(by, more);
    tell(words || "There is no source text here", words ? "unseen" : "toast");
    offer();
  };

  const offer = () => {
    const button = one("#attach-selection");
    if (!button) return;
    if (septetAdding.form()) {
      button.hidden = !septetSelection.selected();
      button.textContent = "Use the selected text as evidence (a)";
      return;
    }
    const title = current && one('form[data-verb="attach"]', current) && one(".item-title", current)?.textContent.trim();
    const fits = Boolean(title && septetSelection.selected());
    button.hidden = !fits;
    if (fits) button.textContent = `Attach the selected text to “${visible(title)}” (a)`;
  };

  const attach = () => {
    if (septetAdding.form()) return septetAdding.take() || tell("Select text in a source first");
    const span = septetSelection.selected();
    const form = current && one('form[data-verb="attach"]', current);
    if (!span || !form) return tell(!span ? "Select text in a source first" : current ? "Not available for this item" : "Choose an item first");
    Object.entries({ ...span, quote: "" }).forEach(([name, value]) => { form.elements[name].value = value; });
    getSelection().removeAllRanges();
    return submit(form);
  };

  document.addEventListener("selectionchange", offer);

  // ---- saving without leaving the page

  // Replaces the old draft, bar and sources with the new ones, and keeps unfinished forms on other items, expanded
  // details and the scroll position.
  const swap = (answer, acted) => {
    const stays = current?.dataset.item ?? items().find((item) => item.getBoundingClientRect().top > 0)?.dataset.item;
    const find = (item) => item && one(`article[data-item="${CSS.escape(item)}"]`);
    const top = find(stays)?.getBoundingClientRect().top;
    const open = new Set(all("details[open]", desk()).filter((each) => !(each.matches(".act") && each.closest("[data-item]").dataset.item === acted)).map(nameOf));
    const held = all("article[data-item]", desk()).filter((each) => each.dataset.item !== acted && begun(each));
    const said = new Map(all("article[data-item]", desk()).map((each) => [each.dataset.item, one(".item-body", each)?.textContent]));
    // Items whose text changed have not been seen.
    all("article[data-item]", answer).filter((each) => said.get(each.dataset.item) !== one(".item-body", each)?.textContent).forEach((each) => seen.delete(each.dataset.item));
    for (const selector of ["header.bar", ".outline", ".over", ".draft", "#sources"]) {
      const old = one(selector);
      const fresh = one(selector, answer);
      if (!old || !fresh || old.isEqualNode(fresh)) continue;
      const { scrollTop } = old;
      old.replaceWith(document.adoptNode(fresh));
      fresh.scrollTop = scrollTop;
    }
    Object.assign(desk().dataset, one("main", answer).dataset);
    for (const article of held) find(article.dataset.item)?.replaceWith(article);
    all("details", desk()).forEach((each) => { if (open.has(nameOf(each))) each.open = true; });
    prepare();
    if (find(stays) && top !== undefined) scrollBy({ top: find(stays).getBoundingClientRect().top - top, behavior: "instant" });
    return stays;
  };

  // Move on to the next open item only after a key that decides immediately; after a strike, a correction or a click,
  // stay on the item to show the result.
  const ONWARDS = ["confirm", "send", "waive", "bulk"];
  const onwards = (item, verb, keyed) => {
    const list = items();
    const at = list.findIndex((each) => each.dataset.item === item);
    const goes = keyed && ONWARDS.includes(verb);
    const next = goes ? list.slice(Math.max(at, 0)).find(isOpen) || list.find(isOpen) || list[at] : list[at];
    current = null;
    if (!next) one("main").focus(); else if (goes) turnTo(next, verb === "bulk"); else choose(next);
  };

  // Show the message in the form if it is an expanded one, otherwise in the usual place; leave all entered text unchanged.
  const refuse = (form, text) => {
    if (!form.matches("details.act form, dialog form")) return tell(text, "toast bad");
    one(".problem", form)?.remove();
    const place = made("p", { className: "notice bad problem", textContent: text, tabIndex: -1 });
    place.setAttribute("role", "alert");
    form.append(place);
    place.focus();
    place.scrollIntoView({ block: "nearest" });
  };

  const conflict = (answer) => {
    one("#conflict")?.remove();
    const box = made("dialog", { id: "conflict" });
    box.append(...one("main", answer).childNodes);
    box.setAttribute("aria-label", "Conflicting changes");
    box.addEventListener("close", () => box.remove());
    box.addEventListener("click", (event) => {
      const theirs = event.target.closest("a.button");
      if (!theirs) return;
      event.preventDefault();
      const item = one('input[name="item"]', box)?.value;
      box.close();
      work(async () => refresh(await (await fetch(theirs.href)).text(), item, ""));
    });
    document.body.append(box);
    box.showModal();
  };

  const refresh = (text, item, verb, { key = "", keyed = false } = {}) => {
    const answer = parsed(text);
    const stays = swap(answer, item);
    const moved = one("#bar-moved");
    const whole = shown(moved) && moved.scrollHeight <= moved.clientHeight + 1;
    const told = item && one(`[data-item="${CSS.escape(item)}"] .moved-list`);
    tell(moved.textContent.trim() || "Saved", whole || told ? "unseen" : "toast");
    // After asking about a fact, stay in the fact sheet, at the link to the new question.
    if (verb === "ask") return one(`tr[data-fact="${CSS.escape(key)}"] td a`)?.focus({ preventScroll: true });
    onwards(item || stays, verb, keyed);
  };

  const send = async (form, submitter, keyed = false) => {
    const data = new URLSearchParams(new FormData(form, submitter));
    form.setAttribute("aria-busy", "true");
    septetLive.stop();
    try {
      await septetLive.flush();
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body: data, headers: { accept: "text/html" } });
      const text = await reply.text();
      const answer = parsed(text);
      if (reply.ok && one("main.desk", answer)) {
        form.closest("dialog")?.close();
        refresh(text, data.get("item"), data.get("verb"), { key: data.get("key"), keyed });
      } else if (reply.status === 409 && one("main", answer)) conflict(answer); else refuse(form, problem(answer));
    } catch {
      refuse(form, "The server is not responding. Nothing was saved, and your text is still here");
    } finally {
      form.removeAttribute("aria-busy");
    }
  };

  // One act at a time: a key pressed during an act waits until the resulting page is shown.
  let busy = null;
  const work = (act) => {
    if (busy) return busy.then(() => work(act));
    const going = Promise.resolve(act()).finally(() => { if (busy === going) busy = null; });
    busy = going;
    return going;
  };

  const inPlace = (form) => desk() && form.method === "post" && /^\/r\/\w+\/act$/.test(form.getAttribute("action"));

  const submit = (form) => {
    if (!form.reportValidity()) return null;
    const buttons = all("button[name]", form);
    if (buttons.length > 1) {
      buttons[0].focus();
      return tell("Choose a button");
    }
    return inPlace(form) ? send(form, one("button:not([type=button])", form), true) : form.requestSubmit();
  };

  // On other pages, such as Questions: go to the page after a saved form, and show a refusal at the form.
  const AT_FORM = "main.page details.act form";
  const sent = async (form, submitter) => {
    form.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form, submitter));
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { accept: "text/html" } });
      const text = await reply.text();
      if (reply.ok) location.assign(`${reply.url}#${form.closest("[data-item]")?.id ?? ""}`);
      else if (reply.status === 409) form.submit();
      else refuse(form, problem(parsed(text)));
    } catch {
      refuse(form, "The server is not responding. Nothing was saved, and your text is still here");
    } finally {
      form.removeAttribute("aria-busy");
    }
  };

  document.addEventListener("submit", (event) => {
    if (event.target.matches(AT_FORM) && event.target.getAttribute("action").endsWith("/act")) {
      event.preventDefault();
      if (!busy) work(() => sent(event.target, event.submitter));
      return;
    }
    if (!inPlace(event.target)) return;
    event.preventDefault();
    if (!busy) work(() => send(event.target, event.submitter));
  });

  addEventListener("beforeunload", (event) => { if (desk() && all("article.item").some(begun)) event.preventDefault(); });

  // ---- keys

  const NOT_HERE = () => tell(current ? "Not available for this item" : "Choose an item with j or k");

  const press = (verb) => {
    const form = current && one(`form[data-verb="${verb}"]`, current);
    return form ? submit(form) : NOT_HERE();
  };

  const open = (verb, field = "select, textarea, input:not([type=hidden]):not([hidden])") => {
    const form = current && one(`form[data-verb="${verb}"]`, current);
    if (!form) return NOT_HERE();
    for (let at = form.closest("details:not([open])"); at; at = form.closest("details:not([open])")) at.open = true;
    const place = one(field, form);
    place.focus();
    if (place.matches("input")) place.select();
    form.scrollIntoView({ block: "nearest" });
  };

  const section = async (verb) => {
    const place = current?.closest("section[data-section]") || document;
    const form = one(`form[data-verb="${verb}"]`, verb === "send-section" ? document : place);
    if (form && verb === "confirm-section") {
      form.setAttribute("aria-busy", "true");
      await looked();
      form.removeAttribute("aria-busy");
    }
    if (form && one("button", form).disabled) return tell("You have not seen any open item here yet: step through them with j");
    return form ? submit(form) : tell(verb === "send-section" ? "No open questions" : "No open item here is supported by quotes");
  };

  const turn = (verb) => {
    const form = one(`form[data-verb="${verb}"]`);
    return form && !one("button", form).disabled ? submit(form) : tell(`Nothing to ${verb}`);
  };

  const dialog = (id, label, fill) => {
    const box = document.getElementById(id) || document.body.appendChild(made("dialog", { id }));
    box.setAttribute("aria-label", label);
    if (!box.childElementCount) fill(box);
    box.showModal();
    return box;
  };

  const help = async () => {
    const table = one("table.keys", parsed(await (await fetch("/help")).text()));
    dialog("keys", "Keyboard shortcuts", (box) => {
      const close = made("button", { textContent: "Close" });
      close.addEventListener("click", () => box.close());
      box.append(made("h2", { textContent: "Keyboard shortcuts" }), document.adoptNode(table), close);
    });
  };

  // Matches in titles come before matches in bodies, starting from the current item. Forms are not searched, since every
  // item has the same ones.
  const TITLES = ".item-title, .open-title, .mark, tr.unstated > th";
  const SAYING = ".item-body, .event-number, .said";
  const find = (text) => {
    const list = [...items(), ...all("tr.unstated")];
    const from = list.indexOf(current) + 1;
    const turned = [...list.slice(from), ...list.slice(0, from)];
    const says = (selector) => (item) => all(selector, item).some((each) => each.textContent.toLowerCase().includes(text));
    const titled = turned.filter(says(TITLES));
    return [...titled, ...turned.filter((item) => !titled.includes(item) && says(SAYING)(item))];
  };

  // Highlight the matches in place, without changing the page.
  const mark = (hits, text) => {
    CSS.highlights?.delete("found");
    const ranges = [];
    if (!text || !window.Highlight) return;
    for (const place of [...hits.flatMap((hit) => all(`${TITLES}, ${SAYING}`, hit)), ...all("#sources [data-start]")]) {
      const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const low = node.data.toLowerCase();
        if (low.length !== node.data.length) continue;
        for (let at = low.indexOf(text); at >= 0; at = low.indexOf(text, at + text.length)) {
          const range = document.createRange();
          range.setStart(node, at);
          range.setEnd(node, at + text.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  };

  const MOST_HITS = 8;
  const titleOf = (item) => visible(one(".item-title, .open-title, th, td a", item)?.textContent.replace(/\s+/g, " ").trim() || item.dataset.item);

  const search = () => {
    const field = one('form[role="search"] input[type="search"]');
    if (field) return field.focus();
    const box = dialog("find", "Find", (place) => {
      const input = made("input", { type: "search", id: "find-text", autocomplete: "off" });
      const label = made("label", { textContent: "Find an item, text in the draft or a mark", htmlFor: input.id });
      const output = made("output", { className: "hint" });
      const list = made("ul", { className: "flat hits" });
      const words = () => input.value.trim().toLowerCase();
      const to = (hit) => {
        place.close();
        if (hit.matches("[data-item]")) return choose(hit);
        hit.closest("details").open = true;
        hit.scrollIntoView({ block: "center" });
        one("a, button", hit)?.focus({ preventScroll: true });
      };
      const look = () => {
        const hits = words() ? find(words()) : [];
        mark(hits, words());
        const more = hits.length > MOST_HITS ? `, the first ${MOST_HITS} below` : "";
        const beside = all("#sources .text").filter((each) => words() && each.textContent.toLowerCase().includes(words())).length;
        const read = beside ? `; ${beside} ${beside === 1 ? "source contains" : "sources contain"} it` : "";
        output.textContent = !words() ? "" : hits.length ? `${hits.length} ${hits.length === 1 ? "item" : "items"}${more}${read}; press Enter to go to the first item` : `No item matches “${visible(input.value.trim())}”${read}`;
        list.replaceChildren(...hits.slice(0, MOST_HITS).map((hit) => {
          const button = made("button", { type: "button", className: "small", textContent: titleOf(hit) });
          button.addEventListener("click", () => to(hit));
          const line = made("li");
          line.append(button);
          return line;
        }));
        return hits[0];
      };
      input.addEventListener("input", look);
      input.addEventListener("keydown", (event) => {
        // By default the browser would first only clear the field.
        if (event.key === "Escape") { event.preventDefault(); place.close(); }
        if (event.key !== "Enter") return;
        event.preventDefault();
        const hit = look();
        if (hit) to(hit);
      });
      place.append(label, input, output, list);
    });
    one("input", box).select();
    one("input", box).dispatchEvent(new Event("input"));
  };

  document.addEventListener("click", ({ target }) => { if (target.closest?.("[data-search]")) search(); });

  const save = (target) => {
    const box = one("dialog[open]");
    const here = box ? one("form", box) : current && one("details.act[open] form", current);
    const form = target.form || here || septetAdding.form() || (!box && all("main.page form:has(> button.primary:enabled)").find(shown));
    return form ? submit(form) : tell("There is no form to save");
  };

  const escape = (target) => {
    if (target.closest?.("#quoted")) return;
    const act = target.closest?.("details.act[open]");
    if (act) act.open = false;
    CSS.highlights?.delete("found");
    getSelection().removeAllRanges();
    if (current) current.focus({ preventScroll: true }); else target.blur?.();
  };

  // Go to the page that adds a threat, with the selected words, the current fact or the current layer.
  const add = () => {
    if (!one('nav a[href$="/add"]')) return tell("You cannot add a threat here");
    if (septetAdding.form()) return septetAdding.form().elements.title.focus();
    const asked = new URLSearchParams();
    const span = septetSelection.selected();
    const layer = current?.closest("section[data-section]")?.dataset.section;
    if (span) asked.append("span", `${span.document}:${span.start}:${span.end}`);
    if (current?.dataset.kind === "fact") asked.append("fact", current.dataset.item.slice("fact/".length));
    if (["layer", "threat"].includes(current?.dataset.kind)) asked.append("layer", layer);
    location.assign(`/r/${key()}/add?${asked}`);
  };

  const places = { q: () => "/", s: () => `/r/${key()}/sign`, h: () => `/r/${key()}/history`, v: () => `/r/${key()}/questions` };
  const go = (to) => { if (places[to] && (to === "q" || key())) location.assign(places[to]()); };
  let going = false;

  const commands = {
    j: () => step(1), k: () => step(-1), n: nextOpen, c: () => press("confirm"), e: () => open("correct"),
    x: () => open("strike"), s: () => press("send"), r: () => open("answer"), w: () => open("waive"), a: attach,
    t: add, m: () => open("manage"), d: () => open("comment"),
    b: () => section("confirm-section"), A: () => section("confirm-section"), Q: () => section("send-section"), u: () => turn("undo"), U: () => turn("redo"), "/": search, "?": help,
    ".": () => pick(1), ",": () => pick(-1), ">": () => pick(1, true),
    Enter: () => current?.matches("tr") && one("a", current).click(),
  };

  document.addEventListener("keydown", (event) => {
    const { target, key: name } = event;
    const typing = target.matches?.("input:not([type=checkbox]), textarea, select");
    const going_ = going;
    going = false;
    if (name === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return work(() => save(target));
    }
    if (one("dialog[open]")) return;
    if (name === "Escape") return escape(target);
    if (typing || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("septet-keys") === "off") return;
    if (name === "Enter" && !target.matches?.("tr, article, main, body")) return;
    if (name === "g" || going_) {
      going = name === "g";
      if (!going) go(name);
      return event.preventDefault();
    }
    if (!commands[name]) return;
    event.preventDefault();
    work(commands[name]);
  });

  // Reject a file that is too large before uploading it.
  document.addEventListener("change", ({ target }) => {
    if (!target.dataset?.most) return;
    target.setCustomValidity(target.files[0]?.size > Number(target.dataset.most) ? `The file must not exceed ${target.dataset.most} bytes` : "");
    target.reportValidity();
  });

  // ---- start

  function prepare() {
    all("input.slider").forEach((each) => { each.hidden = false; });
    watcher.disconnect();
    all("article.item[data-item]", desk() ?? undefined).forEach((each) => watcher.observe(each));
    count();
    if (!one("#sources") || one("#attach-selection")) return;
    const button = made("button", { id: "attach-selection", type: "button", hidden: true });
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => work(attach));
    document.body.append(button);
  }

  const choice = one("#keys-choice");
  if (choice) {
    choice.hidden = false;
    one("input", choice).checked = localStorage.getItem("septet-keys") !== "off";
    choice.addEventListener("change", (event) => localStorage.setItem("septet-keys", event.target.checked ? "on" : "off"));
  }
  prepare();
  const refused = document.getElementById("problem-at");
  if (refused) {
    const field = one("input:not([type=hidden]), textarea, select", refused.parentElement);
    field?.setAttribute("aria-invalid", "true");
    field?.setAttribute("aria-describedby", refused.id);
    field?.focus({ preventScroll: true });
    refused.scrollIntoView({ block: "center" });
  }
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.matches(".item[data-item]")) choose(named, { scroll: false });
})();
