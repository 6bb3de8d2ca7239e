// A grid of degrees: there is no map below the results, since none is fetched from anywhere.

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
const APART = 120; // pixels between lines, at least

export function addGraticule(map) {
  const pane = map.createPane("graticule");
  pane.style.zIndex = 150; // below the tiles
  const labels = map.createPane("degrees");
  labels.style.zIndex = 445; // above them
  labels.style.pointerEvents = "none";
  const group = L.layerGroup().addTo(map);
  const style = { pane: "graticule", color: "#c3ccd6", weight: 1, interactive: false };

  const name = (degrees, [plus, minus], digits) => {
    const turned = (((degrees + 180) % 360) + 360) % 360 - 180;
    const value = plus === "E" ? turned : degrees;
    const sign = Math.abs(value) < 1e-9 ? "" : value > 0 ? plus : minus;
    return `${Math.abs(value).toFixed(digits)}° ${sign}`;
  };
  const label = (lat, lon, text, kind) =>
    group.addLayer(L.marker([lat, lon], {
      pane: "degrees", interactive: false, keyboard: false,
      icon: L.divIcon({ className: `degrees ${kind}`, html: text, iconSize: null }),
    }));

  const draw = () => {
    group.clearLayers();
    const seen = map.getBounds();
    const [south, north] = [Math.max(-85, seen.getSouth()), Math.min(85, seen.getNorth())];
    const [west, east] = [seen.getWest(), seen.getEast()];
    const lines = map.getSize().x / APART;
    const step = STEPS.findLast((each) => (east - west) / each <= lines) || STEPS[0];
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    for (let n = Math.ceil(west / step); n * step <= east; n++) {
      group.addLayer(L.polyline([[south, n * step], [north, n * step]], style));
      label(north, n * step, name(n * step, "EW", digits), "meridian");
    }
    for (let n = Math.ceil(south / step); n * step <= north; n++) {
      group.addLayer(L.polyline([[n * step, west], [n * step, east]], style));
      label(n * step, west, name(n * step, "NS", digits), "parallel");
    }
  };
  map.on("moveend", draw);
  draw();
}
