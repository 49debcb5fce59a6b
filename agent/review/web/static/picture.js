// Zooms the system picture with buttons and keys, and drags it with a pointer. Only its viewBox changes.
"use strict";

(() => {
  const NEARER = 1.4;
  const MOST = 8;
  const STEP = 0.2;
  const KEYS = { "+": "in", "=": "in", "-": "out", _: "out", 0: "whole", ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const box = (text) => text.split(" ").map(Number);
  const within = (value, most) => Math.min(Math.max(value, 0), most);

  const whole = (svg) => {
    svg.dataset.whole ??= svg.getAttribute("viewBox");
    return box(svg.dataset.whole);
  };

  const show = (svg, [x, y, width, height]) => {
    const [, , wide, tall] = whole(svg);
    svg.setAttribute("viewBox", [within(x, wide - width), within(y, tall - height), width, height].join(" "));
    svg.closest(".zoom").classList.toggle("is-near", width < wide);
  };

  const scale = (svg, by) => {
    const [, , wide, tall] = whole(svg);
    const [x, y, width, height] = box(svg.getAttribute("viewBox"));
    const share = Math.min(Math.max((width / wide) / by, 1 / MOST), 1);
    show(svg, [x + (width - wide * share) / 2, y + (height - tall * share) / 2, wide * share, tall * share]);
  };

  const move = (svg, right, down) => {
    whole(svg);
    const [x, y, width, height] = box(svg.getAttribute("viewBox"));
    show(svg, [x + right * width, y + down * height, width, height]);
  };

  const act = (svg, what) => {
    if (what === "whole") show(svg, whole(svg));
    else scale(svg, what === "in" ? NEARER : 1 / NEARER);
  };

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("button[data-zoom]");
    const svg = button && document.getElementById(button.getAttribute("aria-controls"))?.querySelector("svg");
    if (svg) act(svg, button.dataset.zoom);
  });

  // Handle these keys before the page does: with the focus here, they control the picture.
  document.addEventListener("keydown", (event) => {
    const svg = event.target.closest?.(".zoom")?.querySelector("svg");
    const what = KEYS[event.key];
    if (!svg || !what || event.ctrlKey || event.metaKey || event.altKey) return;
    // While the whole picture is shown, the arrows scroll the page.
    if (Array.isArray(what) && !svg.closest(".is-near")) return;
    event.preventDefault();
    event.stopPropagation();
    if (Array.isArray(what)) move(svg, what[0] * STEP, what[1] * STEP);
    else act(svg, what);
  }, true);

  // ---- dragging with a pointer

  let held = null;
  document.addEventListener("pointerdown", ({ target, clientX, clientY, button }) => {
    const svg = button === 0 && target.closest?.(".zoom.is-near svg");
    if (svg) held = { svg, x: clientX, y: clientY, moved: false };
  });
  document.addEventListener("pointermove", ({ clientX, clientY, buttons }) => {
    if (!held || !buttons || (!held.moved && Math.hypot(clientX - held.x, clientY - held.y) < 4)) return;
    const { width, height } = held.svg.getBoundingClientRect();
    move(held.svg, (held.x - clientX) / width, (held.y - clientY) / height);
    Object.assign(held, { x: clientX, y: clientY, moved: true });
  });
  // Do not follow a link that the pointer was on while dragging.
  document.addEventListener("click", (event) => {
    if (held?.moved) event.preventDefault();
    held = null;
  }, true);
  addEventListener("pointercancel", () => { held = null; });
  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.(".zoom.is-near")) event.preventDefault();
  });
})();
