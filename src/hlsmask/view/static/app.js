// The page: what is shown follows from one state, which the address keeps.

import { createMap } from "./map.js";
import { createPanel } from "./panel.js";
import { fillPopup } from "./popup.js";
import { readHash, writeHash } from "./state.js";

const $ = (id) => document.getElementById(id);

const ask = async (address) => {
  const answer = await fetch(address);
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error || `the server answered ${answer.status}`);
  return value;
};

const notes = $("notes");
const note = (sentences) => {
  notes.replaceChildren(
    ...[...new Set(sentences)].map((sentence) => {
      const line = document.createElement("p");
      line.textContent = sentence;
      return line;
    }),
  );
};

async function start() {
  let results;
  try {
    results = await ask("api/results");
  } catch (error) {
    note([error.message]);
    return;
  }
  document.title = `${results.name} · hlsmask`;
  $("folder").textContent = results.name;
  $("folder").title = results.name;
  const standing = [
    ...results.broken.map((why) => `Passed over: ${why}`),
    ...results.placeless.map((id) => `Not on the map: ${id} has no place on Earth.`),
  ];
  if (!results.days.length) {
    document.body.classList.add("empty");
    note(["There are no results in this folder; hlsmask predict writes them.", ...standing]);
    return;
  }

  const days = results.days.map(({ day }) => day);
  const state = readHash(results);
  let shown = null; // what the server told of the day
  let turn = 0; // only the answer to the last question counts

  const map = createMap($("map"), results.layers, {
    moved: (at) => keep({ at }),
    clicked: (point) => { state.point = point; keep({}); look(); },
    closed: () => { state.point = null; keep({}); },
    failed: () => refresh(),
  });
  const panel = createPanel(results, {
    day: (index) => go(index),
    toggle: (name, on) => { on ? state.on.add(name) : state.on.delete(name); draw(); },
    fade: (name, opacity) => { state.opacity[name] = opacity; draw(); },
    only: (id) => { state.only = state.only === id ? null : id; draw(); if (state.only) map.show(scene(id).bbox); },
    hover: (id) => map.mark(id),
  });

  const scene = (id) => shown.scenes.find((each) => each.id === id);
  const keep = (change) => { Object.assign(state, change); writeHash(state); };

  function draw() {
    if (state.only && !scene(state.only)) state.only = null;
    writeHash(state);
    panel.draw(state, shown);
    map.draw(state, shown);
    const gone = shown.scenes.filter((each) => each.true_colour_missing);
    const missing = gone.length
      ? [`No true colour for ${gone.length === shown.scenes.length ? "this date" : `${gone.length} of ${shown.scenes.length} scenes`}: ${gone[0].true_colour_missing}`]
      : [];
    note([...shown.scenes.flatMap((each) => each.problems), ...missing, ...standing]);
  }

  async function go(index) {
    const wanted = Math.max(0, Math.min(days.length - 1, index));
    const mine = ++turn;
    state.day = days[wanted];
    panel.date(wanted);
    try {
      const told = await ask(`api/days/${state.day}`);
      if (mine !== turn) return;
      shown = told;
    } catch (error) {
      if (mine === turn) note([error.message]);
      return;
    }
    draw();
    if (!state.at) map.show(shown.bbox);
    if (state.point) look();
  }

  // A tile could not be drawn: the day tells by now which scene it was, and the others are drawn without it.
  async function refresh() {
    const mine = turn;
    const told = await ask(`api/days/${state.day}`).catch(() => null);
    if (!told || mine !== turn) return;
    const known = shown.scenes.flatMap((each) => each.problems).length;
    shown = told;
    draw();
    if (told.scenes.flatMap((each) => each.problems).length > known) map.again();
  }

  async function look() {
    const { lat, lon } = state.point;
    const only = state.only ? `&only=${encodeURIComponent(state.only)}` : "";
    const mine = turn;
    try {
      const told = await ask(`api/days/${state.day}/point?lat=${lat}&lon=${lon}${only}`);
      if (mine === turn && state.point) map.popup(state.point, fillPopup(told, results.layers, state.day));
    } catch (error) {
      note([error.message]);
    }
  }

  // Arrows are for dates; with Shift they move the map.
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.altKey || event.ctrlKey || event.metaKey) return;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Escape") map.close();
    else if (event.key === "+" || event.key === "-") map.zoom(event.key === "+" ? 1 : -1);
    else if (way && event.shiftKey) map.pan(way);
    else if (way && way[0]) go(days.indexOf(state.day) + way[0]);
    else return;
    event.preventDefault();
  });
  window.addEventListener("hashchange", () => {
    if (location.hash === state.hash) return;
    Object.assign(state, readHash(results));
    if (state.at) map.look(state.at);
    go(days.indexOf(state.day));
  });

  if (state.at) map.look(state.at);
  else map.show(results.bbox);
  await go(days.indexOf(state.day));
}

start();
