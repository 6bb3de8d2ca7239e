// The map: tiles of the layers that are on, outlines of scenes, a grid of degrees, the pixel that was clicked.

import { addGraticule } from "./graticule.js";

const SHARPEST = 14; // zoom at which tiles are still drawn; nearer, their pixels are enlarged

export function createMap(element, layers, { moved, clicked, closed, failed }) {
  const map = L.map(element, {
    minZoom: 3,
    maxZoom: 18,
    keyboard: false, // left and right are for dates; app.js sees to the others
    fadeAnimation: false,
    zoomControl: false,
    worldCopyJump: true,
    maxBoundsViscosity: 1,
  });
  map.setView([0, 0], 3);
  map.attributionControl.setPrefix('<a href="https://leafletjs.com" rel="noreferrer">Leaflet</a>');
  L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  const where = addReadout(map);
  const legend = addLegend(map);
  addGraticule(map);
  map.createPane("outlines").style.zIndex = 450;
  map.createPane("grounds").style.zIndex = 160; // below the tiles: what of a scene was not observed stays white
  const outlines = L.layerGroup().addTo(map);
  const shapes = new Map();
  const tiles = new Map(); // by layer, those that are on
  let still = true; // moves that the page makes itself before a day is there are not kept

  const progress = L.DomUtil.create("div", "progress", element);
  const busy = () => {
    const loading = [...tiles.values()].filter((drawn) => drawn.isLoading()).length;
    progress.classList.toggle("busy", loading > 0);
    element.dataset.loading = loading;
  };

  map.on("mousemove", ({ latlng }) => where(latlng.wrap()));
  map.on("mouseout", () => where(null));
  map.on("moveend", () => {
    if (still) return;
    const { lat, lng } = map.getCenter().wrap();
    moved([round(lat, 5), round(lng, 5), map.getZoom()]);
  });
  map.on("click", ({ latlng }) => {
    const at = latlng.wrap();
    clicked({ lat: round(at.lat, 6), lon: round(at.lng, 6) });
  });

  const pixel = L.circleMarker([0, 0], {
    radius: 6, color: "#fff", weight: 3, fillColor: "#14202e", fillOpacity: 1, interactive: false, pane: "outlines",
  });
  const bubble = L.popup({ maxWidth: 320, minWidth: 220, className: "values", autoPanPadding: [16, 16] });
  bubble.on("remove", () => {
    if (!bubble.renewed) { pixel.remove(); closed(); }
  });

  const address = (state, name) =>
    `tiles/${state.day}/${name}/{z}/{x}/{y}.png${state.only ? `?only=${encodeURIComponent(state.only)}` : ""}`;

  function draw(state, shown) {
    layers.forEach((layer, order) => {
      const { name } = layer;
      let drawn = tiles.get(name);
      if (!state.on.has(name)) {
        if (drawn) { drawn.remove(); tiles.delete(name); busy(); }
        return;
      }
      const wanted = address(state, name);
      if (!drawn) {
        drawn = L.tileLayer(wanted, {
          tileSize: 512, zoomOffset: -1, minZoom: 3, maxZoom: 18, maxNativeZoom: SHARPEST,
          zIndex: order + 1, className: `layer layer-${name}`, opacity: state.opacity[name],
        });
        drawn.on("loading load", busy);
        drawn.on("tileerror", failed);
        tiles.set(name, drawn.addTo(map));
      } else if (drawn.wanted !== wanted) {
        drawn.setUrl(wanted);
      }
      drawn.wanted = wanted;
      drawn.setOpacity(state.opacity[name]);
    });
    legend(layers.filter(({ name, colour }) => colour && state.on.has(name)).reverse());
    outline(state, shown);
  }

  function outline(state, shown) {
    outlines.clearLayers();
    shapes.clear();
    const turned = shown.bbox && shown.bbox[0] > shown.bbox[2]; // across the antimeridian
    for (const scene of shown.scenes) {
      if (!scene.geometry) continue;
      const away = state.only && state.only !== scene.id;
      const coordsToLatLng = ([lon, lat]) => L.latLng(lat, turned && lon < 0 ? lon + 360 : lon);
      outlines.addLayer(L.geoJSON(scene.geometry, {
        pane: "grounds", interactive: false, coordsToLatLng, style: { stroke: false, fillColor: "#fff", fillOpacity: 0.8 },
      }));
      const shape = L.geoJSON(scene.geometry, {
        pane: "outlines", interactive: false, coordsToLatLng,
        style: { color: "#14202e", weight: 1, opacity: away ? 0.25 : 0.6, fill: false, dashArray: away ? "3 4" : null },
      });
      shapes.set(scene.id, shape);
      outlines.addLayer(shape);
    }
  }

  return {
    draw,
    close: () => map.closePopup(),
    zoom: (by) => map.setZoom(map.getZoom() + by),
    pan: (way) => map.panBy(way.map((part) => part * 160)),
    again: () => tiles.forEach((drawn) => drawn.redraw()),
    look: ([lat, lon, zoom]) => { map.setView([lat, lon], zoom, { animate: false }); still = false; },
    show: (bbox) => {
      if (!bbox) return;
      const [west, south, east, north] = bbox;
      map.fitBounds([[south, west], [north, east < west ? east + 360 : east]], { padding: [24, 24], animate: false });
      still = false;
    },
    mark: (id) => shapes.forEach((shape, each) => shape.setStyle({ weight: each === id ? 3 : 1 })),
    popup: ({ lat, lon }, content) => {
      const at = nearest(map, lat, lon);
      pixel.setLatLng(at).addTo(map);
      bubble.renewed = true;
      bubble.setLatLng(at).setContent(content).openOn(map);
      bubble.renewed = false;
    },
  };
}

const round = (value, digits) => Number(value.toFixed(digits));

// The copy of a place that lies nearest to what is looked at: the world goes on beyond the antimeridian.
function nearest(map, lat, lon) {
  return [lat, lon + 360 * Math.round((map.getCenter().lng - lon) / 360)];
}

export const place = (lat, lon) =>
  `${Math.abs(lat).toFixed(5)}° ${lat < 0 ? "S" : "N"}  ${Math.abs(lon).toFixed(5)}° ${lon < 0 ? "W" : "E"}`;

function addReadout(map) {
  const control = L.control({ position: "bottomleft" });
  let text;
  control.onAdd = () => (text = L.DomUtil.create("output", "readout"));
  control.addTo(map);
  return (at) => { text.textContent = at ? place(at.lat, at.lng) : ""; };
}

function addLegend(map) {
  const control = L.control({ position: "bottomright" });
  let list;
  control.onAdd = () => {
    list = L.DomUtil.create("ul", "legend");
    list.setAttribute("aria-label", "Legend");
    return list;
  };
  control.addTo(map);
  return (shown) => {
    list.hidden = !shown.length;
    list.replaceChildren(
      ...shown.map(({ title, colour, kind }) => {
        const line = document.createElement("li");
        const swatch = L.DomUtil.create("span", `swatch ${kind}`, line);
        swatch.style.setProperty("--colour", colour);
        L.DomUtil.create("span", "name", line).textContent = kind === "probability" ? `${title}, probability` : title;
        return line;
      }),
    );
  };
}
