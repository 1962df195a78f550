"use strict";
// Charts: what each draws, and the table that tells the same. Names are text wherever they come from:
// the page's own elements take them as text, and Plotly, which reads some tags, gets them escaped.

const NOT_MEASURED = "not measured";
const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "x", "star", "cross"];
const DASHES = ["dash", "dot", "dashdot", "longdash", "longdashdot"];

function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (name === "text") made.textContent = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const escaped = (text) =>
  String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function digits(value, most = 3) {
  const told = Number(value.toPrecision(most));
  return Math.abs(told) >= 1e5 || (told !== 0 && Math.abs(told) < 1e-3)
    ? told.toExponential().replace("e+", "e")
    : told.toLocaleString("en", { maximumFractionDigits: 6 });
}

function inUnits(value, units) {
  if (value === null || value === undefined) return NOT_MEASURED;
  if (value === 0) return `0 ${units[units.length - 1][0]}`;
  const [unit, size] = units.find(([, least]) => Math.abs(value) >= least) || units[units.length - 1];
  return `${digits(value / size)} ${unit}`;
}

const SECONDS = [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]];
const BYTES = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3], ["B", 1]];
const RATES = [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3], ["", 1]];
const seconds = (value) => inUnits(value, SECONDS);
const bytes = (value) => inUnits(value, BYTES);
const rate = (value, unit) => (value === null ? NOT_MEASURED : `${inUnits(value, RATES)} ${unit}/s`);
const times = (value) => (value === null || value === undefined ? NOT_MEASURED : `${digits(value)}×`);
const percent = (value) => (value === null ? NOT_MEASURED : `${digits(100 * value, 2)}%`);
const error = (value) =>
  value === null ? NOT_MEASURED : value === 0 ? "0 (to the last bit)" : value.toExponential(1);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A contender keeps its colour and its sign in all charts.
function styleOf(contender, contenders) {
  const ours = contenders.filter((name) => name.startsWith("fastinfo"));
  const isPeer = !contender.startsWith("fastinfo");
  const place = (isPeer ? contenders.filter((name) => !ours.includes(name)) : ours).indexOf(contender);
  const number = isPeer ? ours.length + place : place;
  return {
    variable: `--c${number % 7}`,
    symbol: SYMBOLS[number % SYMBOLS.length],
    dash: isPeer ? DASHES[place % DASHES.length] : "solid",
    isPeer,
  };
}

function layout(more) {
  const axis = {
    gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--line"),
    tickfont: { size: 12 }, automargin: true, fixedrange: true, title: { font: { size: 12 } },
  };
  const merged = { xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis } };
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", dragmode: false,
    font: { family: getComputedStyle(document.body).fontFamily, color: colour("--soft"), size: 12 },
    margin: { l: 8, r: 14, t: 8, b: 8 }, hovermode: "closest", showlegend: false,
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--soft"), font: { color: colour("--ink") }, align: "left" },
    ...more, ...merged,
  };
}

// Ticks at powers of ten, in words.
function logTicks(values, told) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  const first = Math.floor(low - 0.05), last = Math.ceil(high + 0.05);
  const step = Math.max(1, Math.ceil((last - first) / 6));
  const tickvals = [];
  for (let power = first; power <= last; power += step) tickvals.push(10 ** power);
  return { type: "log", tickvals, ticktext: tickvals.map(told), range: [low - 0.18, high + 0.22] };
}

// Ticks at the values that there are, where they are few.
function ownTicks(values) {
  const tickvals = [...new Set(values)].sort((a, b) => a - b);
  return tickvals.length <= 8 ? { tickvals, ticktext: tickvals.map(whole) } : {};
}

const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function whole(value) {
  const power = Math.round(Math.log10(value));
  return value >= 1e4 && 10 ** power === value
    ? "10" + [...String(power)].map((digit) => POWERS[digit]).join("")
    : value.toLocaleString("en");
}

function tableOf(columns, rows, caption) {
  const body = element("tbody");
  for (const row of rows) {
    body.append(element("tr", {}, ...row.map((cell, column) => {
      const isNone = cell === NOT_MEASURED, state = { met: "met", missed: "missed" }[cell];
      const kind = isNone ? "none" : state || (columns[column].number ? "number" : null);
      return element(column ? "td" : "th", { text: cell, class: kind, scope: column ? null : "row" });
    })));
  }
  const head = element("tr", {}, ...columns.map((column) => element("th", { text: column.title, scope: "col" })));
  return element("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    element("table", {}, element("caption", { class: "hidden", text: caption }), element("thead", {}, head), body));
}

// A figure: heading, chart and table. It is drawn when it comes near, and again with other colours.
const figures = new Set();
const watcher = new IntersectionObserver((seen) => {
  for (const entry of seen) if (entry.isIntersecting) draw(entry.target);
}, { rootMargin: "300px" });

function figureOf({ title, label, height, build, columns, rows }) {
  const chart = element("div", { class: "chart", tabIndex: 0, role: "img", "aria-label": `${label} The table below tells the same. Arrow keys go from point to point.` });
  chart.style.height = `${height}px`;
  chart.build = build;
  const details = element("details", {}, element("summary", { text: `Table: ${title}` }));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(tableOf(columns, rows, title));
  });
  chart.addEventListener("keydown", walk);
  figures.add(chart);
  watcher.observe(chart);
  return element("figure", {}, element("h3", { text: title }), chart, details);
}

// The library is read when the first chart is drawn, after the rest of the page has been shown.
function library() {
  if (!window.Plotly) document.head.append(element("script", { text: document.getElementById("plotly").textContent }));
  return window.Plotly;
}

function draw(chart, again = false) {
  if (chart.isDrawn && !again) return;
  chart.isDrawn = true;
  const { traces, layout: of } = chart.build(chart.clientWidth);
  library().react(chart, traces, layout(of), { displayModeBar: false, responsive: true });
}

function drop(parent) {
  for (const chart of parent.querySelectorAll(".chart")) {
    watcher.unobserve(chart);
    figures.delete(chart);
    if (chart.isDrawn) window.Plotly.purge(chart);
  }
  parent.replaceChildren();
}

// Arrow keys go through the points of a chart, which are shown and spoken.
function walk(event) {
  const chart = event.currentTarget, step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || !chart.data) return;
  event.preventDefault();
  const points = chart.data.flatMap((trace, curveNumber) =>
    trace.hoverinfo === "skip" || trace.visible === false ? [] : trace.x.map((_, pointNumber) => ({ curveNumber, pointNumber })));
  if (!points.length) return;
  chart.at = ((chart.at ?? (step > 0 ? -1 : 0)) + step + points.length) % points.length;
  const point = points[chart.at];
  window.Plotly.Fx.hover(chart, [point]);
  const text = chart.data[point.curveNumber].text[point.pointNumber];
  const spoken = new DOMParser().parseFromString(text.replaceAll("<br>", ", "), "text/html");
  document.getElementById("spoken").textContent = spoken.documentElement.textContent;
}

// Lines over one parameter: one for each contender.
function crossover({ title, name, lines, contenders }) {
  const points = lines.flatMap((line) => line.points);
  const rows = points.map((point) => [point.contender, whole(point.x), seconds(point.seconds), `${seconds(point.low)} to ${seconds(point.high)}`, point.isDefault ? "default" : ""]);
  const build = () => ({
    traces: lines.map(({ contender, points: of }) => {
      const style = styleOf(contender, contenders);
      return {
        type: "scatter", mode: "lines+markers", name: escaped(contender),
        x: of.map((p) => p.x), y: of.map((p) => p.seconds),
        error_y: { type: "data", symmetric: false, thickness: 1, width: 0, array: of.map((p) => p.high - p.seconds), arrayminus: of.map((p) => p.seconds - p.low) },
        line: { color: colour(style.variable), width: style.isPeer ? 1.5 : 2.25, dash: style.dash },
        marker: {
          color: of.map((p) => (p.isDefault ? colour("--card") : colour(style.variable))), symbol: style.symbol,
          size: of.map((p) => (p.isDefault ? 11 : 7)), line: { color: colour(style.variable), width: of.map((p) => (p.isDefault ? 2.5 : 0)) },
        },
        text: of.map((p) => `<b>${escaped(contender)}</b><br>${name} = ${whole(p.x)}<br>${seconds(p.seconds)}, from ${seconds(p.low)} to ${seconds(p.high)}${p.isDefault ? "<br>taken by default" : ""}`),
        hovertemplate: "%{text}<extra></extra>",
      };
    }),
    layout: {
      xaxis: { ...logTicks(points.map((p) => p.x), whole), ...ownTicks(points.map((p) => p.x)), title: { text: name, standoff: 6 } },
      yaxis: logTicks(points.map((p) => p.seconds), seconds),
    },
  });
  const columns = [{ title: "Contender" }, { title: name, number: true }, { title: "Median", number: true }, { title: "Quartiles", number: true }, { title: "Choice" }];
  return figureOf({ title, label: `Time against ${name} of ${lines.length} contenders.`, height: 300, build, columns, rows });
}

// Rows of a value each, with a name above it, so that long names have room on a phone. Rows of one group
// stand below its name.
function bars({ title, label, items, told, columns, rows, line = null, isDots = false, axis = null }) {
  const room = 32, top = 26;
  let place = 0, last = null;
  const placed = items.map((item) => {
    const isNew = item.group !== undefined && item.group !== last;
    last = item.group;
    if (isNew) place += place ? 0.95 : 0.6;
    return { ...item, isNew, y: -place++ };
  });
  const build = (width) => {
    const cut = (text, size) => {
      const letters = Math.max(24, Math.floor(width / size)), tail = Math.min(20, Math.floor(letters / 2));
      // Of a long name the middle is left out, for what differs is told at its end.
      return escaped(text.length > letters ? `${text.slice(0, letters - tail - 1)}…${text.slice(-tail)}` : text);
    };
    const of = { x: 0, xref: "paper", xanchor: "left", yanchor: "middle", showarrow: false, align: "left", bgcolor: colour("--card"), borderpad: 1 };
    const annotations = placed.flatMap((item) => [
      { ...of, y: item.y + 0.32, text: cut(item.name, 6.6), font: { size: 12, color: colour(item.group === undefined ? "--ink" : "--soft") } },
      ...(item.isNew ? [{ ...of, y: item.y + 0.98, text: `<b>${cut(item.group, 7.4)}</b>`, font: { size: 12.5, color: colour("--ink") } }] : []),
    ]);
    const values = items.flatMap((item) => [item.low ?? item.value, item.value, item.high ?? item.value]).filter((v) => v > 0);
    const ticks = axis || logTicks(line === null ? values : [...values, line], told);
    const traces = [{
      type: isDots ? "scatter" : "bar", mode: "markers", orientation: "h", x: items.map((item) => item.value || null), y: placed.map((item) => item.y - 0.14), width: isDots ? undefined : 0.34,
      marker: { color: items.map((item) => colour(item.variable)), size: 11, symbol: items.map((item) => item.symbol || "circle") },
      error_x: isDots ? { type: "data", symmetric: false, thickness: 2.5, width: 0, color: colour("--soft"), array: items.map((i) => (i.high ?? i.value) - i.value), arrayminus: items.map((i) => i.value - (i.low ?? i.value)) } : undefined,
      text: items.map((item) => item.hover), textposition: "none", hovertemplate: "%{text}<extra></extra>",
    }];
    const shapes = line === null ? [] : [{ type: "line", x0: line, x1: line, yref: "paper", y0: 0, y1: 1, layer: "below", line: { color: colour("--soft"), width: 1.5 } }];
    return { traces, layout: {
      annotations, shapes, margin: { l: 8, r: 26, t: top, b: 8 },
      xaxis: { ...ticks, side: "top" }, yaxis: { visible: false, range: [-place + 0.5, 0.65] },
    } };
  };
  return figureOf({ title, label, height: (place + 0.15) * room + top + 8, build, columns, rows });
}

function history({ title, what, told, lines, contenders }) {
  const points = lines.flatMap((of) => of.points);
  const build = (width) => ({
    traces: lines.map(({ contender, points: of }) => {
      const style = styleOf(contender, contenders);
      return {
        type: "scatter", mode: "lines+markers", name: escaped(contender), x: of.map((p) => p.place), y: of.map((p) => p.value),
        line: { color: colour(style.variable), width: 2, dash: style.dash },
        error_y: { type: "data", symmetric: false, thickness: 1, width: 0, array: of.map((p) => p.high - p.value), arrayminus: of.map((p) => p.value - p.low) },
        marker: { color: of.map((p) => colour(p.worse ? "--bad" : style.variable)), symbol: of.map((p) => (p.worse ? "triangle-down" : style.symbol)), size: of.map((p) => (p.worse ? 15 : 7)) },
        text: of.map((p) => `<b>${escaped(contender)}</b><br>${escaped(p.run)}<br>${told(p.value)}, from ${told(p.low)} to ${told(p.high)}${p.worse ? `<br>worse ${times(p.worse)}` : ""}`),
        hovertemplate: "%{text}<extra></extra>",
      };
    }),
    layout: {
      xaxis: runTicks(points, Math.max(2, Math.floor(width / 130))), yaxis: { ...logTicks(points.map((p) => p.value), told), title: { text: what, standoff: 6 } },
      showlegend: lines.length > 1, legend: { orientation: "h", y: -0.24, font: { size: 12, color: colour("--ink") } },
    },
  });
  const rows = points.map((p) => [p.contender, p.run, told(p.value), `${told(p.low)} to ${told(p.high)}`, p.worse ? `worse ${times(p.worse)}` : ""]);
  const columns = [{ title: "Contender" }, { title: "Run" }, { title: what, number: true }, { title: "Quartiles", number: true }, { title: "Regression" }];
  return figureOf({ title, label: `${what} over runs.`, height: 320 + 20 * lines.length, build, columns, rows });
}

function runTicks(points, most) {
  const byPlace = new Map(points.map((p) => [p.place, p.run]));
  const places = [...byPlace.keys()].sort((a, b) => a - b);
  const step = Math.ceil(places.length / most);
  const tickvals = places.filter((_, number) => number % step === 0);
  const ticktext = tickvals.map((place) => byPlace.get(place).split(" ").map((part, number) => escaped(number ? part.slice(0, 7) : part)).join("<br>"));
  const [first, last] = [places[0] ?? 0, places[places.length - 1] ?? 1];
  return { tickvals, ticktext, tickangle: 0, range: [first - 0.4, last + 0.4] };
}

function errors({ items, contenders }) {
  const exact = 1e-17;
  const build = () => {
    const names = [...new Set(items.map((item) => item.contender))];
    const traces = names.map((contender) => {
      const of = items.filter((item) => item.contender === contender), style = styleOf(contender, contenders);
      return {
        type: "scatter", mode: "markers", name: escaped(contender), x: of.map((i) => i.rate), y: of.map((i) => Math.max(i.error, exact)),
        marker: { color: colour(style.variable), symbol: style.symbol, size: 9, opacity: 0.85 },
        text: of.map((i) => `<b>${escaped(contender)}</b><br>${escaped(i.title)}<br>${rate(i.rate, escaped(i.unit))}, error ${error(i.error)}`), hovertemplate: "%{text}<extra></extra>",
      };
    });
    const axis = logTicks([exact, ...items.map((i) => Math.max(i.error, exact))], (v) => `10<sup>${Math.round(Math.log10(v))}</sup>`);
    const inexact = axis.tickvals.map((v, place) => [v, axis.ticktext[place]]).filter(([v]) => v > 5 * exact);
    axis.tickvals = [exact, ...inexact.map(([v]) => v)];
    axis.ticktext = ["exact", ...inexact.map(([, text]) => text)];
    return { traces, layout: {
      xaxis: { ...logTicks(items.map((i) => i.rate), (v) => inUnits(v, RATES)), title: { text: "work per second", standoff: 6 } },
      yaxis: { ...axis, title: { text: "relative error", standoff: 6 } }, showlegend: true,
      legend: { orientation: "h", y: -0.28, font: { size: 12, color: colour("--ink") } },
    } };
  };
  const rows = items.map((i) => [i.title, i.contender, rate(i.rate, i.unit), error(i.error)]);
  const columns = [{ title: "Work" }, { title: "Contender" }, { title: "Rate", number: true }, { title: "Relative error", number: true }];
  return figureOf({ title: "Relative error against work per second", label: `Errors of ${items.length} answers.`, height: 420, build, columns, rows });
}
