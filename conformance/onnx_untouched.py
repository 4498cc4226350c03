"""Holds that pare leaves alone what a recipe does not touch: onnx_untouched.py PARE FOLDER.

Small models are made of what the standard has and files rarely hold: graphs in nodes, functions, domains of nobody, every type of elements
in both ways of storing them, strings, sparse initializers, training information, annotations, values that are no tensors, fields of a later
version. Of each, a recipe without passes must give the file's own bytes and behind them entries of metadata; and a recipe that quantizes one layer
must leave every initializer, node, value, function and annotation but that layer's as it was, in their order, byte for byte.
"""

import os
import subprocess
import sys

import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, helper, numpy_helper

WIDTH = 8
RNG = np.random.default_rng(5)
LATER = bytes([0xC2, 0x3E, 3]) + b"new"  # field 1000, bytes: of a version of the standard that is not there yet


def weight(name, width=WIDTH):
    return numpy_helper.from_array(RNG.standard_normal((width, width)).astype(np.float32), name)


def value(name, shape=("batch", WIDTH), dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def typed(message):
    """The message with a field that nobody knows."""
    message.MergeFromString(LATER)
    return message


def every_type():
    """Initializers of every type: elements in raw_data, and in the field that the type has."""
    out = []
    for name, number in sorted(TensorProto.DataType.items(), key=lambda kv: kv[1]):
        if name in ("UNDEFINED", "STRING"):
            continue
        bits = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}.get(name)
        bits = bits or 8 * helper.tensor_dtype_to_np_dtype(number).itemsize
        raw = RNG.integers(0, 2 if name == "BOOL" else 120, (7 * bits + 7) // 8, np.uint8).tobytes()
        out.append(TensorProto(name=name.lower() + "_raw", data_type=number, dims=[7], raw_data=raw))
        t = TensorProto(name=name.lower() + "_field", data_type=number, dims=[7], doc_string="in its field")
        n = (7 * bits + 7) // 8 if bits in (2, 4) else 14 if name.startswith("COMPLEX") else 7
        field = {"FLOAT": "float_data", "COMPLEX64": "float_data", "DOUBLE": "double_data", "COMPLEX128": "double_data", "INT64": "int64_data",
                 "UINT32": "uint64_data", "UINT64": "uint64_data"}.get(name, "int32_data")
        getattr(t, field).extend([i % 2 for i in range(n)] if name == "BOOL" else [3 * i + 1 for i in range(n)])
        out.append(t)
    out.append(TensorProto(name="texts", data_type=TensorProto.STRING, dims=[2, 2], string_data=[b"", b"a", "é".encode(), b"\xff\x00"]))
    out.append(TensorProto(name="nothing", data_type=TensorProto.FLOAT, dims=[0, 3]))
    out.append(TensorProto(name="one", data_type=TensorProto.INT4, dims=[], raw_data=b"\x07"))
    big = TensorProto(name="big_int4", data_type=TensorProto.INT4, dims=[3, 4999], raw_data=RNG.integers(0, 256, 7499, np.uint8).tobytes())
    floats = TensorProto(name="big_field", data_type=TensorProto.FLOAT16, dims=[3000])
    floats.int32_data.extend(int(v) for v in RNG.integers(0, 30000, 3000))
    return out + [big, floats]


def sparse(name):
    s = onnx.SparseTensorProto(dims=[4, 4])
    s.values.CopyFrom(numpy_helper.from_array(np.array([1.5, 2.5], np.float32), name))
    s.indices.CopyFrom(numpy_helper.from_array(np.array([1, 14], np.int64), name + "_at" if name else ""))
    return s


def model(graph, functions=(), opsets=(("", 25),), ir=13):
    return helper.make_model(graph, functions=list(functions), opset_imports=[helper.make_opsetid(*o) for o in opsets], ir_version=ir)


def fc(x="x", y="y", name="fc", w="w"):
    return helper.make_node("MatMul", [x, w], [y], name=name)


def types():
    tensors = every_type()
    nodes = [fc()]
    for t in tensors:
        held = TensorProto()
        held.CopyFrom(t)
        held.name = ""
        nodes.append(helper.make_node("Constant", [], [t.name + "_c"], value=held, name="c_" + t.name))
        nodes.append(helper.make_node("Identity", [t.name], [t.name + "_out"]))
    outputs = [value("y")] + [value(t.name + "_out", list(t.dims), t.data_type) for t in tensors]
    return model(helper.make_graph(nodes, "types", [value("x")], outputs, [weight("w"), *tensors]))


def attributes():
    """Every kind of attribute, annotations, values that are no tensors, metadata everywhere, training information."""
    kinds = helper.make_node("Odd", ["y"], ["odd"], name="odd", domain="com.example.stray", doc_string="of nobody's domain", overload="second")
    kinds.attribute.extend([
        helper.make_attribute("f", 0.1), helper.make_attribute("i", -3), helper.make_attribute("s", b"\xff\xfe"),
        helper.make_attribute("fs", [0.0, -0.0, float("nan"), float("inf")]), helper.make_attribute("is", [1, -(2**63), 2**63 - 1]),
        helper.make_attribute("ss", [b"", b"x"]), helper.make_attribute("t", every_type()[0]), helper.make_attribute("sp", sparse("")),
        helper.make_attribute("ts", every_type()[3:5]), helper.make_attribute("tp", helper.make_tensor_type_proto(1, ["n", 2])),
        helper.make_attribute("g", helper.make_graph([helper.make_node("Relu", ["y"], ["in_g"])], "g", [], [value("in_g")])),
        AttributeProto(name="none", type=AttributeProto.INTS), AttributeProto(name="doc", type=AttributeProto.INT, i=0, doc_string="zero"),
        AttributeProto(name="sps", type=AttributeProto.SPARSE_TENSORS, sparse_tensors=[sparse("")]),
        AttributeProto(name="gs", type=AttributeProto.GRAPHS, graphs=[GraphProto(name="a"), GraphProto(name="b")]),
        AttributeProto(name="tps", type=AttributeProto.TYPE_PROTOS, type_protos=[helper.make_sequence_type_proto(helper.make_tensor_type_proto(7, None))]),
    ])
    kinds.metadata_props.add(key="namespace", value="a.b")
    kinds.device_configurations.add(configuration_id="two", pipeline_stage=1)
    typed(kinds)
    sequence = helper.make_node("SequenceConstruct", ["y", "y"], ["seq"])
    graph = helper.make_graph([fc(), kinds, sequence], "attributes", [value("x")], [value("y"), value("odd")], [weight("w"), weight("other")],
                              doc_string="", sparse_initializer=[sparse("thin")])
    graph.value_info.append(helper.make_value_info("seq", helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, ["batch", None]))))
    graph.value_info.append(helper.make_value_info("never", helper.make_optional_type_proto(helper.make_tensor_type_proto(1, []))))
    denoted = value("said", ["N", 3])
    denoted.type.denotation = "IMAGE"
    denoted.type.tensor_type.shape.dim[0].denotation = "DATA_BATCH"
    denoted.metadata_props.add(key="k", value="v")
    graph.value_info.append(denoted)
    for name in ("w", "x", "other"):
        a = graph.quantization_annotation.add(tensor_name=name)
        a.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="other")
    graph.metadata_props.add(key="graph", value="")
    graph.initializer[1].metadata_props.add(key="tensor", value="1")
    typed(graph.initializer[1])
    m = model(typed(graph), opsets=(("", 25), ("com.example.stray", 7), ("ai.onnx.ml", 5)))
    training = m.training_info.add()
    training.algorithm.CopyFrom(helper.make_graph([helper.make_node("Identity", ["w"], ["w_new"])], "step", [], [value("w_new", [WIDTH, WIDTH])]))
    training.update_binding.add(key="w", value="w_new")
    m.configuration.add(name="two", num_devices=2, device=["a", "b"])
    m.metadata_props.add(key="author", value="nobody")
    m.producer_name, m.model_version, m.doc_string, m.domain = "", 0, "", "org.example"
    return typed(m)


def control():
    """Layers in bodies of If, Loop and Scan, with initializers of their own; one of them is quantized."""
    then = helper.make_graph([fc("x", "t", "inner", "w"), helper.make_node("Add", ["t", "bias"], ["then"])], "then", [], [value("then")],
                             [weight("w"), numpy_helper.from_array(np.ones(WIDTH, np.float32), "bias")])
    orelse = helper.make_graph([fc("x", "else", "elsewhere", "outer")], "else", [], [value("else")], sparse_initializer=[sparse("thin")])
    then.quantization_annotation.add(tensor_name="w")
    loop = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["c2"]), fc("h", "h2", "looped", "wl"), helper.make_node("Relu", ["h2"], ["h3"], doc_string="kept")], "body",
        [value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("h")], [value("c2", [], TensorProto.BOOL), value("h3")], [weight("wl")])
    scan = helper.make_graph([fc("row", "r2", "scanned", "ws"), helper.make_node("Add", ["s", "r2"], ["s2"]), helper.make_node("Identity", ["s2"], ["o"])], "scan",
                             [value("s", [1, WIDTH]), value("row", [1, WIDTH])], [value("s2", [1, WIDTH]), value("o", [1, WIDTH])], [weight("ws")])
    nodes = [
        helper.make_node("If", ["cond"], ["picked"], name="if", then_branch=then, else_branch=orelse),
        helper.make_node("Loop", ["", "cond", "picked"], ["looped_out"], name="loop", body=loop),
        helper.make_node("Unsqueeze", ["looped_out", "axis"], ["rows"]),
        helper.make_node("Scan", ["zero", "rows"], ["state", "y"], name="scan", body=scan, num_scan_inputs=1),
    ]
    tensors = [weight("outer"), numpy_helper.from_array(np.array([1], np.int64), "axis"), numpy_helper.from_array(np.zeros((1, WIDTH), np.float32), "zero")]
    return model(helper.make_graph(nodes, "control", [value("x"), value("cond", [], TensorProto.BOOL)], [value("y", ["batch", 1, WIDTH])], tensors))


def functions():
    """Functions with attributes, defaults and graphs, called with and without; overloads of one name."""
    branch = helper.make_graph([helper.make_node("Relu", ["a"], ["r"])], "b", [], [value("r")])
    ref = AttributeProto(name="alpha", type=AttributeProto.FLOAT, ref_attr_name="slope")
    leaky = helper.make_node("LeakyRelu", ["a"], ["l"])
    leaky.attribute.append(ref)
    constant = helper.make_node("Constant", [], ["w4"], value=every_type()[-2])
    f = helper.make_function("com.example", "Act", ["a"], ["b"], [leaky, constant, helper.make_node("If", ["c"], ["i"], then_branch=branch, else_branch=branch),
                             helper.make_node("Add", ["l", "l"], ["b"])], [helper.make_opsetid("", 25)], attributes=["slope"],
                             attribute_protos=[helper.make_attribute("rest", 0.5)], doc_string="two leaks")
    f.node[2].input[0] = "a"
    f.value_info.append(value("l"))
    f.metadata_props.add(key="f", value="g")
    other = helper.make_function("com.example", "Act", ["a"], ["b"], [helper.make_node("Neg", ["a"], ["b"])], [helper.make_opsetid("", 25)], overload="neg")
    called = [helper.make_node("Act", ["y"], ["z"], domain="com.example", slope=0.25, name="call"),
              helper.make_node("Act", ["z"], ["out"], domain="com.example", overload="neg")]
    return model(helper.make_graph([fc(), *called], "functions", [value("x")], [value("out")], [weight("w"), weight("spare")]), [typed(f), other],
                 (("", 25), ("com.example", 1)))


def old():
    """A file of IR version 3: initializers that are inputs, attributes without types."""
    node = NodeProto(op_type="Concat", input=["y", "y"], output=["z"], name="join")
    node.attribute.add(name="axis", i=1)
    graph = helper.make_graph([fc(), node], "old", [value("x"), value("w", [WIDTH, WIDTH])], [value("z", ["batch", 2 * WIDTH])], [weight("w")])
    return model(graph, opsets=(("", 13),), ir=3)


# Model, the layer that is quantized, and its weight. A model in an opset that the codes do not need stays in it.
MODELS = [(types, "fc", "w"), (attributes, "fc", "w"), (control, "inner", "w"), (control, "scanned", "ws"), (functions, "fc", "w"), (old, "fc", "w")]


def build(pare, folder, to, step):
    with open(f"{folder}/{to}.yaml", "w") as f:
        f.write("version: 1\nmodel: {path: in.onnx}\n" + step + "outputs: [{path: model.onnx}]\n")
    done = subprocess.run([pare, "build", f"{folder}/{to}.yaml", "--out", f"{folder}/{to}", "--no-cache", "--no-lock"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{folder}/{to}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return open(f"{folder}/{to}/model.onnx", "rb").read()


def parts(message, changed, at=""):
    """What a model holds, piece by piece, without what quantizing this weight adds and changes, and without pare's metadata."""
    out = []
    for field, v in message.ListFields():
        many = list(v) if field.is_repeated else [v]
        for one in many:
            where = f"{at}.{field.name}"
            if where == ".ir_version":  # rises with the opset that the codes need
                continue
            if field.type != field.TYPE_MESSAGE:
                out.append((where, repr(one)))
                continue
            kind = type(one).__name__
            if kind in ("GraphProto", "ModelProto") or kind in ("NodeProto", "AttributeProto") and graphs(one):
                out.extend(parts(one, changed, f"{where}[{getattr(one, 'name', '')}]"))
            elif field.name == "metadata_props" and at == "" and one.key.startswith("pare"):
                continue
            elif field.name == "input" and one.name == changed:  # of IR version 3: an initializer is an input too
                continue
            elif kind == "TensorProto" and (one.name == changed or one.name.startswith(changed + "_")):
                continue
            elif kind == "NodeProto" and (one.op_type == "MatMul" and one.input[1] in (changed, changed + "_DequantizeLinear_Output") or
                                          one.op_type == "DequantizeLinear"):
                continue
            else:
                out.append((where, one.SerializeToString(deterministic=True)))
    return out


def graphs(message):
    attrs = message.attribute if isinstance(message, NodeProto) else [message]
    return any(a.type == AttributeProto.GRAPH for a in attrs)


def main():
    pare, work = os.path.abspath(sys.argv[1]), sys.argv[2]
    failed = []
    for make, layer, name in MODELS:
        folder = os.path.join(work, f"{make.__name__}-{layer}")
        os.makedirs(folder, exist_ok=True)
        before = make()
        data = before.SerializeToString()
        with open(f"{folder}/in.onnx", "wb") as f:
            f.write(data)
        wrong = []
        copy = build(pare, folder, "none", "")
        behind = onnx.ModelProto.FromString(copy[len(data) :])
        if copy[: len(data)] != data or any(f.name != "metadata_props" for f, _ in behind.ListFields()):
            wrong.append("a recipe without passes changes more than metadata")
        step = f"passes:\n  - quantize: {{weights: {{type: int8, granularity: channel}}}}\n    targets: [{layer}]\n"
        result = build(pare, folder, "int8", step)
        after = onnx.ModelProto.FromString(result)
        if result.count(LATER) != data.count(LATER):
            wrong.append("fields of a later version are lost")
        if name + "_quantized" not in str(after):
            wrong.append("the layer is not quantized")
        was, now = parts(before, name), parts(after, name)
        wrong += [f"{k}: {a[1]!r} has become {b!r}" for k, (a, b) in enumerate(zip(was, now)) if a != b][:3]
        if len(was) != len(now):
            wrong.append(f"{len(was)} parts have become {len(now)}: {[p for p in was if p not in now][:3]}, {[p for p in now if p not in was][:3]}")
        failed += [f"{make.__name__} {layer}: {w}" for w in wrong]
        print(f"{'FAIL' if wrong else 'ok  '} {make.__name__}: without passes the same {len(data):,} bytes; {layer} quantized, {len(was)} other parts the same", flush=True)
    if failed:
        sys.exit("\n".join(["", *failed]))


main()
