// Draws the charts from the figures that stand in the page, for the reader's width and choice, and again when these change.
// Their colours are those of style.css, in the light, in the dark and on paper.
"use strict";
(() => {
  const PRINT_WIDTH = 660;  // pixels: fits A4 and Letter
  const NARROW = 560;
  const DASHES = ["none", "8 4", "2 3", "8 3 2 3", "14 4", "14 4 2 4"];
  const SYMBOLS = [
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0", "M-3.5,-3.5h7v7h-7z", "M0,-5l5,5-5,5-5,-5z", "M0,-5l5,9h-10z",
    "M-1.5,-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z", "M0,-5.5l1.5,3.6 4,.4-3,2.6.9,3.9-3.4,-2-3.4,2 .9,-3.9-3,-2.6 4,-.4z",
  ];
  let isPrinting = false;

  const filled = (element, content) => { element.append(...content); return element; };
  const html = (name, className, ...content) => filled(Object.assign(document.createElement(name), { className }), content);
  function svg(name, attributes, ...content) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    return filled(element, content);
  }
  const picture = (width, height, ...content) => svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, ...content);
  const shown = (value, unit, digits = 1) => unit === "share" ? `${(100 * value).toFixed(digits)}\u00a0%` : value.toLocaleString("en-US");

  // Dates for an axis: the last, and before it those that leave each other a share of the axis.
  function spread(dates, count) {
    const found = [dates.at(-1)];
    const least = (Date.parse(dates.at(-1)) - Date.parse(dates[0])) / count;
    dates.toReversed().forEach((day) => {
      if (Date.parse(found.at(-1)) - Date.parse(day) >= least) {
        found.push(day);
      }
    });
    return found;
  }

  // Lines over dates, from 0 up. traces: a name, and points of a date and a value or null, which breaks the line.
  // axis: dates, all that the chart is about; unit: count or share; told: day or month.
  function lines(traces, { dates, unit, told }, width) {
    const height = width < NARROW ? 300 : 340;
    const [left, right, top, bottom] = [56, 40, 10, 28];
    const day = (date) => (told === "month" ? date.slice(0, 7) : date);
    const largest = Math.max(...traces.flatMap(({ points }) => points.map(([, value]) => value)), unit === "share" ? 0.001 : 1);
    const size = 10 ** Math.floor(Math.log10(largest / 4));
    const step = Math.max([5, 2, 1].find((times) => times * size <= largest / 4) * size, unit === "share" ? 0 : 1);
    const [first, last] = [dates[0], dates.at(-1)].map(Date.parse);
    const x = (date) => left + ((Date.parse(date) - first) / (last - first || 1)) * (width - left - right);
    const y = (value) => height - bottom - (value / largest) * (height - top - bottom);
    const drawing = picture(width, height);
    for (let value = 0; value <= largest; value += step) {
      drawing.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }),
                     svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, shown(value, unit, step < 0.01 ? 1 : 0)));
    }
    for (const date of spread(dates, width < NARROW ? 3 : 7)) {
      drawing.append(svg("text", { x: x(date), y: height - 8, "text-anchor": "middle" }, day(date)));
    }
    const legend = html("ul", "legend");
    traces.forEach(({ name, points }, order) => {
      const look = (order + Math.floor(order / 6)) % 6;
      const mark = { class: `mark line-${order % 6}`, d: SYMBOLS[look] };
      const stroke = { class: `line line-${order % 6}`, "stroke-dasharray": DASHES[look] };
      const place = ([date, value]) => `${x(date).toFixed(1)},${y(value).toFixed(1)}`;
      const path = points.map((point, number) => point[1] === null ? "" : `${(points[number - 1]?.[1] ?? null) === null ? "M" : "L"}${place(point)}`);
      drawing.append(svg("path", { ...stroke, d: path.join("") }));
      const scale = points.length > 60 ? " scale(0.6)" : "";
      for (const point of points.filter(([, value]) => value !== null)) {
        drawing.append(svg("path", { ...mark, transform: `translate(${place(point)})${scale}`, "data-tip": `${name}, ${day(point[0])}: ${shown(point[1], unit)}` }));
      }
      legend.append(html("li", "", picture(34, 12, svg("path", { ...stroke, d: "M0,6h34" }), svg("path", { ...mark, transform: "translate(17,6)" })), name));
    });
    return [legend, drawing];
  }

  // Bars of shares, one below the other. trace: rows of a name, the share and what is said of it.
  function bars([trace]) {
    return [html("div", "bars", ...trace.bars.flatMap(([name, share, said]) => {
      const bar = html("span", "bar", html("span", ""));
      bar.firstChild.style.width = `${100 * share}%`;
      return [html("span", "", name), bar, html("span", "figure", said)];
    }))];
  }

  // Former values on the left, present ones on the right; the width of a band is its customers. trace: values, in their
  // order from the top, and bands of the places of two values and the customers.
  function flows([{ values, bands }], axis, width) {
    const [height, gap, thick] = [520, 14, 14];
    const all = bands.reduce((sum, band) => sum + band[2], 0);
    const totals = [0, 1].map((side) => values.map((_, place) => bands.reduce((sum, band) => sum + (band[side] === place ? band[2] : 0), 0)));
    const unit = Math.min(...totals.map((side) => (height - gap * (side.filter(Boolean).length - 1)) / all));
    const tops = totals.map((side) => {
      let top = 0;
      return side.map((total) => {
        const found = top;
        top += total ? total * unit + gap : 0;
        return found;
      });
    });
    const label = (side, place) => `${values[place]} ${shown(totals[side][place])}`;
    const drawing = picture(width, height);
    const next = tops.map((side) => [...side]);
    const middle = width / 2;
    for (const [from, to, customers] of bands) {
      const [size, one, other] = [customers * unit, next[0][from], next[1][to]];
      next[0][from] += size;
      next[1][to] += size;
      drawing.append(svg("path", {
        class: `flow flow-${from % 7}`, "fill-opacity": customers > 0.01 * all ? 0.45 : 0.15, "data-tip": `${label(0, from)} → ${label(1, to)}: ${shown(customers)}`,
        d: `M${thick},${one}C${middle},${one} ${middle},${other} ${width - thick},${other}v${size}C${middle},${other + size} ${middle},${one + size} ${thick},${one + size}z`,
      }));
    }
    totals.forEach((side, number) => side.forEach((total, place) => {
      if (total) {
        const top = tops[number][place];
        drawing.append(
          svg("rect", { class: `flow flow-${place % 7}`, x: number ? width - thick : 0, y: top, width: thick, height: Math.max(1, total * unit) }),
          svg("text", { class: "node-label", x: number ? width - thick - 6 : thick + 6, y: Math.min(height - 3, Math.max(11, top + (total * unit) / 2 + 4)),
                        "text-anchor": number ? "end" : "start" }, label(number, place)));
      }
    }));
    return [drawing];
  }

  const KINDS = { lines, bars, flows };

  function draw(box) {
    const { element, figure, place } = box;
    box.width = isPrinting ? PRINT_WIDTH : place.clientWidth;
    const chosen = [...element.querySelectorAll("input:checked, option:checked")].map((choice) => figure.traces[Number(choice.value)]);
    const traces = element.querySelector("input, option") ? chosen : figure.traces;
    const nothing = element.querySelector(".nothing");
    if (nothing) {
      nothing.hidden = traces.length > 0;
    }
    place.replaceChildren(...(traces.length ? KINDS[figure.kind](traces, figure.axis, box.width) : []));
  }

  const boxes = [...document.querySelectorAll(".chart-box")].map((element) => ({
    element, place: element.querySelector(".chart"), figure: JSON.parse(element.querySelector("script").textContent), width: 0,
  }));
  const drawAll = () => boxes.forEach(draw);
  drawAll();
  for (const box of boxes) {
    box.element.addEventListener("change", () => draw(box));
    new ResizeObserver(() => {
      if (!isPrinting && box.place.clientWidth && box.place.clientWidth !== box.width) {
        draw(box);
      }
    }).observe(box.place);
  }

  addEventListener("beforeprint", () => { isPrinting = true; drawAll(); });
  addEventListener("afterprint", () => { isPrinting = false; drawAll(); });
})();
