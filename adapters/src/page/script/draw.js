// How states and marks look: each has a shape or a pattern of its own, so that none is told by colour alone.

let colors = {};
let patterns = {};

// Colours are the stylesheet's.
function takeColors() {
  const style = getComputedStyle(document.documentElement);
  const all = [
    "ground", "panel", "ink", "soft", "line", "faint", "accent", "chosen", "bad", "calm", "fault", "action", "told",
    "engine", "answer", ...names.states.filter((name) => name !== "gone"),
  ];
  colors = Object.fromEntries(all.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  patterns = {
    pending: hatch(colors.pending, (x, size) => [x, size, x + size, 0]),
    terminating: hatch(colors.terminating, (x, size) => [x, 0, x + size, size]),
    succeeded: hatch(colors.succeeded, (_, size) => [0, size / 2, size, size / 2]),
    unknown: dots(colors.unknown),
  };
}

function tile(size, paint) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  paint(context);
  return context.createPattern(canvas, "repeat");
}

function hatch(color, line) {
  const size = 6;
  return tile(size, (context) => {
    context.globalAlpha = 0.25;
    context.fillStyle = color;
    context.fillRect(0, 0, size, size);
    context.globalAlpha = 1;
    context.strokeStyle = color;
    context.lineWidth = 1.8;
    for (const x of [-size, 0, size]) {
      const [x0, y0, x1, y1] = line(x, size);
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.stroke();
    }
  });
}

function dots(color) {
  return tile(5, (context) => {
    context.fillStyle = color;
    context.fillRect(0, 0, 2, 2);
  });
}

// A bar of that state. Requested: dashed outline; created: outline; pending: hatched; running: half as high, and full once
// it is registered; unknown: dotted; terminating: hatched the other way; failed: solid with a zigzag; succeeded: lined.
function drawBar(context, x0, x1, y, height, bits) {
  const state = stateOf(bits);
  const width = Math.max(x1 - x0, 1);
  const color = colors[state.name];
  if (!color) return;
  context.save();
  if (state.class <= 1) {
    if (width < 4) {
      context.fillStyle = color;
      context.globalAlpha = 0.5;
      context.fillRect(x0, y, width, height);
    } else {
      context.strokeStyle = color;
      context.lineWidth = 1;
      if (state.class === 0) context.setLineDash([3, 2]);
      context.strokeRect(x0 + 0.5, y + 0.5, width - 1, height - 1);
    }
  } else if (state.name === "running") {
    const full = state.serves ? height : Math.ceil(height / 2);
    context.fillStyle = color;
    context.fillRect(x0, y + height - full, width, full);
    if (!state.serves) context.fillRect(x0, y, width, 1);
  } else if (state.name === "failed") {
    context.fillStyle = color;
    context.fillRect(x0, y, width, height);
    context.strokeStyle = colors.panel;
    context.beginPath();
    for (let x = x0, up = true; x < x0 + width && x < x0 + 4000; x += 4, up = !up) {
      context.lineTo(x, up ? y + 2 : y + height - 2);
    }
    context.stroke();
  } else {
    context.fillStyle = patterns[state.name] ?? color;
    context.fillRect(x0, y, width, height);
    context.fillStyle = color;
    context.fillRect(x0, y, width, 1);
    context.fillRect(x0, y + height - 1, width, 1);
  }
  // One that is to go has a line through it.
  if (state.rule && width > 2) {
    context.fillStyle = colors.panel;
    context.fillRect(x0, y + height / 2 - 1.5, width, 3);
    context.fillStyle = colors.ink;
    context.fillRect(x0, y + height / 2 - 0.5, width, 1);
  }
  context.restore();
}

const path = (context, points, closed) => {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  if (closed) context.closePath();
};

// The shape of each kind, within `r` around x and y.
const SHAPES = {
  fault(context, x, y, r) {
    path(context, [[x - r * 0.1, y - r], [x - r * 0.8, y + r * 0.25], [x - r * 0.1, y + r * 0.25], [x - r * 0.3, y + r], [x + r * 0.8, y - r * 0.3], [x + r * 0.1, y - r * 0.3], [x + r * 0.5, y - r]], true);
    context.fill();
  },
  create(context, x, y, r) {
    context.fillRect(x - r, y - 1, 2 * r, 2);
    context.fillRect(x - 1, y - r, 2, 2 * r);
  },
  delete(context, x, y, r) {
    context.fillRect(x - r, y - 1.5, 2 * r, 3);
  },
  finish(context, x, y, r) {
    path(context, [[x - r, y], [x - r * 0.2, y + r * 0.8], [x + r, y - r * 0.8]], false);
    context.stroke();
  },
  resize(context, x, y, r) {
    path(context, [[x, y - r], [x + r * 0.7, y - r * 0.2], [x - r * 0.7, y - r * 0.2]], true);
    context.fill();
    path(context, [[x, y + r], [x + r * 0.7, y + r * 0.2], [x - r * 0.7, y + r * 0.2]], true);
    context.fill();
  },
  claim(context, x, y, r) {
    context.beginPath();
    context.ellipse(x, y - r * 0.6, r * 0.9, r * 0.35, 0, 0, 7);
    context.moveTo(x + r * 0.9, y - r * 0.6);
    context.lineTo(x + r * 0.9, y + r * 0.6);
    context.ellipse(x, y + r * 0.6, r * 0.9, r * 0.35, 0, 0, Math.PI);
    context.lineTo(x - r * 0.9, y - r * 0.6);
    context.stroke();
  },
  notice(context, x, y, r) {
    context.beginPath();
    context.arc(x, y, r * 0.8, 0, 7);
    context.stroke();
  },
  end(context, x, y, r) {
    context.fillRect(x - r * 0.75, y - r * 0.75, r * 1.5, r * 1.5);
  },
  wish(context, x, y, r) {
    context.fillRect(x - r * 0.8, y - r, 1.5, 2 * r);
    path(context, [[x - r * 0.8, y - r], [x + r, y - r * 0.4], [x - r * 0.8, y + r * 0.2]], true);
    context.fill();
  },
  report(context, x, y, r) {
    path(context, [[x - r * 0.8, y - r], [x + r, y], [x - r * 0.8, y + r]], true);
    context.stroke();
  },
  answer(context, x, y, r) {
    context.font = `bold ${Math.round(r * 2.4)}px sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("?", x, y + 0.5);
  },
  lease(context, x, y, r) {
    context.beginPath();
    context.arc(x, y, r * 0.9, 0, 7);
    context.stroke();
    context.beginPath();
    context.arc(x, y, r * 0.35, 0, 7);
    context.fill();
  },
  trouble(context, x, y, r) {
    path(context, [[x, y - r], [x + r, y + r * 0.8], [x - r, y + r * 0.8]], true);
    context.fill();
    context.fillStyle = colors.panel;
    context.fillRect(x - 0.75, y - r * 0.35, 1.5, r * 0.6);
    context.fillRect(x - 0.75, y + r * 0.4, 1.5, 1.5);
  },
};

// A failure's end has a cross in it.
function drawMark(context, kind, x, y, r, fails) {
  const color = colors[SETS[setOf[kind]].color.slice(2)];
  context.save();
  // A rim keeps it apart from the bar below.
  context.strokeStyle = colors.panel;
  context.fillStyle = colors.panel;
  context.beginPath();
  context.arc(x, y, r + 1.5, 0, 7);
  context.globalAlpha = 0.75;
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = fails ? colors.bad : color;
  context.strokeStyle = context.fillStyle;
  context.lineWidth = 1.6;
  SHAPES[names.kinds[kind]](context, x, y, r);
  if (fails) {
    context.strokeStyle = colors.panel;
    path(context, [[x - r * 0.5, y - r * 0.5], [x + r * 0.5, y + r * 0.5]], false);
    context.stroke();
    path(context, [[x - r * 0.5, y + r * 0.5], [x + r * 0.5, y - r * 0.5]], false);
    context.stroke();
  }
  context.restore();
}

// A canvas as large as a word, for legends and lists.
function swatch(width, height, paint) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(window.devicePixelRatio || 1, 1);
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.setAttribute("aria-hidden", "true");
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  paint(context);
  return canvas;
}
const markSwatch = (kind, fails) => swatch(14, 14, (context) => drawMark(context, kind, 7, 7, 5, fails));
const barSwatch = (bits) => swatch(22, 12, (context) => drawBar(context, 1, 21, 1, 10, bits));

// Whether a mark tells of a failure.
const isFailure = (entry) => entry.kind === KIND.end && entry.lane !== null && lanes[entry.lane].end?.failure === true;
