// What is shown, in the address after the #: a link to it shows the same.

export function readHash(results) {
  const told = new URLSearchParams(location.hash.slice(1));
  const days = results.days.map(({ day }) => day);
  const names = new Set(results.layers.map(({ name }) => name));
  const state = {
    day: days.includes(told.get("day")) ? told.get("day") : days[days.length - 1],
    at: numbers(told.get("at"), 3),
    only: told.get("only"),
    point: null,
    on: new Set(results.layers.filter((layer) => layer.on).map(({ name }) => name)),
    opacity: Object.fromEntries(results.layers.map(({ name, opacity }) => [name, opacity])),
    defaults: results.layers,
  };
  if (told.has("on")) state.on = new Set(told.get("on").split(",").filter((name) => names.has(name)));
  for (const part of (told.get("opacity") || "").split(",")) {
    const [name, percent] = part.split(":");
    if (names.has(name) && percent >= 0 && percent <= 100) state.opacity[name] = percent / 100;
  }
  const point = numbers(told.get("point"), 2);
  if (point) state.point = { lat: point[0], lon: point[1] };
  return state;
}

export function writeHash(state) {
  const parts = [`day=${state.day}`];
  if (state.at) parts.push(`at=${state.at.join(",")}`);
  parts.push(`on=${[...state.on].join(",")}`);
  const faded = state.defaults
    .filter(({ name, opacity }) => state.opacity[name] !== opacity)
    .map(({ name }) => `${name}:${Math.round(state.opacity[name] * 100)}`);
  if (faded.length) parts.push(`opacity=${faded.join(",")}`);
  if (state.only) parts.push(`only=${encodeURIComponent(state.only)}`);
  if (state.point) parts.push(`point=${state.point.lat},${state.point.lon}`);
  state.hash = `#${parts.join("&")}`;
  if (location.hash !== state.hash) history.replaceState(null, "", state.hash);
}

function numbers(text, count) {
  const found = (text || "").split(",").map(Number);
  return text && found.length === count && found.every(Number.isFinite) ? found : null;
}
