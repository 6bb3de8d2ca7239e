// The panel: dates, layers with their opacity, the scenes of the date.

const $ = (id) => document.getElementById(id);
const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
const percent = (share) => (share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`);

const LONG = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function createPanel(results, { day, toggle, fade, only, hover }) {
  const days = results.days;
  const slider = $("slider");
  slider.max = days.length - 1;
  slider.disabled = days.length < 2;
  slider.addEventListener("input", () => day(Number(slider.value)));
  $("earlier").addEventListener("click", () => day(Number(slider.value) - 1));
  $("later").addEventListener("click", () => day(Number(slider.value) + 1));
  $("all").addEventListener("click", () => only(null));
  $("first").textContent = SHORT.format(new Date(days[0].day));
  $("last").textContent = days.length > 1 ? SHORT.format(new Date(days[days.length - 1].day)) : "";

  const rows = new Map();
  for (const layer of [...results.layers].reverse()) { // the uppermost first
    const box = make("input", { type: "checkbox", id: `on-${layer.name}` });
    box.addEventListener("change", () => toggle(layer.name, box.checked));
    const opacity = make("input", { type: "range", min: 0, max: 100, step: 5, id: `opacity-${layer.name}` });
    opacity.setAttribute("aria-label", `Opacity of ${layer.title}${layer.kind === "probability" ? ", probability" : ""}`);
    opacity.addEventListener("input", () => fade(layer.name, Number(opacity.value) / 100));
    const swatch = make("span", { className: `swatch ${layer.kind}` });
    if (layer.colour) swatch.style.setProperty("--colour", layer.colour);
    const share = make("span", { className: "share" });
    const label = make("label", { title: layer.meaning }, box, swatch, make("span", { className: "name" }, layer.title), share);
    const row = make("li", {}, label, opacity);
    const list = layer.kind === "probability" ? "probabilities" : "layers";
    $(list).append(row);
    rows.set(layer.name, { row, box, opacity, share, layer });
  }

  function date(index) {
    const { day: name, count } = days[index];
    slider.value = index;
    slider.setAttribute("aria-valuetext", LONG.format(new Date(name)));
    $("day").textContent = LONG.format(new Date(name));
    $("nth").textContent = `${index + 1} of ${days.length} · ${count} ${count === 1 ? "scene" : "scenes"}`;
    $("earlier").disabled = index === 0;
    $("later").disabled = index === days.length - 1;
  }

  function draw(state, shown) {
    const there = shown.scenes.filter(({ id }) => !state.only || id === state.only);
    for (const [name, { row, box, opacity, share, layer }] of rows) {
      box.checked = state.on.has(name);
      opacity.value = Math.round(state.opacity[name] * 100);
      opacity.disabled = !box.checked;
      const none =
        (layer.kind === "true_colour" && !there.some((scene) => scene.true_colour)) ||
        (layer.kind === "probability" && !there.some((scene) => scene.probabilities));
      row.classList.toggle("none", none);
      share.textContent = none ? "not there" : layer.kind === "mask" ? covered(there, name) : "";
      share.title = layer.kind === "mask" ? "Of what was observed" : "";
    }
    $("more").classList.toggle("none", !there.some((scene) => scene.probabilities));
    if (results.layers.some(({ name, kind }) => kind === "probability" && state.on.has(name))) $("more").open = true;
    $("all").hidden = !state.only;
    $("scenes").replaceChildren(...shown.scenes.map((scene) => line(scene, state)));
  }

  function line(scene, state) {
    const { cloud, clear_water: water } = scene.shares;
    const facts = [
      cloud == null ? "" : `cloud ${percent(cloud)}`,
      water == null ? "" : `clear water ${percent(water)}`,
    ].filter(Boolean).join(" · ");
    const bar = make("span", { className: "bar" });
    for (const [name, share] of [["cloud", cloud], ["clear_water", water]]) {
      const part = make("span", { className: `part ${name}` });
      part.style.width = `${100 * (share || 0)}%`;
      bar.append(part);
    }
    const button = make("button", { type: "button", title: scene.id },
      make("span", { className: "title" }, scene.title),
      make("span", { className: "when" }, [scene.sensor, `${scene.time.slice(11, 16)} UTC`].filter(Boolean).join(" · ")),
      make("span", { className: "facts" }, scene.problems.length ? "cannot be read in full" : facts),
      bar,
    );
    button.dataset.id = scene.id;
    button.setAttribute("aria-pressed", state.only === scene.id);
    button.classList.toggle("problem", scene.problems.length > 0);
    button.classList.toggle("away", Boolean(state.only) && state.only !== scene.id);
    button.addEventListener("click", () => only(scene.id));
    for (const [event, id] of [["mouseenter", scene.id], ["focus", scene.id], ["mouseleave", null], ["blur", null]]) {
      button.addEventListener(event, () => hover(id));
    }
    return make("li", {}, button);
  }

  return { date, draw };
}

// The share of a mask over several scenes, each weighted by how much of it was observed.
function covered(scenes, name) {
  const known = scenes.filter(({ shares }) => shares[name] != null);
  const seen = known.reduce((sum, { observed }) => sum + (observed ?? 1), 0);
  if (!seen) return "not known";
  return percent(known.reduce((sum, { shares, observed }) => sum + shares[name] * (observed ?? 1), 0) / seen);
}
