"""A file's second input: which rows and columns are kept. What those do not depend on is then not computed.

Windows of a scene share margins: a network must look at them, and what it says of them is thrown away. The farther a
layer is from the bands, the less of the margins still matters. Where a backbone says how much that is
(`Backbone.cuts`), its file cuts what its layers take to that. What it gives stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from hlsmask.models.kept import KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import GraphProto, ModelProto

    from hlsmask.models.masknet import Cut

_AXES: Final = f"{KEPT}_axes"
"""The constant, rows and columns, of all that is cut."""

_ALL: Final = (0, 0, 2**31, 2**31)
"""What is kept where nobody says: no window has more rows or columns."""


def cut_margins(model: ModelProto, cuts: Sequence[Cut], block: int) -> None:
    """Give a network that was traced the input `kept`, in place, and cut what its layers take to what that needs.

    Parameters
    ----------
    model
        The network, its tensors named as those of `MaskNet`.
    cuts
        Where to cut; the last of them lies on the way to all that is given.
    block
        Pixels of the coarsest grid: layers take whole blocks, so that all grids begin at the same place.
    """
    graph = model.graph
    sums = _Sums(graph)
    size = sums.number(block)
    first, beyond = sums.halves(KEPT)
    first_block = sums.of("Div", first, size)
    end_block = sums.of("Div", sums.of("Add", beyond, sums.number(block - 1)), size)

    def begin(margin: int) -> str:
        return sums.of("Max", sums.of("Sub", first_block, sums.number(margin)), sums.number(0))

    before: dict[int, list[NodeProto]] = {}  # what is to be done before a node, by its place
    for one in cuts:
        start, end = begin(one.margin), sums.of("Add", end_block, sums.number(one.margin))
        if one.within is not None:
            start, end = (sums.of("Sub", edge, begin(one.within)) for edge in (start, end))
        scale = sums.number(block // one.stride)
        takers = _takers(graph, one.module)
        whole = graph.node[takers[0]].input[0]
        part = f"{whole}_for_{one.module}"
        bounds = (sums.of("Mul", edge, scale) for edge in (start, end))
        before.setdefault(takers[0], []).append(sums.slice(whole, *bounds, gives=part))
        for at in takers:
            graph.node[at].input[:] = [part if name == whole else name for name in graph.node[at].input]

    given = graph.output[0]
    blocks = f"{given.name}_of_blocks"
    for node in graph.node:
        node.output[:] = [blocks if name == given.name else name for name in node.output]
    origin = sums.of("Mul", begin(cuts[-1].margin), size)
    edges = (sums.of("Sub", edge, origin) for edge in (first, beyond))
    last = sums.slice(blocks, *edges, gives=given.name)
    for axis in (2, 3):
        given.type.tensor_type.shape.dim[axis].dim_param = f"{KEPT}_{axis}"

    old = [NodeProto.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend(sums.nodes)
    for at, node in enumerate(old):
        graph.node.extend([*before.get(at, []), node])
    graph.node.append(last)
    graph.input.append(helper.make_tensor_value_info(KEPT, TensorProto.INT64, [len(_ALL)]))
    graph.initializer.append(numpy_helper.from_array(np.array(_ALL, np.int64), KEPT))  # so that it may be left out


def _takers(graph: GraphProto, module: str) -> list[int]:
    """Return the places of the nodes that take what a module takes: its first convolution, and sums with that."""
    weights = f"net.backbone.{module}."
    first = next(at for at, node in enumerate(graph.node) if node.op_type == "Conv" and weights in node.input[1])
    taken = graph.node[first].input[0]
    return [first, *(at for at, node in enumerate(graph.node) if node.op_type == "Add" and taken in node.input)]


class _Sums:
    """Sums of rows and columns that the file does for itself, on pairs of whole numbers."""

    def __init__(self, graph: GraphProto) -> None:
        self.nodes: list[NodeProto] = []
        self._graph = graph
        self._numbers: dict[tuple[int, ...], str] = {}
        graph.initializer.append(numpy_helper.from_array(np.array([2, 3], np.int64), _AXES))

    def number(self, *values: int) -> str:
        """Return the name of constant numbers."""
        if values not in self._numbers:
            name = "_".join([KEPT, "number", *map(str, values)])
            self._graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
            self._numbers[values] = name
        return self._numbers[values]

    def of(self, operation: str, one: str, other: str) -> str:
        """Return the name of the result of an operation on two."""
        for node in self.nodes:
            if (node.op_type, *node.input) == (operation, one, other):
                return str(node.output[0])
        name = f"{KEPT}_{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, [one, other], [name]))
        return name

    def halves(self, name: str) -> tuple[str, str]:
        """Return the names of the first two and the last two of four numbers."""
        parts = f"{name}_first", f"{name}_beyond"
        self.nodes.append(helper.make_node("Split", [name, self.number(2, 2)], list(parts), axis=0))
        return parts

    def slice(self, whole: str, start: str, end: str, *, gives: str) -> NodeProto:
        """Return a node that gives the rows and columns of `whole` from `start` to before `end`."""
        return helper.make_node("Slice", [whole, start, end, _AXES], [gives], name=gives)
