// What the page knows: its data, and what stood at any moment.

const data = JSON.parse(document.getElementById("data").textContent);
const { names, groups, lanes, processes, requests, marks } = data;
const GONE = names.states.indexOf("gone");
const KIND = Object.fromEntries(names.kinds.map((name, kind) => [name, kind]));

// Marks are filtered, and coloured, in these sets.
const SETS = [
  { name: "faults", color: "--fault", kinds: ["fault"] },
  { name: "actions", color: "--action", kinds: ["create", "delete", "finish", "resize", "claim"] },
  { name: "notices and ends", color: "--told", kinds: ["notice", "end"] },
  { name: "the engine", color: "--engine", kinds: ["wish", "report"] },
  { name: "lease and trouble", color: "--answer", kinds: ["lease", "answer", "trouble"] },
];
const setOf = names.kinds.map((kind) => SETS.findIndex((set) => set.kinds.includes(kind)));

const mark = (which) => {
  const [at, kind, lane, step, rule, says, lasts, detail] = marks[which];
  return { which, at, kind, lane, step, rule, says, lasts, detail };
};

// The last of the sorted `list` that is at `time` or before; -1: none.
function lastAt(list, time, atOf) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (atOf(list[middle]) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

const first = (entry) => entry[0];
const changeAt = (lane, time) => lane.changes[lastAt(lane.changes, time, first)];
const pointAt = (group, time) => group.points[lastAt(group.points, time, first)];

function stateOf(bits) {
  const rule = bits >> 8;
  return {
    bits,
    name: names.states[bits & 15],
    class: bits & 15,
    registered: (bits & 16) !== 0,
    // Without an engine, running is as good as registered.
    serves: (bits & 16) !== 0 || !data.engine,
    counts: (bits & 32) !== 0,
    open: (bits & 64) !== 0,
    told: (bits & 128) !== 0,
    rule: rule > 0 ? names.rules[rule - 1] : null,
  };
}

function stateSays(bits) {
  const state = stateOf(bits);
  const parts = [state.name];
  if (state.class === GONE) return state.name;
  if (state.registered) parts.push("registered");
  if (state.rule) parts.push(`to go by ${state.rule}`);
  if (state.open) parts.push("a write is open");
  return parts.join(", ");
}

// When a lane begins, and when its pod is gone.
const beginOf = (lane) => (lane.changes.length > 0 ? lane.changes[0][0] : data.ends);
function endOf(lane) {
  const last = lane.changes[lane.changes.length - 1];
  return last && (last[1] & 15) === GONE ? last[0] : data.ends;
}

const marksOfLane = lanes.map(() => []);
const faultMarks = [];
const fleetMarks = [];
marks.forEach((entry, which) => {
  if (entry[1] === KIND.fault) faultMarks.push(which);
  else if (entry[2] === null) fleetMarks.push(which);
  else marksOfLane[entry[2]].push(which);
});

// The moments at which something happened, each once.
const moments = (() => {
  const all = [0, data.ends];
  for (const entry of marks) all.push(entry[0]);
  for (const lane of lanes) for (const change of lane.changes) all.push(change[0]);
  for (const group of groups) for (const point of group.points) all.push(point[0]);
  for (const process of processes) all.push(process.began, process.died ?? 0);
  const sorted = Float64Array.from(all).sort();
  return sorted.filter((time, n) => n === 0 || time !== sorted[n - 1]);
})();

const step = (number) => data.steps[number - data.first_step];
const inputOf = (number) => data.inputs[number - data.first_input];

const leaderAt = (time) =>
  processes.filter((process) => process.led.some(([from, to]) => from <= time && time < to));
const aliveAt = (time) =>
  processes.filter((process) => process.began <= time && (process.died === null || time < process.died));
const openAt = (time) =>
  requests.filter(([, sent, until]) => sent <= time && (until === null || time < until));

// The executors that are not on the page, if some are not.
const leftOutLanes = data.left_out.find((left) => left.what === "executors");

// What a rule is for. Of an end, END-1 says that it is told; of a delete or a drain, why that is.
const meaningOf = (rule, isEnd) => (isEnd ? "each end is told once, with its one cause" : names.meanings[names.rules.indexOf(rule)]);

// 2 d 03:04:05.678
function clock(time) {
  const two = (number) => String(number).padStart(2, "0");
  const days = Math.floor(time / 86400000);
  const seconds = Math.floor(time / 1000);
  const text = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${days > 0 ? `${days} d ` : ""}${text}.${String(Math.floor(time % 1000)).padStart(3, "0")}`;
}

// 3 days 2 h, 4 min 5 s, 300 ms
function span(time) {
  const units = [[86400000, "d"], [3600000, "h"], [60000, "min"], [1000, "s"]];
  const largest = units.findIndex(([size]) => time >= size);
  if (largest < 0) return `${Math.round(time)} ms`;
  const [size, name] = units[largest];
  const rest = units[largest + 1];
  const parts = [`${Math.floor(time / size)} ${name}`];
  const more = rest ? Math.floor((time % size) / rest[0]) : 0;
  if (more > 0) parts.push(`${more} ${rest[1]}`);
  return parts.join(" ");
}

const many = (count, one, more = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : more}`;
