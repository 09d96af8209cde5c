// What the page does besides its charts: it says what a figure means, searches and sorts tables, opens the segment that a link
// leads to, and all that is closed on paper.
"use strict";
(() => {
  const tip = Object.assign(document.createElement("div"), { id: "tip", className: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);

  // What says what the element means: itself, the head of its column, or the name that stands beside it.
  function meaning(element) {
    const cell = element.closest("td");
    const head = [...(cell?.closest("table").tHead?.rows ?? [])].at(-1)?.cells[cell.cellIndex];
    const named = head ?? element.closest(".tiles li, dl > div");
    return element.closest("[data-tip]") ?? named?.querySelector("[data-tip]");
  }

  // Below its element, or above where there is no room, also when the page is scrolled.
  let anchor = null;
  function place() {
    const at = anchor?.getBoundingClientRect();
    tip.hidden = !at || at.bottom < 0 || at.top > innerHeight;
    if (!tip.hidden) {
      const { width, height } = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
      tip.style.top = `${at.bottom + 6 + height < innerHeight ? at.bottom + 6 : Math.max(8, at.top - height - 6)}px`;
    }
  }

  // For who points at it, taps it or comes to it by keyboard; Escape takes it away.
  function tell(event) {
    const element = event.target instanceof Element ? event.target : document.body;
    const told = meaning(element);
    document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
    told?.setAttribute("aria-describedby", "tip");
    tip.textContent = told?.dataset.tip ?? "";
    anchor = told && (told.contains(element) ? told : element.closest("td, li, dl > div"));
    place();
  }
  ["pointerover", "focusin"].forEach((name) => addEventListener(name, tell));
  addEventListener("scroll", place);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      anchor = null;
      place();
    }
  });

  // The number that a cell begins with, such as EUR 1,234 or 12.3 %, or its text.
  function valueOf(cell) {
    const text = cell?.textContent.trim() ?? "";
    const [, sign, digits] = text.match(/^[▲▼]?\s*(?:[A-Z]{3}\s)?([+±\u2212-]?)([\d,]+(?:\.\d+)?)(?![\d-])/) ?? [];
    return digits ? (sign === "\u2212" || sign === "-" ? -1 : 1) * Number(digits.replaceAll(",", "")) : text;
  }
  // Numbers come before texts such as "no spend", whichever way they are sorted.
  function compare(one, other, direction) {
    const isNumber = [one, other].map((value) => typeof value === "number");
    if (isNumber[0] !== isNumber[1]) {
      return isNumber[0] ? -1 : 1;
    }
    return direction * (isNumber[0] ? one - other : one.localeCompare(other));
  }

  for (const table of document.querySelectorAll("table:not(.map, .stages, .pairs)")) {
    const isFixed = (row) => row.matches(".total") || row.querySelector(".group") !== null;
    const bodies = [...table.tBodies];
    const movable = bodies.flatMap((body) => [...body.rows].filter((row) => !isFixed(row)));
    if (movable.length < 3) {
      continue;
    }
    for (const head of [...table.tHead.rows].at(-1).querySelectorAll("th")) {
      if (!movable.some((row) => row.cells[head.cellIndex]?.textContent.trim())) {
        continue;
      }
      const sort = Object.assign(document.createElement("button"), { type: "button", className: "sort" });
      sort.setAttribute("aria-label", `Sort by ${head.textContent.trim()}`);
      sort.addEventListener("click", () => {
        const isText = typeof valueOf(movable[0].cells[head.cellIndex]) === "string";
        const isAscending = head.ariaSort ? head.ariaSort === "descending" : isText;
        table.querySelectorAll("[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
        head.ariaSort = isAscending ? "ascending" : "descending";
        for (const body of bodies) {
          const value = new Map([...body.rows].map((row) => [row, valueOf(row.cells[head.cellIndex])]));
          const sorted = [...body.rows].filter((row) => !isFixed(row));
          sorted.sort((one, other) => compare(value.get(one), value.get(other), isAscending ? 1 : -1));
          body.append(...[...body.rows].map((row) => (isFixed(row) ? row : sorted.shift())));
        }
      });
      head.append(sort);
    }
    // Months are not searched.
    if (movable.length >= 8 && !/^\d/.test(movable[0].textContent.trim())) {
      const search = Object.assign(document.createElement("input"), { type: "search" });
      const found = document.createElement("output");
      const label = Object.assign(document.createElement("label"), { className: "search", textContent: "Search " });
      label.append(search, found);
      table.before(label);
      search.addEventListener("input", () => {
        const asked = search.value.trim().toLowerCase();
        movable.forEach((row) => { row.hidden = !row.textContent.toLowerCase().includes(asked); });
        bodies.forEach((body) => { body.hidden = ![...body.rows].some((row) => !row.hidden && !isFixed(row)); });
        found.textContent = asked ? ` ${movable.filter((row) => !row.hidden).length} of ${movable.length}` : "";
      });
    }
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((details) => { details.open = false; }));

  function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target?.closest("details");
    if (details) {
      details.open = true;
      details.querySelector("summary").focus({ preventScroll: true });
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", open);
  // A second click on a link changes no address.
  addEventListener("click", (event) => { if (event.target.closest?.("a")?.hash === (location.hash || " ")) { open(); } });
  open();
})();
