"""How good the default network is: every figure it is held to, beside its peers, on the same pixels in the same run.

    python benchmarks/accuracy.py --data ../shared/data
    python benchmarks/accuracy.py --model FILE.onnx        another network than the one that is shipped
    python benchmarks/accuracy.py --peers PYTHON           ukis-csmask installed for another interpreter
    python benchmarks/accuracy.py --scenes FOLDER          further labelled scenes: .npz with bands and label
    python benchmarks/accuracy.py --out FILE.md            and the tables in a file

Needs the real imagery of the project's developers. Each table says what is real and what simulated. Chips are held
out by location (the split `test` of `benchmarks/chips.py`); networks of ours never learn from those, nor from the
labelled scenes. Fmask and DSWx are masks, not truths. Seeds are fixed: two runs give the same figures.

A scene of `--scenes` has `bands`, reflectance (6, h, w), and `label` (h, w): 0 cloud shadow, 1 water, 3 land, 4 cloud,
255 no label. ukis-csmask is given six bands and its defaults: the model `l1c` for top of atmosphere, `l2a` for HLS.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from accuracy_chips import read_chips
from accuracy_contenders import Masker, Ukis
from accuracy_counting import Report
from accuracy_real import (
    OURS,
    SPECTRAL,
    agreement,
    clear_chips,
    flat_chips,
    masked,
    muddy_rivers,
    scenes,
    scenes_of,
    snow_scene,
    water,
)
from accuracy_simulated import lake_ice, relief

ELSEWHERE = """Goals 6 and 7, speed, memory, engines and seams, are measured by

    python benchmarks/predict.py --peers PYTHON
    python benchmarks/seams.py
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--model", default="hlsmask_s", help="name or file of weights")
    parser.add_argument("--peers", default=sys.executable, help="interpreter that has ukis-csmask")
    parser.add_argument("--scenes", type=Path, help="folder of further labelled scenes")
    parser.add_argument("--windows", type=int, default=200, help="simulated windows of each kind")
    parser.add_argument("--out", "--markdown", type=Path, help="file for the tables, Markdown")
    asked = parser.parse_args()
    if not (asked.data / "hls_chips.tif").is_file():
        parser.error(f"there is no real imagery at {asked.data}; name its folder with --data")
    ours, spectral, ukis = Masker(asked.model), Masker("spectral"), Ukis(asked.peers)
    report = Report()
    report.say(f"Model `{asked.model}`, version {ours.engine.card.version}, {ours.engine.name}.")
    report.say(f"{ukis.why or f'ukis-csmask {ukis.version}, six bands, defaults'}.\n")
    scenes(report, scenes_of(asked.data, asked.scenes), ours, spectral, ukis)

    chips = read_chips(asked.data)
    held = chips.split == "test"
    test = chips.take(held)
    said = {OURS: masked(chips, ours), SPECTRAL: masked(chips, spectral)}
    of_test = {who: masks[held] for who, masks in said.items()}
    clear_chips(report, test, of_test[OURS], of_test[SPECTRAL], (ours, ukis))
    water(report, test, of_test[OURS], "test chips", held_out=True)
    agreement(report, test, of_test[OURS])
    water(report, chips, said[OURS], "all chips: three of four were seen in training", held_out=False)

    report.say("## 3. Muddy rivers\n\nAll that is called snow here is called so wrongly.\n")
    muddy_rivers(report, test, of_test, "Test chips", held_out=True)
    muddy_rivers(report, chips, said, "All chips: three of four were seen in training", held_out=False)
    snow_scene(report, asked.data, ours, spectral)
    lake_ice(report, test, ours, asked.windows)
    relief(report, test, asked.data, ours, asked.windows)
    flat_chips(report, test, of_test[OURS])
    report.say(f"## 6. and 7.\n\n{ELSEWHERE}")
    report.close(asked.out)


if __name__ == "__main__":
    main()
