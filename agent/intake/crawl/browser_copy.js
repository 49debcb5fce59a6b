// Copies a rendered page as HTML, with its shadow trees laid out and with all style rules that may hide text.
() => {
  const copy = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    // Keep scripts: they do nothing in a copy, and show our reader why a page without text has none.
    if (node.localName === 'noscript') return null;
    const made = node.cloneNode(false);
    if (node.localName === 'slot') {
      const given = node.assignedNodes();
      const span = document.createElement('span');
      for (const child of given.length ? given : node.childNodes) {
        const copied = copy(child);
        if (copied) span.appendChild(copied);
      }
      return span;
    }
    const inShadow = node.getRootNode() instanceof ShadowRoot;
    // In the copy, the rules of a shadow root would apply to the whole page. Omit them, and mark what they hid instead.
    if (inShadow && node.localName === 'style') return null;
    if (inShadow) {
      const style = getComputedStyle(node);
      if (style.display === 'none') made.setAttribute('style', 'display:none');
      else if (style.visibility !== 'visible') made.setAttribute('style', 'visibility:hidden');
      else if (style.opacity === '0') made.setAttribute('style', 'opacity:0');
      else if (style.fontSize === '0px') made.setAttribute('style', 'font-size:0');
    }
    for (const child of (node.shadowRoot || node).childNodes) {
      const copied = copy(child);
      if (copied) made.appendChild(copied);
    }
    return made;
  };
  const root = copy(document.documentElement);
  // Rules inserted by a script do not appear in the page's source, but they can hide text too.
  const rules = [];
  for (const sheet of [...document.styleSheets, ...document.adoptedStyleSheets]) {
    if (sheet.ownerNode && (sheet.ownerNode.localName === 'link' || sheet.ownerNode.textContent.trim())) continue;
    try { for (const rule of sheet.cssRules) rules.push(rule.cssText); } catch (error) { continue; }
  }
  const head = root.querySelector('head');
  if (head && rules.length) {
    const style = document.createElement('style');
    style.textContent = rules.join('\n');
    head.appendChild(style);
  }
  return '<!doctype html>' + root.outerHTML;
}
