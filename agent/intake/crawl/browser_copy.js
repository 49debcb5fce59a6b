// Copies a rendered page as HTML: shadow trees laid out, and what style rules of scripts hide marked as hidden.
() => {
  const copy = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    // Scripts stay: they do nothing in a copy, and tell the reader why a page that stayed empty is empty.
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
    // Rules of a shadow root would hold for the whole page in the copy: they leave, and what they hid says so itself.
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
  // Rules that a script put in are in no text of the page, yet they hide as well as others.
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
