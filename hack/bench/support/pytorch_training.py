"""Trains the students of workers/models/architectures by PyTorch, as hack/bench/training-speed.ts asks on standard input.

A line {"network", "trainable", "batch", "side", "classes", "threads", "steps"} is answered by a line {"seconds", "cpuSeconds"}: the time
of so many steps of SGD on batches of bytes, made floats as ours are. The first line of a network builds it and takes a few steps beforehand. With "trainable": "head" all else is frozen: it runs in eval mode and without gradients in each step.
"""
import json
import sys
import time

import torch
from torch import nn


def conv(channels, filters, size=3, stride=1, groups=1):
    return nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False)


def small_cnn():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [conv(channels, filters), nn.BatchNorm2d(filters), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        channels = filters
    return nn.Sequential(*layers), channels


class Basic(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.first, self.second = conv(channels, filters, 3, stride), conv(filters, filters)
        self.norms = nn.ModuleList([nn.BatchNorm2d(filters), nn.BatchNorm2d(filters)])
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != filters:
            self.shortcut = nn.Sequential(conv(channels, filters, 1, stride), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.norms[1](self.second(self.relu(self.norms[0](self.first(x)))))
        return self.relu(y + self.shortcut(x))


def resnet18():
    layers = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, filters in enumerate((64, 128, 256, 512)):
        layers += [Basic(channels, filters, 1 if stage == 0 else 2), Basic(filters, filters, 1)]
        channels = filters
    return nn.Sequential(*layers), channels


class Inverted(nn.Module):
    def __init__(self, channels, filters, stride, expansion):
        super().__init__()
        inner, layers = channels * expansion, []
        if expansion != 1:
            layers += [conv(channels, inner, 1), nn.BatchNorm2d(inner), nn.ReLU6(inplace=True)]
        layers += [conv(inner, inner, 3, stride, inner), nn.BatchNorm2d(inner), nn.ReLU6(inplace=True)]
        layers += [conv(inner, filters, 1), nn.BatchNorm2d(filters)]
        self.layers = nn.Sequential(*layers)
        self.added = stride == 1 and channels == filters

    def forward(self, x):
        return x + self.layers(x) if self.added else self.layers(x)


def mobilenetv2():
    layers, channels = [conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6(inplace=True)], 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, filters, blocks, stride in stages:
        for i in range(blocks):
            layers.append(Inverted(channels, filters, stride if i == 0 else 1, expansion))
            channels = filters
    return nn.Sequential(*layers, conv(channels, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(inplace=True)), 1280


class Training:
    def __init__(self, network, trainable, batch, side, classes, **_):
        torch.manual_seed(1)
        self.body, features = {"small-cnn": small_cnn, "resnet18": resnet18, "mobilenetv2": mobilenetv2}[network]()
        self.head = nn.Linear(features, classes)
        self.frozen = trainable == "head"
        if self.frozen:
            self.body.eval().requires_grad_(False)
        trained = [p for p in (*self.body.parameters(), *self.head.parameters()) if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.9, weight_decay=5e-4)
        self.loss = nn.CrossEntropyLoss()
        self.images = torch.randint(0, 256, (8 * batch, 3, side, side), dtype=torch.uint8)
        self.labels = torch.randint(0, classes, (8 * batch,))
        self.batch = batch
        self.run(3)

    def step(self, i):
        at = (i % 8) * self.batch
        images = self.images[at : at + self.batch].float().div_(127.5).sub_(1)
        if self.frozen:
            with torch.no_grad():
                features = self.body(images)
        else:
            features = self.body(images)
        loss = self.loss(self.head(features.mean((2, 3))), self.labels[at : at + self.batch])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def run(self, steps):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        for i in range(steps):
            self.step(i)
        return {"seconds": time.perf_counter() - begun, "cpuSeconds": time.process_time() - cpu_begun}


print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
known = {}
for line in sys.stdin:
    asked = json.loads(line)
    torch.set_num_threads(asked["threads"])
    key = (asked["network"], asked["trainable"])
    if key not in known:
        known.clear()
        known[key] = Training(**asked)
    print(json.dumps(known[key].run(asked["steps"])), flush=True)
