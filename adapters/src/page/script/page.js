// Puts it all together: the head of the page, the filters, and what keys and the mouse do.

let pending = false;
let says = 0;

// Draws once for all that changes before the next frame.
function changed() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    drawChart();
    showMoment();
    showNear();
    const slider = byId("at");
    slider.value = ui.at;
    slider.setAttribute("aria-valuetext", clock(ui.at));
    byId("at-says").textContent = clock(ui.at);
    clearTimeout(says);
    says = setTimeout(() => {
      const text = `${clock(ui.from)} to ${clock(ui.to)}. ${rows.lanes.toLocaleString("en")} of ${many(lanes.length, "executor")} have a row.`;
      if (byId("chart-says").textContent !== text) byId("chart-says").textContent = text;
    }, 250);
  });
}

function setView(from, to) {
  const most = Math.max(data.ends, 1);
  const width = Math.min(Math.max(to - from, 10), most);
  const start = Math.min(Math.max(from, 0), most - width);
  ui.from = start;
  ui.to = start + width;
  changed();
}

function zoom(factor, around = ui.at >= ui.from && ui.at <= ui.to ? ui.at : (ui.from + ui.to) / 2) {
  setView(around - (around - ui.from) * factor, around + (ui.to - around) * factor);
}
const pan = (part) => setView(ui.from + (ui.to - ui.from) * part, ui.to + (ui.to - ui.from) * part);

function setAt(time) {
  ui.at = Math.min(Math.max(Math.round(time), 0), data.ends);
  if (ui.at < ui.from || ui.at > ui.to) {
    const half = (ui.to - ui.from) / 2;
    setView(ui.at - half, ui.at + half);
  }
  changed();
}

function move(by) {
  const here = lastAt(moments, ui.at, (time) => time);
  const next = by < 0 && moments[here] < ui.at ? here + by + 1 : here + by;
  setAt(moments[Math.min(Math.max(next, 0), moments.length - 1)]);
}

function reveal(lane) {
  // What is in view may just have changed.
  if (ui.alive) layOut();
  const row = rowOfLane(lane);
  if (!row) return;
  const room = size.height - rows.pinnedHeight;
  if (row.top < chart.scrollTop || row.top + row.height > chart.scrollTop + room) chart.scrollTop = row.top - room / 2;
}

function chooseMarks(all, which = all[0]) {
  const entry = mark(which);
  ui.mark = which;
  ui.lane = entry.lane;
  setAt(entry.at);
  if (entry.lane !== null) reveal(entry.lane);
  showMarks(all);
}

function chooseLane(lane, change = null) {
  ui.lane = lane;
  ui.mark = null;
  const at = change ?? lastAt(lanes[lane].changes, ui.at, first);
  if (change !== null) setAt(lanes[lane].changes[change][0]);
  reveal(lane);
  showLane(lane, at >= 0 ? at : null);
  changed();
}

// The next or previous mark that is shown.
function nextMark(by) {
  let which = ui.mark !== null && marks[ui.mark][0] === ui.at ? ui.mark + by : lastAt(marks, ui.at, first) + (by > 0 ? 1 : 0);
  while (which >= 0 && which < marks.length && !isShown(which)) which += by;
  if (which >= 0 && which < marks.length) chooseMarks([which]);
}

function nextLane(by) {
  const shownLanes = rows.rolling.filter((row) => row.kind === "lane");
  if (shownLanes.length === 0) return;
  const here = shownLanes.findIndex((row) => row.which === ui.lane);
  const next = here < 0 ? 0 : Math.min(Math.max(here + by, 0), shownLanes.length - 1);
  chooseLane(shownLanes[next].which);
}

function filtered() {
  layOut();
  changed();
}

function checkbox(text, checked, change, ...before) {
  const input = make("input", { type: "checkbox", checked });
  input.addEventListener("change", () => change(input.checked));
  return make("label", {}, input, ...before, text);
}

const toggle = (set, which, on) => {
  if (on) set.delete(which);
  else set.add(which);
  filtered();
};

function showFilters() {
  const legendOf = (id) => byId(id).querySelector("legend");
  byId("groups").replaceChildren(legendOf("groups"),
    ...groups.map((group, which) => checkbox(group.name, !ui.hiddenGroups.has(which), (on) => toggle(ui.hiddenGroups, which, on))));
  const sets = SETS.map((set, which) => [set, which]).filter(([set]) => data.source === "story" || set.name !== "faults");
  byId("kinds").replaceChildren(legendOf("kinds"),
    ...sets.map(([set, which]) => checkbox(set.name, !ui.hiddenSets.has(which), (on) => toggle(ui.hiddenSets, which, on), markSwatch(KIND[set.kinds[0]], false))));
}

function showLegend() {
  const state = (name) => names.states.indexOf(name);
  const bars = names.states.filter((name) => name !== "gone" && name !== "running").map((name) => [name, state(name)]);
  const running = ["running", state("running")];
  bars.splice(3, 0, ...(data.engine ? [running, ["registered", running[1] | 16]] : [running]));
  bars.push(["to go", state("running") | 16 | (1 << 8)]);
  const lines = [["target", "accent", [6, 3]], ["counting", "ink", []], ["serving", "running", [1.5, 2.5]]];
  const lineSwatch = (color, dash) => swatch(22, 12, (context) => {
    context.strokeStyle = colors[color];
    context.lineWidth = 1.5;
    context.setLineDash(dash);
    path(context, [[0, 6], [22, 6]], false);
    context.stroke();
  });
  const leads = swatch(22, 12, (context) => {
    context.strokeStyle = colors.soft;
    context.strokeRect(0.5, 1.5, 21, 9);
    context.fillStyle = colors.engine;
    context.fillRect(7, 1, 15, 10);
  });
  byId("legend").replaceChildren(
    ...bars.map(([name, bits]) => make("li", {}, barSwatch(bits), name)),
    make("li", {}, leads, "a process, and when it leads"),
    ...lines.map(([name, color, dash]) => make("li", {}, lineSwatch(color, dash), name)),
    ...names.kinds.map((name, kind) => make("li", {}, markSwatch(kind, false), name)),
    make("li", {}, markSwatch(KIND.end, true), "end by failure"));
}

function showHead() {
  byId("title").textContent = data.name;
  const parts = [
    data.source === "story" ? "a story of the simulator" : "a flight record",
    `fleet ${data.fleet}`,
    `${span(data.ends)} long`,
    many(lanes.length + (leftOutLanes?.count ?? 0), "executor"),
    many(groups.length, "group"),
    many(processes.length, "process", "processes"),
    ...(data.source === "story" ? [many(faultMarks.length, "happening")] : []),
  ];
  byId("facts").textContent = `${parts.join(" · ")}. Lanes show what the leading controller knows.`;
  const verdict = data.verdict;
  const [sign, word] = { well: ["✓", "Well."], broken: ["✕", "Broken."], differs: ["≠", "Differs."] }[verdict.standing];
  byId("verdict").dataset.standing = verdict.standing;
  byId("verdict-sign").textContent = sign;
  byId("verdict-word").textContent = word;
  byId("verdict-says").textContent = verdict.says;
  if (verdict.at !== null) {
    byId("verdict-go").hidden = false;
    byId("verdict-go").textContent = `Go to ${clock(verdict.at)}`;
    byId("verdict-go").addEventListener("click", () => {
      const half = Math.min(data.ends, 120000) / 2;
      setView(verdict.at - half, verdict.at + half);
      setAt(verdict.at);
    });
  }
  if (data.left_out.length > 0) {
    byId("left-out").hidden = false;
    byId("left-out-sum").textContent = `To keep this page small enough, the oldest is left out: ${data.left_out.map((left) => `${left.count.toLocaleString("en")} ${left.what}`).join(", ")}`;
    byId("left-out-list").replaceChildren(...data.left_out.map((left) =>
      make("li", {}, `${left.count.toLocaleString("en")} ${left.what}${left.before <= data.ends ? `, from before ${clock(left.before + 1)}` : ""}`)));
  }
}

const THEMES = ["auto", "light", "dark"];
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto";
function setTheme(next) {
  theme = THEMES.includes(next) ? next : "auto";
  const shownAs = theme === "auto" ? (prefersDark.matches ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = shownAs;
  byId("theme").textContent = `Theme: ${theme}`;
  takeColors();
  showFilters();
  showLegend();
  if (ui.mark !== null) showMarks([ui.mark]);
  changed();
}
// Pages from files may have no storage.
function remembered() {
  try {
    return localStorage.getItem("evenkeel-theme") ?? "auto";
  } catch {
    return "auto";
  }
}
function remember() {
  try {
    localStorage.setItem("evenkeel-theme", theme);
  } catch {
    // It is asked for anew the next time.
  }
}

function click(x, y) {
  const hit = hitAt(x, y);
  if (hit.marks) return chooseMarks(hit.marks);
  if (x >= gutter) setAt(timeOf(x));
  ui.mark = null;
  if (hit.process !== undefined) showProcess(hit.process);
  else if (hit.lane !== undefined) {
    ui.lane = hit.lane;
    showLane(hit.lane, hit.change ?? null);
  }
  changed();
}

function tipSays(x, y) {
  const hit = hitAt(x, y);
  if (hit.marks) {
    const lines = hit.marks.slice(0, 8).map((which) => {
      const entry = mark(which);
      return `${clock(entry.at)} ${entry.says}${entry.rule ? ` (${entry.rule})` : ""}`;
    });
    if (hit.marks.length > lines.length) lines.push(`and ${hit.marks.length - lines.length} more`);
    const number = mark(hit.marks[0]).step;
    const taken = number === null ? undefined : step(number);
    if (taken) lines.push(`given: ${taken.input.slice(0, 200)}`);
    return lines.join("\n");
  }
  if (x < gutter) return null;
  if (hit.process !== undefined) {
    const process = processes[hit.process];
    return `process ${process.number}: began ${clock(process.began)}${process.died === null ? "" : `, died ${clock(process.died)}`}`;
  }
  if (hit.group !== undefined) {
    const point = pointAt(groups[hit.group], timeOf(x));
    return point ? `${groups[hit.group].name}: counts ${point[2]} of ${point[1]}, ${point[3]} serving${point[4] ? `\nnot at rest: ${point[4]}` : ""}` : null;
  }
  if (hit.lane !== undefined && hit.change !== null) {
    const lane = lanes[hit.lane];
    const [at, bits, number] = lane.changes[hit.change];
    const gone = (bits & 15) === GONE;
    const taken = step(number);
    const end = lane.end && (gone || lane.end.at <= timeOf(x)) ? `\nended: ${lane.end.cause}` : "";
    return `${lane.id} (${groups[lane.group].name}): ${stateSays(bits)} since ${clock(at)}${end}${taken ? `\ngiven: ${taken.input.slice(0, 200)}` : ""}`;
  }
  return null;
}

function showTip(event) {
  const tip = byId("tip");
  const text = tipSays(event.offsetX, event.offsetY);
  canvas.classList.toggle("points", text !== null);
  tip.hidden = text === null;
  if (text === null) return;
  tip.textContent = text;
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 18 + box.height < innerHeight;
  tip.style.left = `${Math.max(left, 8)}px`;
  tip.style.top = `${below ? event.clientY + 18 : event.clientY - box.height - 12}px`;
}

function followPointers() {
  const down = new Map();
  let moved = false;
  let apart = 0;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    down.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    if (down.size === 1) moved = false;
    apart = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return showTip(event);
    down.set(event.pointerId, event);
    if (down.size === 2) {
      const [a, b] = [...down.values()];
      const now = Math.abs(a.offsetX - b.offsetX);
      if (apart > 10 && now > 10) zoom(apart / now, timeOf((a.offsetX + b.offsetX) / 2));
      apart = now;
      moved = true;
      return;
    }
    const dx = event.offsetX - before.offsetX;
    const dy = event.offsetY - before.offsetY;
    if (!moved && Math.hypot(dx, dy) < 4) {
      down.set(event.pointerId, before);
      return;
    }
    moved = true;
    canvas.classList.add("grabs");
    byId("tip").hidden = true;
    pan(-dx / plot());
    if (event.pointerType === "mouse") chart.scrollTop -= dy;
  });
  const up = (event) => {
    if (!down.delete(event.pointerId)) return;
    canvas.classList.remove("grabs");
    if (event.type === "pointerup" && !moved) click(event.offsetX, event.offsetY);
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => {
    byId("tip").hidden = true;
  });
  chart.addEventListener("wheel", (event) => {
    byId("tip").hidden = true;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(event.deltaY / 300), timeOf(event.clientX - chart.getBoundingClientRect().left));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      pan((event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX) / plot());
    }
  }, { passive: false });
  chart.addEventListener("scroll", changed);
}

function followKeys() {
  const small = () => (ui.to - ui.from) / 100;
  const times = {
    ArrowLeft: (event) => (event.shiftKey ? setAt(ui.at - Math.max(small(), 1)) : move(-1)),
    ArrowRight: (event) => (event.shiftKey ? setAt(ui.at + Math.max(small(), 1)) : move(1)),
    Home: () => setAt(0),
    End: () => setAt(data.ends),
  };
  const more = {
    ArrowUp: () => nextLane(-1),
    ArrowDown: () => nextLane(1),
    PageUp: () => chart.scrollBy(0, -size.height / 2),
    PageDown: () => chart.scrollBy(0, size.height / 2),
    "+": () => zoom(0.5),
    "=": () => zoom(0.5),
    "-": () => zoom(2),
    0: () => setView(0, data.ends),
    n: () => nextMark(1),
    p: () => nextMark(-1),
    Enter: () => (ui.mark === null ? nextMark(-1) : showMarks([ui.mark])),
  };
  const slide = { ArrowUp: times.ArrowRight, ArrowDown: times.ArrowLeft, PageUp: () => move(10), PageDown: () => move(-10) };
  const listen = (element, keys) => element.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act(event);
  });
  listen(chart, { ...times, ...more });
  listen(byId("at"), { ...times, ...slide });
}

function begin() {
  const slider = byId("at");
  slider.max = data.ends;
  slider.addEventListener("input", () => setAt(Number(slider.value)));
  const press = (id, act) => byId(id).addEventListener("click", act);
  press("before", () => move(-1));
  press("after", () => move(1));
  press("zoom-in", () => zoom(0.5));
  press("zoom-out", () => zoom(2));
  press("earlier", () => pan(-0.5));
  press("later", () => pan(0.5));
  press("whole", () => setView(0, data.ends));
  press("more", () => {
    shown += 500;
    changed();
  });
  press("theme", () => {
    setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    remember();
  });
  prefersDark.addEventListener("change", () => setTheme(theme));
  const option = (id, name) => {
    byId(id).checked = ui[name];
    byId(id).addEventListener("change", () => {
      ui[name] = byId(id).checked;
      filtered();
    });
  };
  option("alive", "alive");
  option("short", "short");
  byId("search").addEventListener("input", () => {
    ui.search = byId("search").value.trim();
    filtered();
  });
  new ResizeObserver(() => {
    fit();
    changed();
  }).observe(chart);
  showHead();
  showNothing();
  fit();
  layOut();
  setTheme(remembered());
  followPointers();
  followKeys();
  setAt(data.verdict.at ?? data.calm ?? data.ends);
  // The hash #at=12345 names a moment.
  const named = /^#at=(\d+)$/.exec(location.hash);
  if (named) setAt(Number(named[1]));
}

begin();
