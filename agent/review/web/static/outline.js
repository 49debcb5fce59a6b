// Which section of the page is being read, in its outline.
"use strict";

(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];

  const mark = () => {
    const links = all(".outline a").map((link) => ({ link, place: document.getElementById(link.hash.slice(1)) }));
    // What begins in the upper third of the page is what is read.
    const line = innerHeight / 3;
    const begun = links.filter(({ link, place }) => place && link.checkVisibility() && place.getBoundingClientRect().top < line);
    const now = begun.sort((one, two) => one.place.getBoundingClientRect().top - two.place.getBoundingClientRect().top).at(-1)?.link;
    for (const { link } of links) {
      if (link === now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };

  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; mark(); });
  };
  if (all(".outline").length) {
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon, { passive: true });
    new MutationObserver(soon).observe(document.body, { childList: true, subtree: true });
    mark();
  }
})();
