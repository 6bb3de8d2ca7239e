"""Models of suspended sediment and the like: held against numbers worked out by hand, and against onnxruntime."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import onnx
import onnxruntime
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from extract_archive import BANDS, make_archive, parcel, write_sites
from hlsmask.archive.sites import Row, estimate, read_model
from hlsmask.archive.sites.expression import Expression
from hlsmask.errors import ModelError
from hlsmask.masks import Mask

MEDIANS = {"blue": 0.03, "green": 0.05, "red": 0.04, "nir": 0.02, "swir1": 0.004, "swir2": 0.002}


def row(**medians):
    bands = {
        f"{band}_{word}": None if value is None else value * factor
        for band, value in (MEDIANS | medians).items()
        for word, factor in (("q25", 0.9), ("median", 1.0), ("q75", 1.1))
    }
    clear = 0 if bands["red_median"] is None else 9
    return Row("a", None, "g", "S30", 10, 1.0, 10, clear, dict.fromkeys(Mask, 0.0), bands)


CLOUDY = row(**dict.fromkeys(BANDS))


def write(path, text):
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


# ---------------------------------------------------------------- regressions


def test_a_regression_gives_what_one_works_out_by_hand(tmp_path):
    text = """
        name = "tss"
        unit = "g/m3"
        intercept = 1.5
        output = "exp10"

        [coefficients]
        "log10(red)" = 0.75
        "nir / red" = 0.5
        "(green - blue) ** 2" = -3
    """
    model = read_model(write(tmp_path / "m.toml", text))
    made = estimate(model, [row(), CLOUDY, row(red=0.08)])
    by_hand = [10 ** (1.5 + 0.75 * math.log10(red) + 0.5 * 0.02 / red - 3 * (0.05 - 0.03) ** 2) for red in (0.04, 0.08)]
    assert (made.name, made.unit) == ("tss", "g/m3")
    assert made.values[1] is None
    assert [made.values[0], made.values[2]] == pytest.approx(by_hand, rel=1e-8)


def test_json_says_the_same_and_what_is_left_out_is_nothing(tmp_path):
    model = read_model(write(tmp_path / "m.json", {"coefficients": {"red_q75 - red_q25": 1000}}))
    assert estimate(model, [row()]).values == (pytest.approx(8),)
    assert (model.name, model.unit) == ("ssc", "")


def test_what_has_no_finite_value_has_none(tmp_path):
    model = read_model(write(tmp_path / "m.json", {"coefficients": {"log(nir)": 1}}))
    assert estimate(model, [row(nir=-0.01), row(nir=0.0), row(nir=1.0), CLOUDY]).values == (None, None, 0.0, None)
    assert estimate(model, []).values == ()


@pytest.mark.parametrize(
    "formula",
    [
        *(
            "",
            "red +",
            "purple",
            "red^2",
            "__import__('os')",
            "red.real",
            "red[0]",
            "lambda: 1",
            "log(red, 2)",
            "max(red)",
        ),
        *("log", "True", "'red'", "1j", "red if red else 1", "red < 1", "1e999", "9" * 400, "red " * 200, "(" * 300),
        *("log(x=red)", "log(*red)", "red := 1", "red and nir", "red // 2", "~red", "red_q50", "f'{red}'", "-" * 499),
    ],
)
def test_formulas_that_are_not_understood_are_refused(tmp_path, formula):
    path = write(tmp_path / "m.json", {"coefficients": {formula: 1}})
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "use numbers, blue, green" in str(caught.value)


numbers = st.floats(0.01, 2).map(lambda value: str(round(value, 3)))
formulas = st.recursive(
    numbers | st.sampled_from([*BANDS, "red_q25"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | st.tuples(st.sampled_from(["sqrt", "exp", "abs"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})")
        | inner.map(lambda text: f"-{text}")
    ),
    max_leaves=8,
)


@given(formulas)
def test_formulas_mean_what_python_and_numpy_mean(formula):
    names = {band: np.array([value]) for band, value in MEDIANS.items()} | {"red_q25": np.array([0.036])}
    with np.errstate(all="ignore"):
        told = {"__builtins__": {}, "sqrt": np.sqrt, "exp": np.exp, "abs": np.abs, "f": np.float64, **names}
        numbered = re.sub(
            r"(?<![\w.])\d[\d.e-]*", r"f(\g<0>)", formula
        )  # Python's own numbers raise where numpy's do not
        expected = eval(numbered, told)  # noqa: S307 - the judge, of formulas made above
    columns = {key: np.array([value]) for key, value in row().bands.items()}
    np.testing.assert_allclose(Expression.parse(formula).of(columns), np.broadcast_to(expected, (1,)), rtol=1e-9)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is no JSON"),
        ([], "is no regression"),
        ({}, "has no coefficients"),
        ({"coefficients": {}}, "has no coefficients"),
        ({"coefficients": {"red": "much"}}, "the coefficient of 'red' is 'much'; use a number"),
        ({"coefficients": {"red": True}}, "is True; use a number"),
        ({"coefficients": {"red": 1}, "intercept": None}, "the intercept is None"),
        ({"coefficients": {"red": 1}, "output": "ln"}, "has the output 'ln'; use one of log, log10, exp"),
        ({"coefficients": {"red": 1}, "slope": 2}, "holds 'slope'; a regression has name, unit"),
        ({"coefficients": {"red": 1}, "name": 3}, "its name is 3"),
        ({"coefficients": {"red": 1}, "name": "red_median"}, "is called 'red_median', which cannot be the name"),
        ({"coefficients": {"red": 1}, "name": "a,b"}, "use letters, digits and _"),
    ],
)
def test_bad_regressions_are_one_sentence(tmp_path, content, told):
    path = write(tmp_path / "m.json", content)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_files_of_other_kinds_are_refused(tmp_path):
    for name, told in (
        ("m.pkl", "is no model that is known"),
        ("gone.toml", "No such file"),
        ("gone.onnx", "gone.onnx"),
    ):
        with pytest.raises(ModelError, match=told):
            read_model(tmp_path / name)


# ---------------------------------------------------------------- networks


def write_onnx(path, weight, bias=0.0, *, flat=False, entries=None, element=TensorProto.FLOAT):
    """Write a linear model, `features @ weight + bias`, which gives (n, 1) or (n,)."""
    weight = np.asarray(weight, np.float32).reshape(len(weight), -1)
    nodes = [helper.make_node("Gemm", ["x", "weight", "bias"], ["raw"])]
    constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.float32([bias]), "bias")]
    shape = ["n", weight.shape[1]]
    if flat:
        nodes.append(helper.make_node("Reshape", ["raw", "flat"], ["y"]))
        constants.append(numpy_helper.from_array(np.array([-1]), "flat"))
        shape = ["n"]
    else:
        nodes.append(helper.make_node("Identity", ["raw"], ["y"]))
    if element != TensorProto.FLOAT:
        nodes.insert(0, helper.make_node("Cast", ["x64"], ["x"], to=TensorProto.FLOAT))
    name = "x" if element == TensorProto.FLOAT else "x64"
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info(name, element, ["n", len(weight)])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, entries or {})
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize("flat", [False, True])
def test_a_network_gets_the_medians_of_the_six_bands(tmp_path, flat):
    weight = [100, 20, 30, 40, 50, 60]
    path = write_onnx(tmp_path / "m.onnx", weight, 2.5, flat=flat)
    made = estimate(read_model(path), [row(), CLOUDY, row(red=0.1)])
    expected = [float(np.dot(weight, [*(MEDIANS | {"red": red}).values()])) + 2.5 for red in (0.04, 0.1)]
    assert [made.values[0], made.values[2]] == pytest.approx(expected, rel=1e-5)
    assert made.values[1] is None
    session = onnxruntime.InferenceSession(str(path))
    (given,) = session.run(None, {"x": np.float32([[*MEDIANS.values()]])})
    assert made.values[0] == pytest.approx(float(given.item()), rel=1e-6)


def test_a_network_says_what_it_takes_and_gives(tmp_path):
    entries = {"features": "nir / red, log10(green)", "name": "chlorophyll", "unit": "mg m-3"}
    model = read_model(write_onnx(tmp_path / "m.onnx", [2, 3], 1, entries=entries))
    made = estimate(model, [row(), row(green=-0.01)])
    assert (made.name, made.unit) == ("chlorophyll", "mg m-3")
    assert made.values == (pytest.approx(2 * 0.5 + 3 * math.log10(0.05) + 1, rel=1e-5), None)


@pytest.mark.parametrize(
    ("weight", "settings", "told"),
    [
        ([1, 2], {}, r"it must take one tensor\(float\) of shape \[n, 6\] for blue, green"),
        ([1] * 6, {"element": TensorProto.DOUBLE}, r"takes tensor\(double\)"),
        ([1], {"entries": {"features": "os.system"}}, "features in its metadata: 'os.system' is no formula"),
        ([1], {"entries": {"features": "red", "name": "site"}}, "is called 'site'"),
    ],
)
def test_networks_that_take_something_else_are_refused(tmp_path, weight, settings, told):
    with pytest.raises(ModelError, match=told):
        read_model(write_onnx(tmp_path / "m.onnx", weight, **settings))


def test_networks_that_give_more_than_a_number_are_refused(tmp_path):
    model = read_model(write_onnx(tmp_path / "m.onnx", np.ones((6, 2))))
    with pytest.raises(ModelError, match="its first output must be one number a row"):
        estimate(model, [row()])


def test_files_that_are_no_network_are_one_sentence(tmp_path):
    path = write(tmp_path / "m.onnx", "no network")
    with pytest.raises(ModelError, match="is no model that onnxruntime can run") as caught:
        read_model(path)
    assert len(str(caught.value).splitlines()) == 1


# ---------------------------------------------------------------- the command line


def test_the_table_has_the_model_as_its_last_column(tmp_path, run):
    home = make_archive(tmp_path)
    sites = write_sites(tmp_path / "s.geojson", parcel(5.2, 8.3, 30.7, 44.9, id="lake"))
    model = write(tmp_path / "m.json", {"name": "tss", "unit": "mg/L", "coefficients": {"red": 100}, "intercept": 1})
    words = ("extract", home / "masks", "--sites", sites, "--out", tmp_path / "o.parquet", "--ssc-model", model)
    assert run(*words, "--charts", tmp_path / "charts")[0] == 0
    table = pq.read_table(tmp_path / "o.parquet")
    assert table.schema.names[-1] == "tss"
    assert table.schema.field("tss").metadata[b"unit"] == b"mg/L"
    for each in table.to_pylist():
        assert each["tss"] == pytest.approx(1 + 100 * each["red_median"])
    assert "tss, mg/L" in (tmp_path / "charts" / "lake.svg").read_text(encoding="utf-8")
    write(model, {"coefficients": {"log(0 - red)": 1}})
    code, _, err = run(*words)
    assert (code, err) == (0, "note: ssc has no finite value in 3 rows with clear water\n")
    write(model, {"coefficients": {"import os": 1}})
    code, out, err = run(*words)
    assert (code, out) == (1, "")
    assert "m.json: 'import os' is no formula that is understood" in err
