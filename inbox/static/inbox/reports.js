// How do figures look? Charts are drawn from the tables beside them; an export says how far it is.

import { SessionEndedError } from "./http.js";
import { t } from "./words.js";

const HEIGHT = 220;
const LINE_FEED = 10;

// --- Charts --------------------------------------------------------------------------------------

// Return what a table says: names of its rows, and of each other column the values and the colour.
function read(figure) {
  const rows = [...figure.querySelectorAll("tbody tr")];
  const numbers = rows.map((row) => [...row.querySelectorAll("td")].map((one) => Number(one.dataset.plain)));
  const keys = [...figure.querySelectorAll(".chart-key")];
  return {
    names: rows.map((row) => row.querySelector("th").textContent.trim()),
    series: keys.map((key, n) => ({
      title: key.textContent,
      colour: getComputedStyle(key).color,
      values: numbers.map((row) => row[n]),
    })),
  };
}

function draw(figure) {
  const plot = figure.querySelector(".plot");
  if (!plot) return;
  const { names, series } = read(figure);
  const isBars = figure.dataset.drawn === "bars";
  const style = getComputedStyle(figure);
  const axis = {
    stroke: style.getPropertyValue("color"),
    grid: { stroke: getComputedStyle(figure).borderTopColor, width: 1 },
    ticks: { show: false },
  };
  const value = figure.querySelector(".chart-value");
  const chart = new window.uPlot(
    {
      width: plot.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { show: !isBars }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: [-0.6, names.length - 0.4] },
        y: { range: (_chart, _low, high) => [0, Math.max(4, high * 1.1)] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 70, incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 30, 60], values: (_chart, at) => at.map((n) => names[n] ?? "") },
        { ...axis, size: 50, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
      ],
      series: [{}, ...series.map((one, n) => look(one, n, series.length, isBars))],
      hooks: { setCursor: [(drawn) => (value.textContent = told(drawn.cursor.idx, names, series))] },
    },
    [names.map((_name, n) => n), ...series.map((one) => one.values)],
    plot,
  );
  new ResizeObserver(() => chart.setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot);
  figure.chart = chart;
}

function look(one, n, number, isBars) {
  if (!isBars) return { label: one.title, stroke: one.colour, width: 2, points: { show: false } };
  const align = number > 1 ? (n ? 1 : -1) : 0;
  const paths = window.uPlot.paths.bars({ size: [number > 1 ? 0.4 : 0.7, 60], align });
  return { label: one.title, stroke: one.colour, fill: one.colour, width: 0, points: { show: false }, paths };
}

function told(at, names, series) {
  if (at == null) return "";
  return [names[at], ...series.map((one) => `${one.title} ${one.values[at]}`)].join(" · ");
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-drawn]")) {
    figure.chart?.destroy();
    draw(figure);
  }
}

if (window.uPlot) drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);

// --- Days somebody chooses -----------------------------------------------------------------------

const range = document.getElementById("report-range");
const days = document.getElementById("report-days");

function showDays() {
  days.hidden = range.value !== "own";
}

range.addEventListener("change", showDays);
showDays();

// --- The export ----------------------------------------------------------------------------------

const link = document.getElementById("export");
const underWay = document.getElementById("export-under-way");
const progress = document.getElementById("export-progress");
const status = document.getElementById("export-status");
let stopper = null;

async function take(event) {
  event.preventDefault();
  if (stopper) return;
  stopper = new AbortController();
  progress.removeAttribute("value");
  underWay.hidden = false;
  say("export_begins");
  try {
    await save(await fetched(stopper.signal));
  } catch (error) {
    if (error instanceof SessionEndedError) return location.reload();
    say(error.name === "AbortError" ? "export_stopped" : "export_failed");
  } finally {
    stopper = null;
    underWay.hidden = true;
  }
}

async function fetched(signal) {
  const response = await fetch(link.href, { signal, redirect: "manual", credentials: "same-origin" });
  if (response.type === "opaqueredirect") throw new SessionEndedError();
  if (!response.ok) throw new Error(String(response.status));
  const whole = Number(response.headers.get("X-Rows"));
  const parts = [];
  let lines = -1;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    for (const byte of value) lines += byte === LINE_FEED;
    progress.max = Math.max(1, whole);
    progress.value = Math.min(whole, lines);
    say("export_goes_on", { number: Math.min(whole, Math.max(0, lines)), whole });
  }
  return { parts, whole, name: nameIn(response) };
}

function nameIn(response) {
  return /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition"))?.[1] ?? "export.csv";
}

function save({ parts, whole, name }) {
  const url = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  const copy = Object.assign(document.createElement("a"), { href: url, download: name });
  copy.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  say("export_done", { whole });
}

function say(name, facts = {}) {
  status.textContent = t(name, facts);
}

link?.addEventListener("click", take);
document.getElementById("export-stop")?.addEventListener("click", () => stopper?.abort());
