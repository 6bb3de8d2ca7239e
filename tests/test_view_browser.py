"""The page of `hlsmask view` in a browser: headless Chromium, driven by Playwright."""

import re
import shutil
from urllib.parse import urlsplit

import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from hlsmask.granules.hls import Granule
from hlsmask.products.palette import COLOURS
from view_results import FIRST, LATER, SHAPE, make_masks, place_of, serve, write_granule_result, write_result

api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium: apt-get install chromium", allow_module_level=True)

expect = api.expect
expect.set_options(timeout=60_000)  # a machine may be busy: it waits no longer than it must
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
BESIDE = "HLS.S30.T13TEE.2024190T175011.v2.0"
MASKS = ["cloud", "cloud_shadow", "snow_ice", "clear_water", "water", "terrain_shadow"]
ON = ["cloud", "cloud_shadow", "snow_ice", "clear_water", "true_colour"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two scenes side by side on one day, of which one is gone, and one on a later day."""
    folder = tmp_path_factory.mktemp("made")
    write_granule_result(folder, FIRST, 1)
    write_granule_result(folder, LATER, 3)
    box = GeoBox(SHAPE, Affine(30, 0, 399960 + 30 * SHAPE[1], 0, -30, 4500000), "EPSG:32613")
    gone = [folder / f"gone.{band}.tif" for band in range(6)]
    write_result(folder / "masks", BESIDE, box, Granule.parse(BESIDE).time, masks=make_masks(2), sources=gone)
    return folder


@pytest.fixture(scope="module")
def client(made):
    with serve(made / "masks") as client:
        yield client


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page, and what it said and asked for."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.said, self.hosts = [], set()
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("response", lambda answer: answer.ok or self.said.append(f"{answer.status}: {answer.url}"))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).hostname))

    def open(self, address=""):
        self.page.goto("about:blank")
        self.page.goto(self.url + address)
        self.drawn()
        return self.page

    def drawn(self):
        """Wait until all tiles are there."""
        expect(self.page.locator("#map")).to_have_attribute("data-loading", "0")
        expect(self.page.locator("#scenes button").first).to_be_visible()


@pytest.fixture
def watched(client, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    watched = Watched(page, client.url)
    yield watched
    page.close()
    assert watched.said == []
    assert watched.hosts - {None} == {"127.0.0.1"}


def tiles(page, layer):
    return page.locator(f".layer-{layer} img.leaflet-tile-loaded")


def test_it_loads_and_draws_the_last_day(watched):
    page = watched.open()
    expect(page).to_have_title("masks · hlsmask")
    expect(page.locator("#day")).to_have_text("13 July 2024")
    expect(page.locator("#nth")).to_have_text("2 of 2 · 1 scene")
    for layer in ON:
        expect(tiles(page, layer).first).to_be_visible()
    legend = [text.lower() for text in page.locator(".legend li").all_text_contents()]
    assert legend == ["cloud", "cloud shadow", "snow/ice", "clear water"]
    assert page.locator("#layers .name").all_text_contents()[-1] == "true colour"
    colours = page.locator("#layers .swatch.mask").evaluate_all(
        "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours == [f"rgb({r}, {g}, {b})" for r, g, b in (COLOURS[name] for name in MASKS)]


def test_layers_are_switched_and_faded(watched):
    page = watched.open()
    page.get_by_label("Cloud", exact=False).first.uncheck()
    expect(page.locator(".layer-cloud img")).to_have_count(0)
    expect(tiles(page, "cloud_shadow").first).to_be_visible()
    page.locator("#on-water").check()
    expect(tiles(page, "water").first).to_be_visible()
    page.get_by_label("Opacity of water", exact=True).fill("30")
    expect(page.locator(".layer-water")).to_have_css("opacity", "0.3")
    page.locator("summary").click()
    page.locator("#on-probability_snow_ice").check()
    expect(tiles(page, "probability_snow_ice").first).to_be_visible()
    page.locator("#on-true_colour").uncheck()
    expect(page.locator(".layer-true_colour img")).to_have_count(0)


def test_the_slider_and_the_arrows_change_the_date(watched):
    page = watched.open()
    page.get_by_role("slider", name="Date").fill("0")
    expect(page.locator("#day")).to_have_text("8 July 2024")
    expect(page.locator("#scenes button")).to_have_count(2)
    expect(tiles(page, "cloud").first).to_have_attribute("src", re.compile("/2024-07-08/cloud/"))
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#day")).to_have_text("13 July 2024")
    expect(tiles(page, "cloud").first).to_have_attribute("src", re.compile("/2024-07-13/cloud/"))
    expect(page.get_by_role("button", name="Later date")).to_be_disabled()
    page.get_by_role("button", name="Earlier date").click()
    expect(page.locator("#day")).to_have_text("8 July 2024")
    watched.drawn()


@pytest.mark.parametrize(("row", "column"), [(20, 20), (41, 7)])
def test_a_click_shows_what_rasterio_reads_and_follows_the_date(watched, made, row, column):
    home = made / "masks"
    longitude, latitude = place_of(home / FIRST / f"{FIRST}.masks.tif", row, column)
    page = watched.open(f"#day=2024-07-08&at={latitude},{longitude},16")
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    for name in (FIRST, LATER):
        popup = page.locator(f'.pixel section[data-id="{name}"]')
        expect(popup.locator(".where")).to_have_text(f"row {row}, column {column}")
        for kind, attribute, steps in (("masks", "data-value", 1), ("probabilities", "data-probability", 200)):
            with rasterio.open(home / name / f"{name}.{kind}.tif") as file:
                stored = dict(zip(file.descriptions, file.read()[:, row, column].tolist(), strict=True))
            for layer, value in stored.items():
                told = popup.locator(f'[data-name="{layer}"]').get_attribute(attribute)
                assert (float(told) if told else None) == (None if value == 255 else pytest.approx(value / steps))
        for band, href in Granule.from_folder(made / "granules" / name).band_hrefs().items():
            with rasterio.open(href) as file:
                value = file.read(1)[row, column]
            told = popup.locator(f'[data-band="{band}"]').get_attribute("data-value")
            assert float(told) == pytest.approx(value / 10000)
        page.keyboard.press("ArrowRight")  # the same place a date later
    page.keyboard.press("Escape")
    expect(page.locator(".pixel")).to_have_count(0)
    watched.drawn()


def test_the_map_is_moved_by_keys(watched):
    page = watched.open("#day=2024-07-08&at=40.65,-106.18,13")
    page.keyboard.press("Shift+ArrowUp")
    expect(page).to_have_url(re.compile(r"day=2024-07-08&at=40\.67\d+,-106\.\d+,13"))
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"at=40\.67\d+,-106\.\d+,14"))
    watched.drawn()


def test_the_address_keeps_what_is_seen(watched):
    page = watched.open()
    page.get_by_role("slider", name="Date").fill("0")
    page.locator("#on-cloud").uncheck()
    page.locator("#opacity-clear_water").fill("45")
    page.locator(f'#scenes button[data-id="{BESIDE}"]').click()
    expect(page).to_have_url(re.compile("day=2024-07-08.*opacity=clear_water:45.*only="))
    watched.drawn()
    address = page.url
    watched.open(address.removeprefix(watched.url))
    expect(page.locator("#day")).to_have_text("8 July 2024")
    expect(page.locator("#on-cloud")).not_to_be_checked()
    expect(page.locator("#opacity-clear_water")).to_have_value("45")
    expect(page.locator(f'#scenes button[data-id="{BESIDE}"]')).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(address)
    page.get_by_role("button", name="show all").click()
    expect(page.locator("#scenes .away")).to_have_count(0)
    watched.drawn()


def test_a_scene_that_is_gone_is_told_and_its_masks_are_shown(watched):
    page = watched.open("#day=2024-07-08")
    expect(page.locator("#notes")).to_contain_text("No true colour for 1 of 2 scenes")
    page.locator(f'#scenes button[data-id="{BESIDE}"]').click()
    expect(tiles(page, "cloud").first).to_be_visible()
    expect(page.locator("#layers .none")).to_contain_text("not there")
    watched.drawn()


def test_on_a_phone_the_map_and_the_date_are_in_sight(watched):
    watched.page.set_viewport_size({"width": 390, "height": 780})
    page = watched.open()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide == 390
    for name in ("#map", "#day", "#slider"):
        box = page.locator(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 780


def test_broken_results_are_named_on_the_page(browser, tmp_path):
    write_granule_result(tmp_path, FIRST, 1)
    broken = write_granule_result(tmp_path, LATER, 3)
    (broken / f"{LATER}.json").write_text("{", encoding="utf-8")
    with serve(tmp_path / "masks") as client:
        page = browser.new_page()
        watched = Watched(page, client.url)
        watched.open()
        expect(page.locator("#notes")).to_contain_text(f"{LATER}.json is not JSON")
        expect(page.locator("#day")).to_have_text("8 July 2024")
        shutil.rmtree(tmp_path / "masks" / FIRST)
        page.goto("about:blank")
        page.goto(client.url)
        expect(page.locator("#notes")).to_contain_text("There are no results in this folder")
        page.close()
        assert watched.said == []
