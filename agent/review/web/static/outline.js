// Which section of the page is being read, in its outline.
"use strict";

(() => {
  const LEEWAY = 32;
  const all = (selector) => [...document.querySelectorAll(selector)];

  const mark = () => {
    const links = all(".outline a").map((link) => ({ link, place: document.getElementById(link.hash.slice(1)) }));
    // What began above the top of the page is what is read; on the last screen, which need not reach there, the line goes down.
    const nav = document.querySelector(".outline").getBoundingClientRect();
    const top = (nav.height > innerHeight / 2 ? nav.top : nav.bottom) + LEEWAY;
    const left = document.documentElement.scrollHeight - innerHeight - scrollY;
    const line = top + (innerHeight - top) * Math.min(Math.max(1 - left / innerHeight, 0), scrollY ? 1 : 0);
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
