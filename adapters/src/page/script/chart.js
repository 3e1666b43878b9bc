// The timeline: one canvas as large as what is seen of it, drawn anew for each change.

const chart = document.getElementById("chart");
const tall = document.getElementById("tall");
const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d");
const FONT = "12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";

let size = { width: 0, height: 0 };
let gutter = 130;
// What can be hit, in the order in which it was drawn.
let hits = [];

// Marks at the very edges are to be seen whole.
const PAD = 9;
const plot = () => size.width - gutter - 2 * PAD;
const xOf = (time) => gutter + PAD + ((time - ui.from) / (ui.to - ui.from)) * plot();
const timeOf = (x) => ui.from + ((x - gutter - PAD) / plot()) * (ui.to - ui.from);
// Far beyond the edges is as good as the edge.
const within = (time) => Math.min(Math.max(xOf(time), gutter - 20), size.width + 20);

function fit() {
  const scale = window.devicePixelRatio || 1;
  size = { width: chart.clientWidth, height: chart.clientHeight };
  gutter = size.width < 600 ? 78 : 134;
  canvas.width = Math.round(size.width * scale);
  canvas.height = Math.round(size.height * scale);
  canvas.style.width = `${size.width}px`;
  canvas.style.height = `${size.height}px`;
  context.setTransform(scale, 0, 0, scale, 0, 0);
}

function drawChart() {
  if (ui.alive) layOut();
  tall.style.height = `${Math.max(rows.height + rows.pinnedHeight, size.height)}px`;
  hits = [];
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, size.width, size.height);
  drawCalm();
  drawGrid();
  drawRolling();
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, size.width, rows.pinnedHeight);
  drawCalm(rows.pinnedHeight);
  // What is below the pinned rows can't be hit through them.
  hits = hits.filter((hit) => hit.y > rows.pinnedHeight);
  for (const row of rows.pinned) {
    if (row.kind === "processes") drawProcesses(row);
    else drawStrip(row);
  }
  drawAxis();
  drawGutter();
  drawLines();
  chart.dataset.lanes = rows.lanes;
}

function drawCalm(height = size.height) {
  if (data.calm === null) return;
  const x = Math.max(within(data.calm), gutter);
  context.fillStyle = colors.calm;
  context.fillRect(x, 0, within(data.ends) - x, height);
}

const TICKS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000,
  1800000, 3600000, 7200000, 10800000, 21600000, 43200000, 86400000, 172800000, 604800000,
];
function ticks() {
  const fits = Math.max(plot() / (size.width < 600 ? 90 : 120), 1);
  const every = TICKS.find((tick) => (ui.to - ui.from) / tick <= fits) ?? TICKS[TICKS.length - 1] * 4;
  const all = [];
  for (let time = Math.ceil(ui.from / every) * every; time <= ui.to; time += every) all.push(time);
  return { every, all };
}

function drawGrid() {
  context.fillStyle = colors.faint;
  for (const time of ticks().all) context.fillRect(Math.round(xOf(time)), 0, 1, size.height);
}

function drawAxis() {
  const { every, all } = ticks();
  context.fillStyle = colors.soft;
  context.font = SMALL;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const time of all) {
    const x = Math.round(xOf(time));
    context.fillRect(x, AXIS - 8, 1, 8);
    const text = clock(time);
    context.fillText(every >= 1000 ? text.slice(0, -4) : text, x + 4, AXIS - 12);
  }
  context.fillStyle = colors.line;
  context.fillRect(0, AXIS - 1, size.width, 1);
  context.fillRect(0, rows.pinnedHeight - 1, size.width, 1);
}

// The moment, the end of faults, and where an invariant broke: above all else.
function drawLines() {
  const line = (time, color, dash, text, y) => {
    const x = xOf(time);
    if (x < gutter - 1 || x > size.width) return;
    context.save();
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.setLineDash(dash);
    path(context, [[x, y], [x, size.height]], false);
    context.stroke();
    context.font = SMALL;
    const width = context.measureText(text).width + 8;
    // A long text stands before the line, where the gap is that it tells of.
    const left = width > 140 ? Math.max(x - width, gutter) : Math.min(x, size.width - width);
    context.fillStyle = color;
    context.fillRect(left, y, width, 14);
    context.fillStyle = colors.panel;
    context.textBaseline = "middle";
    context.fillText(text, left + 4, y + 7.5);
    context.restore();
  };
  const verdict = data.verdict;
  if (data.calm !== null) line(data.calm, colors.engine, [2, 3], "calm", AXIS);
  if (verdict.at !== null) line(verdict.at, colors.bad, [6, 3], verdict.invariant ? `${verdict.invariant} broken` : "differs", AXIS);
  if (leftOutLanes && leftOutLanes.before < data.ends) line(leftOutLanes.before, colors.soft, [1, 4], "executors gone before here are left out", rows.pinnedHeight);
  line(ui.at, colors.accent, [], clock(ui.at), 0);
}

function drawGutter() {
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, gutter - 2, size.height);
  context.fillStyle = colors.line;
  context.fillRect(gutter - 2, 0, 1, size.height);
  const start = rollingAt(chart.scrollTop);
  for (let n = start; n < rows.rolling.length; n += 1) {
    const row = rows.rolling[n];
    const y = row.top + rows.pinnedHeight - chart.scrollTop;
    if (y > size.height) break;
    if (row.kind === "lane") labelLane(row, y);
    else labelGroup(row, y);
  }
  context.fillStyle = colors.panel;
  context.fillRect(0, 0, gutter - 2, rows.pinnedHeight - 1);
  for (const row of rows.pinned) label(row.label, row.top + row.height / 2, colors.soft, FONT);
}

function label(text, y, color, font) {
  context.save();
  context.beginPath();
  context.rect(0, 0, gutter - 6, size.height);
  context.clip();
  context.fillStyle = color;
  context.font = font;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, 6, y);
  context.restore();
}

function labelLane(row, y) {
  const lane = lanes[row.which];
  const chosen = row.which === ui.lane;
  if (chosen) {
    context.fillStyle = colors.chosen;
    context.fillRect(0, y, gutter - 2, row.height);
  }
  const name = groups.length > 1 ? `${lane.id} ${groups[lane.group].name}` : lane.id;
  if (!ui.short) label(name, y + row.height / 2, chosen ? colors.ink : colors.soft, FONT);
  else if (chosen || row.which % 2 === 0) label(name, y + row.height / 2, chosen ? colors.ink : colors.soft, "9px system-ui, sans-serif");
}

function labelGroup(row, y) {
  const group = groups[row.which];
  label(group.name, y + 13, colors.ink, `bold ${FONT}`);
  const point = pointAt(group, ui.at);
  if (!point) return;
  label(`${gutter < 100 ? "" : "counts "}${point[2]} of ${point[1]}`, y + 29, colors.soft, SMALL);
  label(`serving ${point[3]}`, y + 43, colors.soft, SMALL);
}

function drawProcesses(row) {
  const y = row.top + 2;
  const height = row.height - 4;
  for (const which of row.all) {
    const process = processes[which];
    const x0 = within(process.began);
    const x1 = within(process.died ?? data.ends);
    if (x1 < gutter || x0 > size.width) continue;
    context.strokeStyle = colors.soft;
    context.lineWidth = 1;
    context.strokeRect(x0 + 0.5, y + 0.5, Math.max(x1 - x0 - 1, 1), height - 1);
    context.fillStyle = colors.engine;
    for (const [from, to] of process.led) {
      const left = within(from);
      context.fillRect(left, y, Math.max(within(to) - left, 1), height);
    }
    if (process.died !== null && x1 <= size.width && x1 - x0 < 10) {
      context.fillStyle = colors.bad;
      context.fillRect(x1 - 0.75, y, 1.5, height);
    } else if (process.died !== null && x1 <= size.width) {
      context.strokeStyle = colors.bad;
      context.lineWidth = 2;
      path(context, [[x1 - 4, y], [x1 + 4, y + height]], false);
      context.stroke();
      path(context, [[x1 - 4, y + height], [x1 + 4, y]], false);
      context.stroke();
    }
    const left = Math.max(x0, gutter) + 4;
    const leads = process.led.some(([from, to]) => within(from) <= left + 10 && within(to) > left + 10);
    clipped(`${process.number}${leads ? " leads" : ""}`, left, row.top + row.height / 2, x1 - left - 4, leads ? colors.panel : colors.ink, SMALL);
    hits.push({ x: (Math.max(x0, gutter) + x1) / 2, wide: (x1 - Math.max(x0, gutter)) / 2, y: row.top + row.height / 2, process: which });
  }
}

function clipped(text, x, y, room, color, font) {
  if (room < 12) return;
  context.save();
  context.beginPath();
  context.rect(x, y - 9, room, 18);
  context.clip();
  context.fillStyle = color;
  context.font = font;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText(text, x, y);
  context.restore();
}

// Marks that would hide each other are one, and all of them are told on hover.
function clusters(all) {
  const found = [];
  const newest = new Map();
  for (let n = firstFrom(all, ui.from); n < all.length; n += 1) {
    const entry = marks[all[n]];
    if (entry[0] > ui.to) break;
    if (!isShown(all[n])) continue;
    const x = xOf(entry[0]);
    const last = newest.get(entry[1]);
    if (last && x - last.x < 5) last.all.push(all[n]);
    else {
      const cluster = { x, kind: entry[1], all: [all[n]] };
      newest.set(entry[1], cluster);
      found.push(cluster);
    }
  }
  return found;
}
const firstFrom = (all, time) => lastAt(all, time - 1e-6, (which) => marks[which][0]) + 1;

function drawStrip(row) {
  const y = row.top + row.height / 2;
  if (row.all === faultMarks && !ui.hiddenSets.has(setOf[KIND.fault])) drawSpans(row);
  const found = clusters(row.all).sort((a, b) => a.x - b.x);
  found.forEach((cluster, n) => {
    const next = found[n + 1]?.x ?? size.width;
    const [, , , , , says] = marks[cluster.all[0]];
    const text = cluster.all.length > 1 ? `×${cluster.all.length}` : says.split(":")[0];
    clipped(text, cluster.x + 9, y, next - cluster.x - 17, colors.soft, SMALL);
  });
  for (const cluster of found) drawCluster(cluster, y, 6);
}

// How long faults go on.
function drawSpans(row) {
  context.fillStyle = colors.fault;
  for (const which of row.all) {
    const [at, , , , , , lasts] = marks[which];
    if (lasts <= 0 || at > ui.to || at + lasts < ui.from) continue;
    const x = within(at);
    context.globalAlpha = 0.22;
    context.fillRect(x, row.top + 2, within(at + lasts) - x, row.height - 4);
    context.globalAlpha = 1;
    context.fillRect(x, row.top + row.height - 4, within(at + lasts) - x, 2);
  }
}

function drawCluster(cluster, y, r) {
  const chosen = cluster.all.includes(ui.mark);
  const entry = mark(chosen ? ui.mark : cluster.all[0]);
  drawMark(context, cluster.kind, cluster.x, y, r, isFailure(entry));
  if (chosen) {
    context.strokeStyle = colors.accent;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(cluster.x, y, r + 3, 0, 7);
    context.stroke();
  }
  hits.push({ x: cluster.x, wide: r + 2, y, all: cluster.all });
}

function drawRolling() {
  for (let n = rollingAt(chart.scrollTop); n < rows.rolling.length; n += 1) {
    const row = rows.rolling[n];
    const y = row.top + rows.pinnedHeight - chart.scrollTop;
    if (y > size.height) break;
    if (row.kind === "lane") drawLane(row, y);
    else drawGroup(row, y);
  }
}

const WEIGHT = names.kinds.map((name) => ["answer", "create", "delete", "finish", "end"].indexOf(name));

function drawLane(row, y) {
  const lane = lanes[row.which];
  if (row.which === ui.lane) {
    context.fillStyle = colors.chosen;
    context.fillRect(gutter, y, size.width, row.height);
  }
  const top = y + (ui.short ? 1 : 4);
  const height = row.height - (ui.short ? 2 : 8);
  const start = Math.max(lastAt(lane.changes, ui.from, first), 0);
  for (let n = start; n < lane.changes.length; n += 1) {
    const [at, bits] = lane.changes[n];
    if (at > ui.to) break;
    const until = n + 1 < lane.changes.length ? lane.changes[n + 1][0] : data.ends;
    if (until >= ui.from) drawBar(context, within(at), within(until), top, height, bits);
  }
  const middle = y + row.height / 2;
  if (lane.end && !ui.short && lane.end.at <= ui.to) {
    const x = Math.max(within(Math.max(lane.end.at, endOf(lane))), gutter) + 10;
    if (endOf(lane) < data.ends) clipped(lane.end.cause, x, middle, size.width - x, colors.soft, SMALL);
  }
  // Where they lie upon each other, the one that tells most is on top.
  const found = clusters(marksOfLane[row.which]).sort((a, b) => WEIGHT[a.kind] - WEIGHT[b.kind]);
  for (const cluster of found) drawCluster(cluster, middle, ui.short ? 3 : 5);
}

function drawGroup(row, y) {
  const { points } = groups[row.which];
  const most = (groups[row.which].most ??= points.reduce((most, point) => Math.max(most, point[1], point[2]), 1));
  const bottom = y + row.height - 7;
  const scale = (row.height - 16) / most;
  context.fillStyle = colors.line;
  context.fillRect(gutter, Math.round(y + row.height - 1), size.width, 1);
  context.save();
  context.beginPath();
  context.rect(gutter, y, size.width, row.height);
  context.clip();
  const start = Math.max(lastAt(points, ui.from, first), 0);
  const line = (which, color, width, dash) => {
    context.beginPath();
    let last = 0;
    for (let n = start; n < points.length && points[n][0] <= ui.to; n += 1) {
      const x = within(points[n][0]);
      const value = bottom - points[n][which] * scale;
      if (n > start) context.lineTo(x, last);
      context.lineTo(x, value);
      last = value;
    }
    context.lineTo(within(data.ends), last);
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke();
  };
  line(1, colors.accent, 1.5, [6, 3]);
  line(3, colors.running, 1.5, [1.5, 2.5]);
  line(2, colors.ink, 1.5, []);
  context.restore();
}

// What is at that point: marks first, then a process, then a bar.
function hitAt(x, y) {
  const all = [];
  for (const hit of hits) {
    if (hit.all && Math.abs(hit.x - x) <= Math.max(hit.wide, 6) && Math.abs(hit.y - y) <= 9) all.push(...hit.all);
  }
  if (all.length > 0) return { marks: all.sort((a, b) => a - b) };
  const process = hits.find((hit) => hit.process !== undefined && Math.abs(hit.x - x) <= hit.wide && Math.abs(hit.y - y) <= 7);
  if (process) return { process: process.process };
  if (y <= rows.pinnedHeight || rows.rolling.length === 0) return {};
  const row = rows.rolling[rollingAt(y - rows.pinnedHeight + chart.scrollTop)];
  if (y - rows.pinnedHeight + chart.scrollTop > row.top + row.height) return {};
  if (row.kind === "group") return { group: row.which };
  const lane = lanes[row.which];
  const which = lastAt(lane.changes, timeOf(x), first);
  return { lane: row.which, change: which >= 0 && x >= gutter ? which : null };
}
