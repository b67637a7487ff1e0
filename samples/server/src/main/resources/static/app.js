// The whole page: no framework, no build. Everything that is computed comes as server-sent events.
const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
let picture = null; // an ImageBitmap
let dataUrl = "";
let box = null; // marked region: left, top, right, bottom in the picture's pixels
let running = null; // what a new request for the same thing replaces

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => reject(signal.reason));
  });
}

/**
 * Fetches with the key, if the server wants one, and asks for one if that is missing or wrong.
 * Comes again when the server says that it is busy.
 */
async function request(path, options = {}, tries = 5) {
  const key = sessionStorage.getItem("key");
  const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 429 && tries > 0) {
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    $("busy").textContent = `The server is busy; trying again in ${seconds} s`;
    try {
      await pause(1000 * seconds, options.signal);
    } finally {
      $("busy").textContent = "";
    }
    return request(path, options, tries - 1);
  }
  if (response.status === 401) {
    $("keyForm").hidden = false;
    $("key").focus();
    throw new Error(key ? "this key is not valid" : "enter the server's key first");
  }
  const told = await response.json().catch(() => null);
  throw new Error(told?.error?.message ?? `the server answered ${response.status}`);
}

/** Posts JSON and calls `on` for each event. */
async function events(path, body, on, signal) {
  const response = await request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    let end;
    while ((end = rest.indexOf("\n\n")) >= 0) {
      const data = rest.slice(0, end).split("\n").filter((line) => line.startsWith("data:"));
      rest = rest.slice(end + 2);
      const event = JSON.parse(data.map((line) => line.slice(5)).join("\n"));
      if (event.error) throw new Error(event.error.message);
      on(event);
    }
  }
}

async function guarded(work) {
  $("error").hidden = true;
  try {
    await work();
  } catch (failure) {
    if (failure.name === "AbortError") return;
    $("error").textContent = failure.message;
    $("error").hidden = false;
  }
}

// ------------------------------------------------------------------ the picture

/** Large pictures are made smaller here: the model sees few pixels, and uploads are slow. */
async function show(file) {
  const decoded = await createImageBitmap(file).catch(() => {
    throw new Error("this is not a picture that the browser can read");
  });
  const scale = Math.min(1, 1024 / Math.max(decoded.width, decoded.height));
  canvas.width = Math.max(1, Math.round(decoded.width * scale));
  canvas.height = Math.max(1, Math.round(decoded.height * scale));
  picture = decoded;
  box = null;
  paint();
  dataUrl = canvas.toDataURL("image/png");
  $("original").src = dataUrl;
  $("drawn").hidden = true;
  $("fidelity").value = 0;
  $("fidelityText").textContent = "";
  $("answers").replaceChildren();
  for (const id of ["stage", "seen", "ask", "redraw"]) $(id).hidden = false;
  await describe();
}

function paint() {
  const to = canvas.getContext("2d");
  to.drawImage(picture, 0, 0, canvas.width, canvas.height);
  $("whole").hidden = !box;
  $("region").textContent = "";
  if (!box) return;
  const [left, top, right, bottom] = box;
  const share = (part, of) => `${Math.round((100 * part) / of)} %`;
  $("region").textContent =
    `Marked: from ${share(left, canvas.width)} to ${share(right, canvas.width)} of the width, ` +
    `${share(top, canvas.height)} to ${share(bottom, canvas.height)} of the height`;
  to.fillStyle = "rgba(0, 0, 0, .45)";
  to.fillRect(0, 0, canvas.width, top);
  to.fillRect(0, bottom, canvas.width, canvas.height - bottom);
  to.fillRect(0, top, left, bottom - top);
  to.fillRect(right, top, canvas.width - right, bottom - top);
  to.strokeStyle = "#ffd34d";
  to.lineWidth = Math.max(2, canvas.width / 200);
  to.strokeRect(left, top, right - left, bottom - top);
}

function shown() {
  if (!box) return { image: dataUrl };
  const [left, top, right, bottom] = box;
  return { image: dataUrl, region: [left, top, right, top, right, bottom, left, bottom] };
}

/** Shows a text as it grows; a screen reader reads it once it is whole. */
async function write(element, path, body, whole, signal) {
  element.textContent = "";
  element.ariaBusy = "true";
  try {
    await events(path, body, (event) => {
      if (event.text) element.textContent += event.text;
      if (event.done) element.textContent = whole(event.done);
    }, signal);
  } finally {
    if (!signal?.aborted) element.ariaBusy = "false";
  }
}

async function describe() {
  running?.abort();
  running = new AbortController();
  await write($("caption"), "/api/describe", shown(), (done) => done.text, running.signal);
}

$("file").addEventListener("change", () => guarded(() => show($("file").files[0])));
addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (file) guarded(() => show(file));
});
for (const name of ["dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files[0]) {
      guarded(() => show(event.dataTransfer.files[0]));
    }
  });
}

// ------------------------------------------------------------------ the region

let from = null;
function at(event) {
  const frame = canvas.getBoundingClientRect();
  const x = ((event.clientX - frame.left) / frame.width) * canvas.width;
  const y = ((event.clientY - frame.top) / frame.height) * canvas.height;
  return [Math.min(Math.max(x, 0), canvas.width), Math.min(Math.max(y, 0), canvas.height)];
}
function mark(a, b) {
  const next = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  box = next[2] - next[0] > 4 && next[3] - next[1] > 4 ? next.map(Math.round) : null;
  paint();
}
canvas.addEventListener("pointerdown", (event) => {
  from = at(event);
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => from && mark(from, at(event)));
canvas.addEventListener("pointercancel", () => (from = null));
canvas.addEventListener("pointerup", (event) => {
  if (!from) return;
  mark(from, at(event));
  from = null;
  guarded(describe);
});
canvas.addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = moves[event.key];
  if (event.key === "Escape" && box) {
    box = null;
  } else if (event.key === "Enter") {
    guarded(describe);
  } else if (move) {
    const [w, h] = [canvas.width, canvas.height];
    const step = Math.max(1, Math.round(w / 40));
    const [left, top, right, bottom] = box ?? [w / 4, h / 4, (3 * w) / 4, (3 * h) / 4];
    const [dx, dy] = [move[0] * step, move[1] * step];
    const next = event.shiftKey
      ? [left, top, right + dx, bottom + dy]
      : [left + dx, top + dy, right + dx, bottom + dy];
    const inside = next[0] >= 0 && next[1] >= 0 && next[2] <= w && next[3] <= h;
    if (inside && next[2] - next[0] > step && next[3] - next[1] > step) box = next.map(Math.round);
  } else {
    return;
  }
  event.preventDefault();
  paint();
});
$("whole").addEventListener("click", () => {
  box = null;
  paint();
  guarded(describe);
});

// ------------------------------------------------------------------ questions

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = $("question").value;
  const item = document.createElement("li");
  const asked = document.createElement("span");
  asked.className = "asked";
  asked.textContent = question + (box ? " (marked region)" : "");
  const answer = document.createElement("strong");
  item.append(asked, answer);
  $("answers").prepend(item);
  guarded(() => write(answer, "/api/ask", { ...shown(), question },
    (done) => `${done.text} (${Math.round(100 * done.probability)} %)`));
});

// ------------------------------------------------------------------ drawing

async function draw(path, body, bar, button, onImage) {
  button.disabled = true;
  bar.hidden = false;
  bar.value = 0;
  try {
    await events(path, body, (event) => {
      if (event.of) bar.value = event.step / event.of;
      if (event.image) onImage(event);
    });
  } finally {
    button.disabled = false;
    bar.hidden = true;
  }
}

$("redrawButton").addEventListener("click", () => guarded(() =>
  draw("/api/redraw", { image: dataUrl }, $("redrawProgress"), $("redrawButton"), (event) => {
    $("drawn").src = event.image;
    $("drawn").hidden = false;
    $("fidelity").value = Math.max(0, event.fidelity);
    $("fidelityText").textContent = `${Math.round(100 * event.fidelity)} %`;
  })));

$("imagine").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value;
  guarded(() => draw("/api/imagine", { text }, $("imagineProgress"), event.submitter, (told) => {
    $("imagination").src = told.image;
    $("imagination").alt = `Drawn from: ${text}`;
    $("imagination").hidden = false;
  }));
});

// ------------------------------------------------------------------ the server

async function greet() {
  const info = await (await request("/api/info")).json();
  $("model").textContent = `${info.model} on ${info.runtime}`;
}

$("keyForm").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", $("key").value);
  guarded(async () => {
    await greet();
    $("keyForm").hidden = true;
    if (picture) await describe();
  });
});
guarded(greet);
