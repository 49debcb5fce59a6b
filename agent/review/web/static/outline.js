// Marks in the outline which section of the page is being read.
"use strict";

(() => {
  const LEEWAY = 32;
  const all = (selector) => [...document.querySelectorAll(selector)];

  const mark = () => {
    const links = all(".outline a").map((link) => ({ link, place: document.getElementById(link.hash.slice(1)) }));
    // The section being read is the last one that begins above this line. Near the end of the page the line moves down,
    // since the last sections cannot be scrolled to the top.
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
