// Draws the charts from the figures that stand in the page, in the reader's colours, width and choice, and again when these change.
"use strict";
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const PRINT_WIDTH = 660;  // pixels: fits A4 and Letter
  const NARROW = 560;
  const LINES = {
    light: ["#0b5cad", "#b34700", "#00734f", "#8f3a80", "#33383f", "#7d5c00"],
    dark: ["#6cb2f5", "#f29a5c", "#3ec79a", "#d99ccb", "#d5dae0", "#e0b93f"],
  };
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "star"];
  const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
  let isPrinting = false;

  const isObject = (value) => value && typeof value === "object" && !Array.isArray(value);
  function merged(...layouts) {
    const result = {};
    for (const layout of layouts) {
      for (const [key, value] of Object.entries(layout)) {
        result[key] = isObject(value) ? merged(isObject(result[key]) ? result[key] : {}, value) : value;
      }
    }
    return result;
  }

  // Plotly draws no CSS variables, so that the colours are read from the style.
  function ground(isDark) {
    const style = getComputedStyle(document.documentElement);
    const color = (name, light) => (isPrinting ? light : style.getPropertyValue(name).trim());
    const axis = { gridcolor: color("--grid", "#e3e7eb"), linecolor: color("--line", "#d5dbe1"), zerolinecolor: color("--line", "#d5dbe1"), fixedrange: true };
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false, separators: ".,", autosize: false,
      font: { family: style.fontFamily, size: 13, color: color("--text", "#1b1f24") },
      xaxis: axis, yaxis: axis, hoverlabel: { bgcolor: isDark ? "#2b333d" : "#fff", font: { color: isDark ? "#e6e9ed" : "#1b1f24" } },
    };
  }

  function draw(box) {
    const { figure, place } = box;
    const isDark = dark.matches && !isPrinting;
    const width = isPrinting ? PRINT_WIDTH : place.clientWidth;
    const isNarrow = width < NARROW;
    const chosen = [...box.element.querySelectorAll("input:checked, option:checked")].map((choice) => Number(choice.value));
    const hasChoice = box.element.querySelector("input, option") !== null;
    const traces = structuredClone(hasChoice ? chosen.map((number) => figure.data[number]) : figure.data);
    traces.forEach((trace, order) => {
      if (trace.type === "scatter") {
        const color = LINES[isDark ? "dark" : "light"][order % 6];
        const turn = Math.floor(order / 6);
        trace.line = { color, width: 2, dash: DASHES[(order + turn) % 6] };
        trace.marker = { color, size: trace.x.length > 60 ? 4 : 7, symbol: SYMBOLS[(order + turn) % 6] };
      }
    });
    const nothing = box.element.querySelector(".nothing");
    if (nothing) {
      nothing.hidden = traces.length > 0;
    }
    const layout = merged(ground(isDark), figure.layout, isNarrow ? { font: { size: 11 } } : {}, isNarrow ? figure.narrow : {},
                          traces[0]?.meta ?? {}, { width });
    // Not Plotly.react, which moves bands to their new places in half a second: paper does not wait.
    Plotly.newPlot(place, traces, layout, { displayModeBar: false, displaylogo: false, showTips: false, plotlyServerURL: "" });
    box.width = width;
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
  dark.addEventListener("change", drawAll);

  let closed = [];
  addEventListener("beforeprint", () => {
    isPrinting = true;
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((details) => { details.open = true; });
    drawAll();
  });
  addEventListener("afterprint", () => {
    isPrinting = false;
    closed.forEach((details) => { details.open = false; });
    drawAll();
  });

  // A link to a segment opens it.
  function open() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target?.closest("details");
    if (details && !details.open) {
      details.open = true;
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", open);
  open();
})();
