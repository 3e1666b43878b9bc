// What is shown: the moment, the part of the time, the filters, and the rows that follow from them.

const ui = {
  at: 0,
  from: 0,
  to: Math.max(data.ends, 1),
  hiddenGroups: new Set(),
  hiddenSets: new Set(),
  search: "",
  alive: lanes.length > 60,
  short: lanes.length > 100,
  lane: null,
  mark: null,
};

const AXIS = 26;
const PROCESS = 15;
const STRIP = 22;
const GROUP = 58;
const MOST_PROCESS_ROWS = 4;
const rowHeight = () => (ui.short ? 9 : 20);

// Processes that do not overlap share a row.
const processRows = (() => {
  const rows = [];
  processes.forEach((process, which) => {
    const ends = process.died ?? Infinity;
    let row = rows.find((row) => row.until <= process.began);
    if (!row && rows.length < MOST_PROCESS_ROWS) rows.push((row = { until: 0, all: [] }));
    row ??= rows[rows.length - 1];
    row.until = Math.max(row.until, ends);
    row.all.push(which);
  });
  return rows.map((row) => row.all);
})();

const matches = (lane) => {
  if (ui.hiddenGroups.has(lane.group)) return false;
  if (ui.search === "") return true;
  return lane.id.includes(ui.search) || (lane.end !== null && lane.end.cause.includes(ui.search));
};
const isInView = (lane) => beginOf(lane) <= ui.to && endOf(lane) >= ui.from;

let rows = { pinned: [], pinnedHeight: 0, rolling: [], height: 0, lanes: 0 };

function layOut() {
  const pinned = [];
  let top = AXIS;
  const pin = (row) => {
    pinned.push({ ...row, top });
    top += row.height;
  };
  processRows.forEach((all, n) => pin({ kind: "processes", height: PROCESS, all, label: n === 0 ? "controllers" : "" }));
  if (data.source === "story") pin({ kind: "strip", height: STRIP, label: "faults", all: faultMarks });
  pin({ kind: "strip", height: STRIP, label: "fleet", all: fleetMarks });
  const pinnedHeight = top + 2;

  const rolling = [];
  top = 0;
  const roll = (row) => {
    rolling.push({ ...row, top });
    top += row.height;
  };
  groups.forEach((group, which) => {
    if (!ui.hiddenGroups.has(which) && group.points.length > 0) roll({ kind: "group", height: GROUP, which });
  });
  const before = rolling.length;
  lanes.forEach((lane, which) => {
    if (matches(lane) && (!ui.alive || isInView(lane))) roll({ kind: "lane", height: rowHeight(), which });
  });
  rows = { pinned, pinnedHeight, rolling, height: top + 4, lanes: rolling.length - before };
}

// The first of the rolling rows that reaches below `y`.
function rollingAt(y) {
  const which = lastAt(rows.rolling, y, (row) => row.top);
  return Math.max(which, 0);
}

const rowOfLane = (lane) => rows.rolling.find((row) => row.kind === "lane" && row.which === lane);
const isShown = (which) => {
  const [, kind, lane] = marks[which];
  return !ui.hiddenSets.has(setOf[kind]) && (lane === null || matches(lanes[lane]));
};
