// What is shown: choices of the reader → charts and tables.

const shown = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const column = Object.fromEntries(shown.columns.map((name, place) => [name, place]));
const state = { hidden: new Set() };

function rowsOf(run) {
  return run.rows.map((row) => {
    const told = Object.fromEntries(shown.columns.map((name, place) => [name, row[place]]));
    return { ...told, of: shown.series[row[column.series]] };
  });
}

function selectable(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => element("option", { value: String(value), text })));
  if (chosen !== undefined) select.value = String(chosen);
}

const runsOf = (machine) => shown.runs.map((run, number) => ({ run, number })).filter(({ run }) => run.machine === machine);
const runName = (run) => `${run.day} ${run.commit}`;

// Of the runs of a machine the fullest, and of these the newest.
function fullest(machine) {
  const runs = runsOf(machine);
  const most = Math.max(...runs.map(({ run }) => run.rows.length));
  return runs.filter(({ run }) => run.rows.length >= 0.9 * most).pop().number;
}

function matches(of) {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${of.title} ${of.contender || ""} ${of.case || ""}`.toLowerCase();
  const group = at("group").value;
  return words.every((word) => text.includes(word)) && (!group || of.group === group);
}

function nothing(parent, why) {
  parent.append(element("p", { class: "none", text: why }));
}

function show() {
  const run = shown.runs[Number(at("run").value)];
  state.run = run;
  state.all = rowsOf(run).filter((row) => row.of.kind === "case");
  state.rows = state.all.filter((row) => matches(row.of));
  state.contenders = [...new Set(state.all.filter((row) => isCurve(row.of)).map((row) => row.of.contender))];
  showOverview();
  showBackends();
  showPeers();
  showLimits();
  showMemory();
  showErrors();
  showHistory();
  showTargets();
  showMissing();
}

function showOverview() {
  const { run } = state;
  const versions = Object.entries(run.versions).map(([name, version]) => `${name} ${version}`).join(", ");
  at("hardware").textContent = `${run.device ? `${run.device}; ` : ""}${run.hardware}; ${versions}. Commit ${run.commit}, ${run.day}, ${run.size} size.`;
  const ratios = state.all.filter(isRatio);
  const wins = ratios.filter((row) => row.ratio >= 1).length;
  const met = run.figures.filter((figure) => figure[6]).length;
  const worse = shown.regressions.filter((found) => shown.runs[found.run] === run).length;
  const cards = [
    ["Faster than the others", wins, `of ${ratios.length}`], ["Slower", ratios.length - wins, `of ${ratios.length}`],
    ["Targets met", met, `of ${run.figures.length}`], ["Regressions", worse, `in this run, ${regressionsOf(run.machine).length - worse} in others`],
  ];
  at("cards").replaceChildren(...cards.map(([title, value, more]) =>
    element("div", {}, element("dt", { text: title }), element("dd", {}, `${value} `, element("small", { text: more })))));
}

// A ratio to another library, not to another way of fastinfo's own.
const isRatio = (row) => row.ratio !== null && row.of.is_peer;
const isCurve = (of) => of.group === "backends";

// Of curves the largest sizes alone, where every size would be too long a list.
function ends(rows) {
  const largest = new Map();
  for (const { of } of rows.filter((row) => isCurve(row.of))) {
    const size = Object.values(of.parameters).reduce((a, b) => a * b, 1);
    if (size > (largest.get(of.case)?.size ?? 0)) largest.set(of.case, { size, title: of.title });
  }
  return rows.filter(({ of }) => !isCurve(of) || largest.get(of.case).title === of.title);
}

function showBackends() {
  const keys = at("backends-keys"), charts = at("backends-charts");
  drop(charts);
  keys.replaceChildren();
  const rows = state.rows.filter((row) => isCurve(row.of));
  const byCase = Map.groupBy ? Map.groupBy(rows, (row) => row.of.case) : grouped(rows, (row) => row.of.case);
  const curves = [...byCase.values()].map(curveOf).filter(Boolean);
  if (!curves.length) return nothing(charts, "No backends were measured beside each other in this run, or none match.");
  const leftOut = [...new Set(state.run.left_out.filter((told) => told.group === "backends").map((told) => told.contender))];
  for (const contender of state.contenders) {
    const style = styleOf(contender, state.contenders);
    const sign = element("span", { class: style.isPeer ? "key peer" : "key" });
    sign.style.borderColor = `var(${style.variable})`;
    const box = element("input", { type: "checkbox", checked: !state.hidden.has(contender) });
    box.addEventListener("change", () => {
      state.hidden[box.checked ? "delete" : "add"](contender);
      drop(charts);
      showCurves(curves, charts);
    });
    keys.append(element("label", {}, box, sign, contender));
  }
  for (const name of leftOut) keys.append(element("label", { class: "none", text: `${name}: ${NOT_MEASURED}` }));
  showCurves(curves, charts);
}

function grouped(rows, key) {
  const found = new Map();
  for (const row of rows) found.set(key(row), [...(found.get(key(row)) || []), row]);
  return found;
}

// The parameter that differs is what the curve goes over.
function curveOf(rows) {
  const names = Object.keys(rows[0].of.parameters).filter((name) => new Set(rows.map((row) => row.of.parameters[name])).size > 1);
  if (names.length !== 1) return null;
  const [name] = names, first = rows[0].of;
  const fixed = Object.entries(first.parameters).filter(([other]) => other !== name).map(([other, value]) => `${other} = ${whole(value)}`);
  return { name, title: `${first.title.split(",")[0]}; ${fixed.join(", ")}`, rows };
}

function showCurves(curves, charts) {
  for (const { name, title, rows } of curves) {
    const lines = [...grouped(rows, (row) => row.of.contender)]
      .filter(([contender]) => !state.hidden.has(contender))
      .map(([contender, of]) => ({
        contender,
        points: of.map((row) => ({ contender, x: row.of.parameters[name], seconds: row.seconds, low: row.low, high: row.high, isDefault: row.is_default === 1 })).sort((a, b) => a.x - b.x),
      }));
    if (lines.length) charts.append(crossover({ title, name, lines, contenders: state.contenders }));
  }
}

function showPeers() {
  const charts = at("peers-charts");
  drop(charts);
  const wanted = state.rows.filter((row) => isRatio(row) && at(row.ratio >= 1 ? "wins" : "losses").checked);
  const curves = wanted.filter((row) => isCurve(row.of)), others = wanted.filter((row) => !isCurve(row.of));
  const part = (title, rows, parent) => {
    if (!rows.length) return;
    const items = rows.map((row) => ({
      group: row.of.title, name: `${row.of.contender}: ${times(row.ratio)}`, value: row.ratio, low: row.ratio_low, high: row.ratio_high,
      variable: row.ratio >= 1 ? "--ours" : "--loss", symbol: row.ratio >= 1 ? "circle" : "diamond",
      hover: `<b>${escaped(row.of.contender)}</b><br>${escaped(row.of.title)}<br>${times(row.ratio)}, from ${times(row.ratio_low)} to ${times(row.ratio_high)}<br>takes ${seconds(row.seconds)}${row.of.is_part ? " (timed on a part)" : ""}`,
    }));
    const table = rows.map((row) => [row.of.title, row.of.contender, times(row.ratio), `${times(row.ratio_low)} to ${times(row.ratio_high)}`, seconds(row.seconds), row.ratio >= 1 ? "faster" : "slower"]);
    const columns = [{ title: "Work" }, { title: "Beside" }, { title: "Ratio", number: true }, { title: "Quartiles", number: true }, { title: "Takes", number: true }, { title: "fastinfo is" }];
    parent.append(bars({ title, label: `Ratios to ${rows.length} contenders.`, items, told: times, columns, rows: table, line: 1, isDots: true }));
  };
  part("Each case", others, charts);
  const more = element("details", { open: !others.length }, element("summary", { text: "Over samples, features and bins" }));
  part("Over samples, features and bins", curves, more);
  if (curves.length) charts.append(more);
  if (!wanted.length) nothing(charts, "No ratio matches, or none was measured in this run.");
}

function showLimits() {
  const charts = at("limits-charts"), { limits } = state.run;
  drop(charts);
  const told = { bytes: "reads", increments: "increments", bits: "joins and counts" };
  const unit = { bytes: "of bytes", increments: "of cells in L1", bits: "of bits in L1" };
  const rates = Object.entries(limits).map(([name, value]) => `${told[name] || name} ${inUnits(value, RATES)} ${unit[name] || ""} a second`);
  at("limits-text").textContent = `The least that the work takes, over the time taken: at 100% nothing faster is possible in this way to count. ${rates.length ? `One thread of this machine ${rates.join(", ")}.` : "The limits of this machine were not measured in this run."}`;
  const all = state.rows.filter((row) => row.fraction !== null && row.of.is_first), rows = ends(all);
  if (!rows.length) return nothing(charts, "No fraction of a limit was measured in this run, or none matches.");
  const variable = { bytes: "--c2", increments: "--c1", bits: "--c0" };
  const items = rows.map((row) => ({
    name: `${row.of.title} · ${percent(row.fraction)} of ${row.bound_by}`, value: 100 * row.fraction, variable: variable[row.bound_by] || "--c6",
    hover: `<b>${percent(row.fraction)}</b> of the limit by ${escaped(row.bound_by)}<br>${escaped(row.of.title)}<br>${seconds(row.seconds)}; at the limit ${seconds(row.seconds * row.fraction)}`,
  }));
  const table = all.map((row) => [row.of.title, percent(row.fraction), row.bound_by, seconds(row.seconds), seconds(row.seconds * row.fraction)]);
  const columns = [{ title: "Work" }, { title: "Fraction", number: true }, { title: "Bound by" }, { title: "Takes", number: true }, { title: "At the limit", number: true }];
  const axis = { range: [0, Math.max(100, ...items.map((item) => item.value)) * 1.02], ticksuffix: "%", nticks: 6 };
  charts.append(bars({ title: "Fraction of the limit", label: `How near ${rows.length} cases are to the limit.`, items, told: percent, columns, rows: table, line: 100, axis }));
}

function showMemory() {
  const charts = at("memory-charts");
  drop(charts);
  const all = state.rows.filter((row) => row.memory !== null), rows = ends(all);
  const missing = state.rows.length - all.length;
  if (!rows.length) return nothing(charts, "Memory was not measured in this run, or nothing matches.");
  const items = rows.map((row) => ({
    group: row.of.title, name: `${row.of.contender}: ${bytes(row.memory)}`, value: row.memory, variable: row.of.is_peer ? "--c6" : "--ours",
    hover: `<b>${escaped(row.of.contender)}</b><br>${escaped(row.of.title)}<br>${bytes(row.memory)}`,
  }));
  const table = state.rows.map((row) => [row.of.title, row.of.contender, bytes(row.memory)]);
  const columns = [{ title: "Work" }, { title: "Contender" }, { title: "Peak", number: true }];
  charts.append(bars({ title: "Peak of memory", label: `Memory of ${rows.length} contenders.`, items, told: bytes, columns, rows: table, isDots: true }));
  if (missing) nothing(charts, `Of ${missing} more contenders memory was not measured.`);
}

function showErrors() {
  const charts = at("errors-charts");
  drop(charts);
  const rows = state.rows.filter((row) => row.error !== null);
  if (!rows.length) return nothing(charts, "No error was measured in this run, or nothing matches.");
  const items = rows.map((row) => ({ contender: row.of.contender, title: row.of.title, rate: row.of.work / row.seconds, unit: row.of.unit, error: row.error }));
  charts.append(errors({ items, contenders: [...new Set(items.map((item) => item.contender))] }));
}

function showHistory() {
  const machine = at("machine").value, runs = runsOf(machine);
  at("history-text").textContent = `${runs.length} ${runs.length === 1 ? "run" : "runs"} on ${machine}. Triangles mark what is worse by ${digits(shown.worse)} times or more than the median of up to ${shown.look_back} runs before, with quartiles apart from theirs. Ratios to peers are compared where there are any; they do not depend on how busy a machine is.`;
  const cases = new Map();
  for (const { run, number } of runs) {
    for (const row of rowsOf(run).filter((told) => matches(told.of))) {
      if (!cases.has(row.of.title)) cases.set(row.of.title, []);
      cases.get(row.of.title).push({ row, run, number });
    }
  }
  const options = [...cases.keys()].map((title) => [title, title]), before = at("history-case").value;
  // What was asked for before, else the worst regression, else what this run has and most others too.
  const here = new Set(state.rows.map((row) => row.of.title));
  const most = [...cases].sort(([a, x], [b, y]) => here.has(b) - here.has(a) || y.length - x.length)[0]?.[0];
  const worst = regressionsOf(machine).map((told) => shown.series[told.series].title).find((title) => cases.has(title));
  selectable(at("history-case"), options, cases.has(before) ? before : worst ?? most);
  state.cases = cases;
  state.places = new Map(runs.map(({ number }, place) => [number, place]));
  drawHistory();
  showRegressions(machine);
}

const regressionsOf = (machine) =>
  shown.regressions.filter((found) => shown.runs[found.run].machine === machine).sort((a, b) => b.run - a.run || b.times_worse - a.times_worse);

function drawHistory() {
  const charts = at("history-charts"), found = state.cases.get(at("history-case").value);
  drop(charts);
  if (!found) return nothing(charts, "Nothing matches.");
  const worse = new Map(shown.regressions.map((told) => [`${told.run} ${told.series} ${told.what}`, told.times_worse]));
  const contenders = [...new Set(found.map(({ row }) => row.of.contender || row.of.title))];
  for (const what of ["ratio", "seconds"]) {
    const low = what === "ratio" ? "ratio_low" : "low", high = what === "ratio" ? "ratio_high" : "high";
    const points = found.filter(({ row }) => row[what] !== null).map(({ row, run, number }) => ({
      contender: row.of.contender || row.of.title, place: state.places.get(number), run: runName(run), value: row[what], low: row[low], high: row[high],
      worse: worse.get(`${number} ${row.series} ${what}`),
    }));
    const lines = [...grouped(points, (point) => point.contender)].map(([contender, of]) => ({ contender, points: of }));
    const told = what === "ratio" ? times : seconds, name = what === "ratio" ? "Ratio to fastinfo, higher is better" : "Time, lower is better";
    if (points.length) charts.append(history({ title: name, what: name.split(",")[0], told, lines, contenders }));
  }
}

function showRegressions(machine) {
  const parent = at("regressions"), found = regressionsOf(machine);
  parent.replaceChildren(element("h3", { text: "Regressions" }));
  if (!found.length) return nothing(parent, "None among the runs of this machine.");
  const rows = found.map((told) => {
    const of = shown.series[told.series];
    return [of.title, of.contender || "", runName(shown.runs[told.run]), told.what === "ratio" ? "ratio" : "time", `${times(told.times_worse)} worse`];
  });
  const columns = [{ title: "Work" }, { title: "Beside" }, { title: "Run" }, { title: "What" }, { title: "By", number: true }];
  parent.append(tableOf(columns, rows, "Regressions"));
}

function amount(value, unit) {
  if (unit === "×") return times(value);
  if (unit === "s") return seconds(value);
  return unit === "B" ? bytes(value) : `${inUnits(value, RATES)} ${unit}`;
}

function showTargets() {
  const rows = state.run.figures.filter((figure) => matches(shown.series[figure[0]])).map(([number, name, unit, value, least, most, met]) => {
    const bounds = [least === null ? null : `≥ ${amount(least, unit)}`, most === null ? null : `≤ ${amount(most, unit)}`].filter(Boolean).join(" and ");
    return [shown.series[number].title, name, amount(value, unit), bounds, met ? "met" : "missed"];
  });
  const columns = [{ title: "Work" }, { title: "Figure" }, { title: "Measured", number: true }, { title: "Target", number: true }, { title: "" }];
  at("targets-table").replaceChildren();
  if (!rows.length) return nothing(at("targets-table"), "No figure of this run has a target, or none matches.");
  at("targets-table").append(tableOf(columns, rows, "Targets"));
}

// What is in other runs of any machine and not in this one, and what was left out with a reason.
function showMissing() {
  const has = new Set(state.run.rows.map((row) => row[column.series]));
  const reasons = state.run.left_out.map((told) => [told.case, told.contender, told.reason]);
  const others = shown.series.filter((of, number) => !has.has(number) && matches(of) && !reasons.some(([name, contender]) => name === of.case && contender === of.contender));
  const elsewhere = others.map((of) => [of.title, of.contender || "", "it is in other runs, not in this one"]);
  const columns = [{ title: "Work" }, { title: "Contender" }, { title: "Why" }], parent = at("missing-table");
  parent.replaceChildren();
  if (!reasons.length && !elsewhere.length) return nothing(parent, "Nothing: this run has all that any run has.");
  if (reasons.length) parent.append(tableOf(columns, reasons, "What was left out"));
  if (elsewhere.length) {
    const summary = element("summary", { text: `Table: ${elsewhere.length} that are in other runs` });
    parent.append(element("details", {}, summary, tableOf(columns, elsewhere, "What is in other runs")));
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  const other = theme === "dark" ? "Light" : "Dark";
  at("theme").textContent = other;
  at("theme").setAttribute("aria-label", `${other} colours`);
  for (const chart of figures) if (chart.isDrawn) draw(chart, true);
}

function chooseMachine(machine) {
  selectable(at("run"), runsOf(machine).map(({ run, number }) => [number, runName(run)]).reverse(), fullest(machine));
}

function start() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(dark.matches ? "dark" : "light");
  dark.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
  at("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  const machines = [...new Set(shown.runs.map((run) => run.machine))];
  const newest = shown.runs[shown.runs.length - 1].machine;
  selectable(at("machine"), machines.map((name) => [name, name]), newest);
  const groups = [...new Set(shown.series.map((of) => of.group).filter(Boolean))];
  selectable(at("group"), [["", "all"], ...groups.map((name) => [name, name])]);
  chooseMachine(newest);
  at("machine").addEventListener("change", () => { chooseMachine(at("machine").value); show(); });
  for (const id of ["run", "group"]) at(id).addEventListener("change", show);
  for (const id of ["wins", "losses"]) at(id).addEventListener("change", showPeers);
  at("history-case").addEventListener("change", drawHistory);
  let waiting;
  at("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(show, 150); });
  for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
  show();
  document.documentElement.dataset.ready = "yes";
}

start();
