// What the files say of one pixel, as a table.

import { place } from "./map.js";

const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

export function fillPopup(told, layers, day) {
  const box = make("div", "pixel");
  box.append(make("p", "place", place(told.lat, told.lon)));
  if (!told.scenes.length) box.append(make("p", "nothing", `No scene of ${day} reaches here.`));
  for (const scene of told.scenes) box.append(tell(scene, layers));
  return box;
}

function tell(scene, layers) {
  const part = make("section", "");
  part.dataset.id = scene.id;
  const title = make("h3", "", scene.title, make("span", "when", [scene.sensor, `${scene.time.slice(11, 16)} UTC`].filter(Boolean).join(" · ")));
  title.title = scene.id;
  part.append(title);
  if (scene.row !== null) part.append(make("p", "where", `row ${scene.row}, column ${scene.column}`));
  if (Object.values(scene.masks).length) part.append(masks(scene, layers));
  if (scene.reflectance) part.append(reflectance(scene.reflectance));
  for (const problem of scene.problems) part.append(make("p", "problem", problem));
  return part;
}

function masks(scene, layers) {
  const table = make("table", "masks");
  const head = make("tr", "", make("th", "", "mask"), make("th", "", "value"));
  if (scene.probabilities) head.append(make("th", "", "probability"));
  table.append(make("thead", "", head));
  const body = make("tbody", "");
  for (const { name, title, colour } of layers.filter(({ kind }) => kind === "mask").reverse()) {
    const value = scene.masks[name];
    const swatch = make("span", "swatch mask");
    swatch.style.setProperty("--colour", colour);
    const word = value === null ? "not known" : value ? "yes" : "no";
    const row = make("tr", value ? "present" : "", make("th", "", swatch, title), make("td", "", word));
    row.dataset.name = name;
    row.dataset.value = value === null ? "" : value;
    if (scene.probabilities) {
      const chance = scene.probabilities[name];
      row.append(make("td", "number", chance == null ? "" : chance.toFixed(3)));
      row.dataset.probability = chance ?? "";
    }
    body.append(row);
  }
  table.append(body);
  return table;
}

function reflectance(bands) {
  const table = make("table", "bands");
  const caption = make("caption", "", "Reflectance");
  const names = make("tr", "");
  const values = make("tr", "");
  for (const [name, value] of Object.entries(bands)) {
    const head = make("th", "", name);
    head.scope = "col";
    names.append(head);
    const cell = make("td", "number", value === null ? "–" : value.toFixed(3));
    cell.dataset.band = name;
    cell.dataset.value = value ?? "";
    values.append(cell);
  }
  table.append(caption, make("thead", "", names), make("tbody", "", values));
  return table;
}
