// The Command Station: windows that are moved, resized, locked, added, closed and enlarged, by mouse and by keyboard.
// What is laid out is kept in this browser, and belongs to nobody else: whatever is read from there is looked at first.
(() => {
  "use strict";
  const COLUMNS = 12, ROW = 35, KEPT = "synergos.station", SMALL = 768;
  // For so many windows at first: x, y, width and height of each.
  const FIRST = [
    [],
    [[0, 0, 12, 18]],
    [[0, 0, 6, 18], [6, 0, 6, 18]],
    [[0, 0, 12, 9], [0, 9, 6, 9], [6, 9, 6, 9]],
    [[0, 0, 6, 9], [6, 0, 6, 9], [0, 9, 6, 9], [6, 9, 6, 9]],
    [[0, 0, 6, 9], [6, 0, 6, 9], [0, 9, 4, 9], [4, 9, 4, 9], [8, 9, 4, 9]],
  ];
  const station = document.getElementById("station");
  const choice = document.getElementById("station-window");
  const path = document.getElementById("station-path");
  const announcer = document.getElementById("announcer");
  const view = new URL(station.dataset.view, location.href).origin;
  const offered = new Map([...choice.options].filter((one) => one.dataset.address).map((one) => [one.value, one.dataset]));

  const grid = GridStack.init({
    column: COLUMNS,
    cellHeight: ROW,
    margin: 4,
    float: true,
    animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    handle: ".station-bar",
    draggable: { handle: ".station-bar", cancel: ".station-verbs" },
    resizable: { handles: "all" },
    columnOpts: { breakpointForWindow: true, breakpoints: [{ w: SMALL, c: 1 }], layout: "list" },
  }, "#station-grid");

  const text = (name, title, node = {}) => station.dataset[name]
    .replace("{title}", title).replace("{x}", node.x + 1).replace("{y}", node.y + 1).replace("{w}", node.w).replace("{h}", node.h);
  const say = (words) => { announcer.textContent = words; };
  const windows = () => [...grid.getGridItems()];
  const find = (key) => windows().find((item) => item.dataset.key === key);
  const titleOf = (item) => item.querySelector(".station-title").textContent;
  const place = (item) => say(text("placed", titleOf(item), item.gridstackNode));

  // A page of view is known by its path alone, wherever view is.
  const pageOf = (wanted) => {
    let address;
    try { address = new URL(wanted, view); } catch { return null; }
    const isPage = wanted.startsWith("/") && address.origin === view;
    return isPage ? { address: address.href, title: address.pathname + address.search } : null;
  };
  const described = (key) => offered.get(key) ?? (key.startsWith("page:") ? pageOf(key.slice(5)) : null);

  const keep = () => {
    // One column is how a small screen shows it, not how it was laid out.
    if (grid.getColumn() !== COLUMNS) return;
    const kept = windows().map((item) => {
      const { x, y, w, h, locked } = item.gridstackNode;
      return { key: item.dataset.key, x, y, w, h, locked: Boolean(locked) };
    });
    try { localStorage.setItem(KEPT, JSON.stringify(kept)); } catch { /* a browser that keeps nothing */ }
  };
  const kept = () => {
    let found;
    try { found = JSON.parse(localStorage.getItem(KEPT)); } catch { return null; }
    if (!Array.isArray(found)) return null;
    const isCell = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;
    return found.filter((one) => one && typeof one.key === "string" && described(one.key)
      && isCell(one.x, 0, COLUMNS - 1) && isCell(one.y, 0, 500) && isCell(one.w, 1, COLUMNS) && isCell(one.h, 1, 200))
      .filter((one, index, all) => all.findIndex((other) => other.key === one.key) === index);
  };
  const first = () => {
    const keys = [...offered.keys()].filter((key) => !key.includes(":"));
    if (keys.length < 2 && offered.has("view:jobs.listed")) keys.push("view:jobs.listed");
    const shown = keys.slice(0, FIRST.length - 1);
    return shown.map((key, index) => {
      const [x, y, w, h] = FIRST[shown.length][index];
      return { key, x, y, w, h, locked: false };
    });
  };

  const lock = (item, locked) => {
    grid.update(item, { locked, noMove: locked, noResize: locked });
    item.classList.toggle("is-locked", locked);
    item.querySelector(".station-lock").setAttribute("aria-pressed", String(locked));
  };
  const enlarge = (item, isLarge) => {
    item.classList.toggle("is-enlarged", isLarge);
    const button = item.querySelector(".station-enlarge");
    button.setAttribute("aria-pressed", String(isLarge));
    // Nothing that it covers is reached by keyboard.
    for (const other of windows()) if (other !== item) other.inert = isLarge;
    for (const part of document.querySelectorAll("body > header, body > footer, #station-tools, main > :not(.station)")) part.inert = isLarge;
    if (isLarge) say(text("enlarged", titleOf(item)));
    button.focus();
  };
  const close = (item) => {
    if (item.classList.contains("is-enlarged")) enlarge(item, false);
    const title = titleOf(item);
    grid.removeWidget(item);
    keep();
    say(text("closed", title));
    choice.focus();
  };

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const byKey = (item, event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const { x, y, w, h, locked } = item.gridstackNode;
    if (locked) {
      say(text("isLocked", titleOf(item)));
    } else if (event.shiftKey) {
      grid.update(item, { w: Math.max(1, w + step[0]), h: Math.max(2, h + step[1]) });
      place(item);
    } else {
      grid.update(item, { x: Math.min(Math.max(0, x + step[0]), COLUMNS - w), y: Math.max(0, y + step[1]) });
      place(item);
    }
  };

  const open = ({ key, x, y, w, h, locked }) => {
    const { address, title } = described(key);
    const item = document.getElementById("station-template").content.firstElementChild.cloneNode(true);
    item.dataset.key = key;
    item.querySelector(".station-title").textContent = title;
    item.querySelector(".station-window").setAttribute("aria-label", title);
    for (const labelled of item.querySelectorAll("[data-label]")) {
      const words = labelled.dataset.label.replace("{title}", title);
      labelled.setAttribute("aria-label", words);
      labelled.title = words;
    }
    const frame = item.querySelector("iframe");
    frame.title = title;
    frame.src = address;
    item.querySelector(".station-tab").href = address;
    item.querySelector(".station-handle").addEventListener("keydown", (event) => byKey(item, event));
    item.querySelector(".station-lock").addEventListener("click", () => {
      lock(item, !item.gridstackNode.locked);
      keep();
    });
    item.querySelector(".station-enlarge").addEventListener("click", () => enlarge(item, !item.classList.contains("is-enlarged")));
    item.querySelector(".station-close").addEventListener("click", () => close(item));
    grid.el.append(item);
    grid.makeWidget(item, { x, y, w, h, autoPosition: x === undefined });
    if (locked) lock(item, true);
    return item;
  };
  const layOut = (wanted) => {
    grid.batchUpdate();
    for (const one of wanted) open(one);
    grid.batchUpdate(false);
    mirror();
  };

  document.addEventListener("keydown", (event) => {
    const large = event.key === "Escape" && windows().find((item) => item.classList.contains("is-enlarged"));
    if (large) enlarge(large, false);
  });
  choice.addEventListener("change", () => { document.getElementById("station-other").hidden = choice.value !== "other"; });
  path.addEventListener("input", () => path.setCustomValidity(""));
  document.getElementById("station-add").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = choice.value === "other" ? `page:${path.value.trim()}` : choice.value;
    if (!described(key)) {
      path.setCustomValidity(station.dataset.noPage);
      path.reportValidity();
      return;
    }
    const item = find(key) ?? open({ key, w: 6, h: 9 });
    keep();
    mirror();
    item.querySelector(".station-handle").focus();
    item.scrollIntoView({ block: "nearest" });
    place(item);
  });
  document.getElementById("station-reset").addEventListener("click", () => {
    try { localStorage.removeItem(KEPT); } catch { /* nothing was kept */ }
    grid.removeAll();
    layOut(first());
    say(station.dataset.reset);
  });

  grid.on("dragstart resizestart", () => station.classList.add("is-moving"));
  grid.on("dragstop resizestop", (_event, item) => { station.classList.remove("is-moving"); place(item); });
  grid.on("change", keep);

  // What the live part says of a program stands in its window, and a program that comes back is shown again.
  const states = document.querySelector(".live-part");
  const away = new Set();
  function mirror() {
    for (const state of states.querySelectorAll("[data-tool]")) {
      const item = find(state.dataset.tool);
      if (!item) continue;
      const isThere = state.dataset.there === "yes";
      const words = item.querySelector(".station-trouble");
      words.hidden = isThere;
      words.textContent = isThere ? "" : state.textContent.replace("▲", "").trim();
      words.title = words.textContent;
      const frame = item.querySelector("iframe");
      if (isThere && away.delete(state.dataset.tool)) reload(frame);
      if (!isThere) away.add(state.dataset.tool);
    }
  }
  function reload(frame) {
    try { frame.contentWindow.location.reload(); } catch { frame.src = frame.src; }
  }
  new MutationObserver(mirror).observe(states, { childList: true, subtree: true, attributes: true, characterData: true });

  // RabbitMQ's pages ask whoever has typed nothing for a name and a password, though the portal's are what it is asked with:
  // these words stand in for those, and nobody is let in by them. Pages up to 3.11 look for the first, later ones for the others.
  const queue = station.dataset.queue;
  if (queue) {
    const words = btoa("portal:portal");
    document.cookie = `m=2258:${encodeURIComponent(encodeURIComponent(words))}|59b9:true; path=${queue}; max-age=43200; SameSite=Strict`;
    try {
      localStorage.setItem("rabbitmq.credentials", words);
      localStorage.setItem("rabbitmq.auth-scheme", "Basic");
    } catch { /* then it asks */ }
  }

  document.getElementById("station-tools").hidden = false;
  layOut(kept() ?? first());
})();
