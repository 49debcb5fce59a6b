// Selections in the sources: offsets in a document, counted as the server counts them, and selecting sentences with keys.
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
    if (piece.contains(node)) range.setEnd(node, offset);
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

  // Returns the sentences and lines of a source as offsets in its text, without the page's own notes in it.
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
    for (const { segment, index } of new Intl.Segmenter("en", { granularity: "sentence" }).segment(whole)) {
      for (const line of segment.matchAll(/[^\n]+/g)) {
        const bare = line[0].trim().replace(/^[-*•]\s+/, "");
        const from = index + line.index + line[0].lastIndexOf(bare);
        if (bare) found.push([from, from + bare.length]);
      }
    }
    const at = (offset, last) => {
      const held = nodes.findLast(({ at: from }) => (last ? from < offset : from <= offset));
      return [held.node, offset - held.at];
    };
    const reach = (container, offset) => {
      const held = nodes.find(({ node }) => node === container);
      if (held) return held.at + offset;
      const range = document.createRange();
      range.setStart(text, 0);
      range.setEnd(container, offset);
      const before = nodes.findLast(({ node }) => range.comparePoint(node, node.length) <= 0);
      return before ? before.at + before.node.length : 0;
    };
    return { found, at, reach };
  };

  // Starts at the sentence that the item cites; then selects the next or previous sentence, or one more.
  const pick = (by, more = false) => {
    const range = document.createRange();
    const chosen = getSelection().rangeCount && !getSelection().isCollapsed ? getSelection().getRangeAt(0) : null;
    const within = chosen?.startContainer.parentElement?.closest(".text[data-document]");
    const cited = one("mark.cited");
    const text = within || cited?.closest(".text[data-document]") || one(".text[data-document]");
    if (!text) return "";
    const { found, at, reach } = sentences(text);
    if (!found.length) return "";
    if (!within) range.selectNodeContents(cited && text.contains(cited) ? cited : text);
    const { startContainer, startOffset, endContainer, endOffset } = within ? chosen : range;
    const from = reach(startContainer, startOffset);
    const to = reach(endContainer, endOffset);
    const first = Math.max(found.findIndex(([, end]) => end > from), 0);
    const last = Math.max(found.findLastIndex(([start]) => start < to), first);
    const begin = !within || more ? first : Math.min(Math.max(by > 0 ? last + 1 : first - 1, 0), found.length - 1);
    const end = more && within ? Math.min(last + 1, found.length - 1) : begin;
    getSelection().setBaseAndExtent(...at(found[begin][0]), ...at(found[end][1], true));
    at(found[begin][0])[0].parentElement.scrollIntoView({ block: "nearest" });
    return getSelection().toString();
  };

  return { selected, pick };
})();
