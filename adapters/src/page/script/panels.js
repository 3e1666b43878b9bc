// What stands beside and below the timeline: how it stood at the moment, and what made it so.

const byId = (id) => document.getElementById(id);

// An element with text or other elements in it. Texts are never markup.
function make(tag, has = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(has)) {
    if (name === "click") element.addEventListener("click", value);
    else if (name === "class") element.className = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

// Fills an element anew; who had the focus in it gets it back.
function refill(element, ...children) {
  const had = element.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  element.replaceChildren(...children);
  if (had !== undefined) element.querySelector(`[data-key="${CSS.escape(had)}"]`)?.focus();
}

const timeTag = (time) => make("time", {}, clock(time));
const ruleTag = (rule, isEnd = false) => (rule ? make("span", { class: "rule", title: meaningOf(rule, isEnd) }, rule) : null);
const laneButton = (lane, key) => make("button", { type: "button", class: "plain", "data-key": `${key}${lane}`, click: () => chooseLane(lane) }, lanes[lane].id);

let shown = 200;

function showMoment() {
  byId("moment-title").textContent = `At ${clock(ui.at)}`;
  const leaders = leaderAt(ui.at).map((process) => process.number);
  const alive = aliveAt(ui.at);
  const says = [];
  if (alive.length === 0) says.push("No controller is alive");
  else if (leaders.length === 0) says.push(`Of ${many(alive.length, "controller")} alive, none leads`);
  else says.push(`Process ${leaders.join(" and ")} leads${alive.length > 1 ? ` of ${alive.length} alive` : ""}`);
  if (data.calm !== null) says.push(ui.at >= data.calm ? "faults are over" : "faults may strike");
  const findings = data.findings[lastAt(data.findings, ui.at, first)]?.[1] ?? [];
  says.push(findings.length > 0 ? `not as it should be: ${findings.join("; ")}` : "nothing is found wrong");
  if (leftOutLanes && ui.at < leftOutLanes.before) says.push("some executors of this moment are left out of this page");
  byId("moment-says").textContent = `${says.join("; ")}.`;
  showGroups();
  showRequests();
  showExecutors();
}

function head(table, titles) {
  const row = make("tr", {}, ...titles.map(([title, number]) => make("th", { scope: "col", class: number ? "number" : undefined }, title)));
  byId(table).tHead.replaceChildren(row);
}

const nothing = (columns, text) => make("tr", {}, make("td", { colspan: columns, class: "nothing" }, text));

function showGroups() {
  const classes = names.states.filter((_, which) => which !== GONE);
  const counts = groups.map(() => new Array(names.states.length).fill(0));
  for (const lane of lanes) {
    const change = changeAt(lane, ui.at);
    if (change) counts[lane.group][change[1] & 15] += 1;
  }
  const used = classes.filter((_, which) => counts.some((group) => group[which] > 0));
  head("group-table", [["group"], ["target", true], ["counting", true], ["serving", true], ...used.map((name) => [name, true]), ["not at rest for"]]);
  const all = [];
  groups.forEach((group, which) => {
    if (ui.hiddenGroups.has(which)) return;
    const point = pointAt(group, ui.at) ?? [0, "", "", "", ""];
    all.push(
      make("tr", {},
        make("th", { scope: "row" }, group.name),
        ...[point[1], point[2], point[3]].map((count) => make("td", { class: "number" }, count)),
        ...used.map((name) => make("td", { class: "number" }, counts[which][names.states.indexOf(name)])),
        make("td", {}, point[4] || "")),
    );
  });
  byId("group-table").tBodies[0].replaceChildren(...(all.length > 0 ? all : [nothing(5, "no group is shown")]));
}

function showRequests() {
  head("request-table", [["process", true], ["what"], ["rule"], ["for", true]]);
  const open = openAt(ui.at);
  const all = open.slice(0, 60).map(([process, sent, , what, rule]) =>
    make("tr", {},
      make("td", { class: "number" }, process),
      make("td", {}, what),
      make("td", {}, ruleTag(rule)),
      make("td", { class: "number" }, span(ui.at - sent))));
  if (open.length > all.length) all.push(nothing(4, `and ${open.length - all.length} more`));
  byId("request-table").tBodies[0].replaceChildren(...(all.length > 0 ? all : [nothing(4, "none")]));
}

function showExecutors() {
  head("executor-table", [["executor"], ["group"], ["state"], ["since"], ["registered"], ["counts"], ["to go by"], ["write open"], ["end"]]);
  const there = [];
  lanes.forEach((lane, which) => {
    const change = changeAt(lane, ui.at);
    if (change && (change[1] & 15) !== GONE && matches(lane)) there.push([lane, which, change]);
  });
  const yes = (is) => (is ? "yes" : "");
  const all = there.slice(0, shown).map(([lane, which, change]) => {
    const state = stateOf(change[1]);
    const end = lane.end && lane.end.at <= ui.at ? lane.end.cause : "";
    return make("tr", { class: which === ui.lane ? "chosen" : undefined },
      make("th", { scope: "row" }, laneButton(which, "table")),
      make("td", {}, groups[lane.group].name),
      make("td", {}, make("span", { class: "state" }, barSwatch(change[1]), state.name)),
      make("td", {}, timeTag(change[0])),
      make("td", {}, yes(state.registered)),
      make("td", {}, yes(state.counts)),
      make("td", {}, ruleTag(state.rule)),
      make("td", {}, yes(state.open)),
      make("td", {}, end));
  });
  refill(byId("executor-table").tBodies[0], ...(all.length > 0 ? all : [nothing(9, "none is there")]));
  byId("executor-table").caption.textContent = `Executors: ${there.length} there`;
  byId("more").hidden = there.length <= shown;
  byId("more").textContent = `Show more (${there.length - shown} are not listed)`;
}

// The marks around the moment, as a list: for those who can't see or point at the timeline.
const AROUND = 15;
function showNear() {
  const list = [];
  const middle = lastAt(marks, ui.at, first);
  for (let n = middle, found = 0; n >= 0 && found < AROUND; n -= 1) {
    if (isShown(n)) {
      list.unshift(n);
      found += 1;
    }
  }
  const before = list.length;
  for (let n = middle + 1, found = 0; n < marks.length && found < AROUND; n += 1) {
    if (isShown(n)) {
      list.push(n);
      found += 1;
    }
  }
  const items = list.map((which) => nearItem(mark(which)));
  items.splice(before, 0, make("li", { class: "now" }, `${clock(ui.at)} is shown`));
  refill(byId("near"), ...items);
}

function nearItem(entry) {
  const lane = entry.lane === null ? null : lanes[entry.lane];
  const says = make("span", {}, lane && !entry.says.includes(lane.id) ? `${lane.id}: ` : "", entry.says, " ", ruleTag(entry.rule, entry.kind === KIND.end));
  const kind = make("span", { class: "hidden" }, `${names.kinds[entry.kind]}: `);
  const button = make("button", { type: "button", "data-key": `near${entry.which}`, click: () => chooseMarks([entry.which]) },
    markSwatch(entry.kind, isFailure(entry)), timeTag(entry.at), make("span", {}, kind, says));
  return make("li", { class: entry.which === ui.mark ? "chosen" : undefined }, button);
}

const pair = (term, ...value) => [make("dt", {}, term), make("dd", {}, ...value)];

// Marks were chosen: the first of `all` is told whole.
function showMarks(all) {
  const entry = mark(ui.mark);
  const children = [
    make("p", { class: "what" }, markSwatch(entry.kind, isFailure(entry)), make("span", {}, entry.says)),
    make("dl", {},
      ...pair("what", names.kinds[entry.kind]),
      ...pair("when", timeTag(entry.at)),
      ...(entry.lasts > 0 ? pair("lasts", span(entry.lasts)) : []),
      ...(entry.lane === null ? [] : pair("executor", laneButton(entry.lane, "detail"), ` of ${groups[lanes[entry.lane].group].name}`)),
      ...(entry.rule ? pair("rule", ruleTag(entry.rule, entry.kind === KIND.end), ` ${meaningOf(entry.rule, entry.kind === KIND.end) ?? ""}`) : [])),
  ];
  if (entry.kind === KIND.end && entry.lane !== null && lanes[entry.lane].end?.evidence) {
    children.push(make("p", { class: "soft" }, `Seen: ${lanes[entry.lane].end.evidence}`));
  }
  if (all.length > 1) {
    children.push(make("h3", {}, `${all.length} marks at this place`));
    children.push(make("ul", {}, ...all.slice(0, 60).map((which) =>
      make("li", { class: which === ui.mark ? "mine" : undefined },
        make("button", { type: "button", class: "plain", "data-key": `place${which}`, click: () => chooseMarks(all, which) }, marks[which][5])))));
    if (all.length > 60) children.push(make("p", { class: "soft" }, `and ${all.length - 60} more; zoom in to tell them apart`));
  }
  if (entry.step !== null) children.push(...stepSays(entry.step, entry.says));
  if (entry.detail) children.push(make("h3", {}, "As the story has it"), make("pre", { tabindex: "0" }, entry.detail));
  if (entry.kind === KIND.fault) children.push(make("p", { class: "soft" }, "It struck from outside; what came of it shows in the steps after it."));
  refill(byId("detail"), ...children);
}

// An input, and the plan that came of it.
function stepSays(number, says) {
  const taken = step(number);
  if (!taken) return [make("p", { class: "nothing" }, "The step that this was part of is left out of this page, which would be too large with it.")];
  const input = inputOf(number);
  const children = [make("h3", {}, `Process ${taken.process} was given`), make("p", {}, taken.input)];
  if (input !== undefined && input !== null) {
    children.push(make("details", {}, make("summary", {}, "as its record has it"),
      make("pre", { tabindex: "0" }, JSON.stringify({ at: taken.own, input }, null, 2))));
  } else {
    children.push(make("p", { class: "soft" }, `Its record is left out here; it is at ${taken.own} ms of the process's own clock.`));
  }
  children.push(make("h3", {}, "and its plan was"));
  const outputs = taken.outputs.map(([text, rule]) => make("li", { class: says && text.endsWith(says) ? "mine" : undefined }, text, " ", ruleTag(rule, text.includes(" ended: "))));
  if (taken.more > 0) outputs.push(make("li", { class: "soft" }, `and ${taken.more} more`));
  children.push(outputs.length > 0 ? make("ul", {}, ...outputs) : make("p", { class: "nothing" }, "nothing"));
  return children;
}

// A lane was chosen, perhaps at one of its bars.
function showLane(which, change) {
  const lane = lanes[which];
  const children = [
    make("p", { class: "what" }, make("span", {}, `executor ${lane.id}`)),
    make("dl", {},
      ...pair("group", groups[lane.group].name),
      ...(lane.end ? pair("end", timeTag(lane.end.at), ` ${lane.end.cause}`, lane.end.failure ? " (a failure)" : "") : pair("end", "none")),
      ...(lane.end?.evidence ? pair("seen", lane.end.evidence) : [])),
  ];
  if (change !== null) {
    const [at, bits, number] = lane.changes[change];
    children.push(make("h3", {}, `${stateSays(bits)} since ${clock(at)}`), ...stepSays(number));
  }
  const last = lane.changes.slice(-100);
  children.push(make("h3", {}, "What it was"));
  children.push(make("ul", {}, ...last.map(([at, bits], n) =>
    make("li", {}, make("button", { type: "button", class: "plain", "data-key": `change${at}-${n}`, click: () => chooseLane(which, lane.changes.length - last.length + n) }, clock(at)), ` ${stateSays(bits)}`))));
  refill(byId("detail"), ...children);
}

function showProcess(which) {
  const process = processes[which];
  const led = process.led.map(([from, to]) => make("li", {}, `${clock(from)} to ${clock(to)}`));
  refill(byId("detail"),
    make("p", { class: "what" }, make("span", {}, `process ${process.number} of the controller`)),
    make("dl", {}, ...pair("began", timeTag(process.began)), ...pair("died", process.died === null ? "not before the end" : timeTag(process.died))),
    make("h3", {}, "It led"),
    led.length > 0 ? make("ul", {}, ...led.slice(0, 100)) : make("p", { class: "nothing" }, "never"));
}

function showNothing() {
  refill(byId("detail"), make("p", { class: "nothing" }, "Choose a mark or a bar: what went in, and the plan that came of it, with its rules, is told here."));
}
