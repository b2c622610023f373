"""Losses of the trainings in workers/learning/testing/trajectories.ts, by PyTorch in float64: an implementation that shares nothing with ours.

Needs torch, numpy and onnx in an environment of their own. Usage:
  node hack/reference/trajectory-inputs.ts FOLDER
  python hack/reference/loss_trajectories.py FOLDER > workers/learning/testing/loss-trajectories.json
"""
import json
import sys

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional as F

folder = sys.argv[1]


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def forward(graph, tensors, images, frozen):
    values = {**tensors, graph.input[0].name: images}
    for node in graph.node:
        given = [values[name] if name else None for name in node.input]
        x, a = given[0], attributes(node)
        if node.op_type == "Conv":
            pads = a.get("pads", [0, 0, 0, 0])
            bias = given[2] if len(given) > 2 else None
            result = F.conv2d(x, given[1], bias, a.get("strides", [1, 1]), pads[:2], 1, a.get("group", 1))
        elif node.op_type == "BatchNormalization":
            mean, variance = given[3], given[4]
            if not frozen:
                mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            shape = (1, -1, 1, 1)
            normal = (x - mean.reshape(shape)) / torch.sqrt(variance.reshape(shape) + a["epsilon"])
            result = normal * given[1].reshape(shape) + given[2].reshape(shape)
        elif node.op_type == "Relu":
            result = torch.relu(x)
        elif node.op_type == "Clip":
            result = torch.clamp(x, float(given[1]), float(given[2]))
        elif node.op_type == "MaxPool":
            result = F.max_pool2d(x, a["kernel_shape"], a["strides"], a.get("pads", [0, 0])[:2])
        elif node.op_type == "GlobalAveragePool":
            result = x.mean((2, 3), keepdim=True)
        elif node.op_type == "Add":
            result = x + given[1]
        elif node.op_type == "Flatten":
            result = x.flatten(1)
        elif node.op_type == "Gemm":
            result = F.linear(x, given[1], given[2])
        elif node.op_type == "Concat":
            result = torch.cat(given, a["axis"])
        elif node.op_type == "Reshape":
            result = x.reshape([int(size) for size in given[1]])
        elif node.op_type == "Transpose":
            result = x.permute(a["perm"])
        elif node.op_type == "Split":
            for name, piece in zip(node.output, torch.split(x, [int(size) for size in given[1]], a["axis"])):
                values[name] = piece
            continue
        else:
            raise NotImplementedError(node.op_type)
        values[node.output[0]] = result
    return values[graph.output[0].name]


def losses(number, case):
    graph = onnx.load(f"{folder}/{number}.onnx").graph
    tensors = {t.name: torch.tensor(numpy_helper.to_array(t).astype(np.float64)) for t in graph.initializer}
    trained = [name for name in tensors if name.rsplit(".", 1)[-1] in ("weight", "bias", "scale")]
    for name in trained:
        tensors[name].requires_grad_()
    matrices = [tensors[name] for name in trained if tensors[name].dim() > 1]
    vectors = [tensors[name] for name in trained if tensors[name].dim() <= 1]
    optimizer = torch.optim.SGD(
        [{"params": matrices, "weight_decay": case["weightDecay"]}, {"params": vectors}],
        case["learningRate"],
        case["momentum"],
    )
    shape = case["shape"]
    pixels = np.fromfile(f"{folder}/{number}.pixels", np.uint8).astype(np.float64) / 127.5 - 1
    images = torch.tensor(pixels.reshape(-1, shape["channels"], shape["height"], shape["width"]))
    labels = torch.tensor(case["labels"])
    found = []
    for _ in range(case["epochs"]):
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(graph, tensors, images, case["freezeBatchNorm"]), labels)
        loss.backward()
        optimizer.step()
        found.append(round(loss.item(), 7))
    return found


cases = json.load(open(f"{folder}/cases.json"))
print(json.dumps({case["name"]: losses(i, case) for i, case in enumerate(cases)}, indent=2))
