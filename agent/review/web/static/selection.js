// Selections in the sources: characters of a document, counted as the server counts them, and sentences by key.
"use strict";

const septetSelection = (() => {
  const one = (selector, root = document) => root.querySelector(selector);

  const points = (text) => [...text].length;

  const place = (node, offset) => {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node.childNodes[offset]?.parentElement || node;
    const piece = element.closest("[data-start]");
    if (!piece || element.closest("[data-skip]")) return null;
    const range = document.createRange();
    range.selectNodeContents(piece);
    if (node.nodeType === Node.TEXT_NODE) range.setEnd(node, offset);
    return Number(piece.dataset.start) + points(range.toString());
  };

  const selected = () => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
    const range = selection.getRangeAt(0);
    const holder = (node) => (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest(".text[data-document]");
    const text = holder(range.startContainer);
    if (!text || holder(range.endContainer) !== text) return null;
    const start = place(range.startContainer, range.startOffset);
    const end = place(range.endContainer, range.endOffset);
    return start === null || end === null || end <= start ? null : { document: text.dataset.document, start, end };
  };

  const sentences = (text) => {
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT, (node) =>
      node.parentElement.closest("[data-skip]") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
    const nodes = [];
    let whole = "";
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      nodes.push({ node, at: whole.length });
      whole += node.data;
    }
    const found = [];
    const cut = new Intl.Segmenter("en", { granularity: "sentence" });
    for (const { segment, index } of cut.segment(whole)) {
      for (const line of segment.matchAll(/[^\n]+/g)) {
        const lead = line[0].length - line[0].trimStart().length;
        const bare = line[0].trim();
        if (bare) found.push([index + line.index + lead, index + line.index + lead + bare.length]);
      }
    }
    const at = (offset, last) => {
      const held = nodes.findLast(({ at: from }) => (last ? from < offset : from <= offset));
      return [held.node, offset - held.at];
    };
    return { found, at };
  };

  const pick = (by, more = false) => {
    const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
    const within = range?.startContainer.parentElement?.closest(".text[data-document]");
    const text = within || one("mark.cited")?.closest(".text") || one("#sources .text") || one(".text");
    if (!text) return "";
    const { found, at } = sentences(text);
    if (!found.length) return "";
    const starts = found.map(([start]) => { const held = at(start); const probe = document.createRange(); probe.setStart(...held); return probe; });
    const anchor = within ? range : (() => { const probe = document.createRange(); probe.selectNode(one("mark.cited", text) || text.firstChild); return probe; })();
    const seen = starts.findLastIndex((probe) => probe.compareBoundaryPoints(Range.START_TO_START, anchor) <= 0);
    const index = Math.max(0, Math.min(found.length - 1, more || !within ? Math.max(seen, 0) : seen + by));
    const lastOf = more ? Math.min(found.length - 1, found.findLastIndex(([start]) => { const probe = document.createRange(); probe.setStart(...at(start)); return probe.compareBoundaryPoints(Range.START_TO_END, anchor) < 0; }) + 1) : index;
    getSelection().setBaseAndExtent(...at(found[index][0]), ...at(found[lastOf][1], true));
    text.closest("#sources")?.scrollTo({ top: text.closest("#sources").scrollTop + getSelection().getRangeAt(0).getBoundingClientRect().top - innerHeight / 2 });
    return getSelection().toString();
  };

  return { selected, pick };
})();
