"""One CUDA client under MPS that measures itself. Commands come on stdin, one a line; each is answered with one JSON line on stdout.

  train SECONDS   steps of training ResNet-18 on random images: {"count", "median", "p95", "longest"}, times in seconds
  infer SECONDS   one image after another, likewise
  sms             multiprocessors that the process sees: {"sms"}
  allocate MIB    {"allocated": true} or {"error"}
  fault           writes where nothing is, which ends every client of the GPU
  exit            waits for the device and ends

The first line comes unasked: {"sms", "context", "model", "firstInference"}, seconds since `serve` was called. Steps and inferences are
CUDA graphs, so that what is measured is the GPU and not how fast this process launches kernels.
"""
import json
import statistics
import sys
import time
from typing import Callable

import torch
import torchvision


def recorded(work: Callable[[], object]) -> Callable[[], None]:
    """The same work as one CUDA graph; each call waits for its end."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()

    def call() -> None:
        graph.replay()
        torch.cuda.synchronize()

    return call


class Client:
    def __init__(self, batch: int, side: int) -> None:
        self.batch, self.side = batch, side
        begun = time.perf_counter()
        torch.cuda.init()
        torch.zeros(1, device="cuda")
        torch.cuda.synchronize()
        self.times = {"context": time.perf_counter() - begun}
        torch.manual_seed(1)
        self.served = torchvision.models.resnet18(num_classes=6).cuda().eval()
        self.frame = torch.randn(1, 3, side, side, device="cuda")
        self.times["model"] = time.perf_counter() - begun
        with torch.no_grad():
            self.served(self.frame).argmax().item()
        self.times["firstInference"] = time.perf_counter() - begun
        self.works: dict = {}

    def start(self) -> dict:
        return {"sms": sms(), **self.times}

    def answer(self, command: str, argument: str) -> dict:
        if command in ("train", "infer"):
            if command not in self.works:
                self.works[command] = self.training() if command == "train" else self.inference()
            return timed(self.works[command], float(argument))
        if command == "sms":
            return {"sms": sms()}
        if command == "allocate":
            torch.empty(int(argument) * 1024 * 1024, dtype=torch.uint8, device="cuda").fill_(1)
            torch.cuda.synchronize()
            return {"allocated": True}
        if command == "fault":
            import fault

            fault.cause()
            return {}
        raise ValueError(f"unknown command {command}")

    def inference(self) -> Callable[[], None]:
        def work() -> None:
            with torch.no_grad():
                self.served(self.frame).argmax()

        return recorded(work)

    def training(self) -> Callable[[], None]:
        model = torchvision.models.resnet18(num_classes=6).cuda()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        images = torch.randn(self.batch, 3, self.side, self.side, device="cuda")
        labels = torch.randint(0, 6, (self.batch,), device="cuda")

        def work() -> None:
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()

        return recorded(work)


def sms() -> int:
    return torch.cuda.get_device_properties(0).multi_processor_count


def timed(work: Callable[[], None], seconds: float) -> dict:
    taken: list = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    ordered = sorted(taken)
    return {
        "count": len(taken),
        "median": statistics.median(taken),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "longest": ordered[-1],
    }


def serve(batch: int, side: int) -> None:
    try:
        client = Client(batch, side)
    except Exception as error:  # noqa: BLE001
        say(failed(error))
        return
    say(client.start())
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "exit":
            torch.cuda.synchronize()
            return
        try:
            say(client.answer(command, argument))
        except Exception as error:  # noqa: BLE001
            say(failed(error))


def failed(error: Exception) -> dict:
    return {"error": (str(error).splitlines() or [repr(error)])[0][:200]}


def say(value: dict) -> None:
    print(json.dumps(value), flush=True)
