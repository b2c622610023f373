"""The measurements of measure.sh, which has started an MPS control daemon whose pipe directory is in the environment."""
import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

import client

PERCENTAGE = "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"


class Client:
    """A process that runs client.py with a share of the GPU, forked from this one: importing PyTorch takes longer than all else."""

    def __init__(self, percentage: int, batch: int = 8, **env: object) -> None:
        commands, replies = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(commands[0], 0)
            os.dup2(replies[1], 1)
            for end in (*commands, *replies):
                os.close(end)
            os.environ.update({PERCENTAGE: str(percentage), **{k: str(v) for k, v in env.items()}})
            sys.stdin, sys.stdout = open(0), open(1, "w")
            status = 1
            try:
                client.serve(batch, side=224)
                status = 0
            finally:
                os._exit(status)
        os.close(commands[0])
        os.close(replies[1])
        self.commands, self.replies, self.buffer = open(commands[1], "w"), replies[0], b""
        self.status: object = None

    def poll(self, wait: bool = False) -> object:
        """Exit status, or the signal's number below 0; None: it runs."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
            self.status = os.waitstatus_to_exitcode(status) if pid else None
        return self.status

    def signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def ask(self, command: str) -> None:
        self.commands.write(command + "\n")
        self.commands.flush()

    def answer(self, timeout: float = 60) -> dict:
        """The next answer; {"ended": exit status} where the process is gone, {"silent": seconds} where it says nothing."""
        deadline = time.perf_counter() + timeout
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.replies], [], [], max(0.0, deadline - time.perf_counter()))
            if not ready:
                return {"silent": timeout}
            part = os.read(self.replies, 65536)
            if part == b"":
                return {"ended": self.poll(wait=True)}
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def call(self, command: str, timeout: float = 60) -> dict:
        self.ask(command)
        return self.answer(timeout)

    def end(self) -> None:
        deadline = time.perf_counter() + 20
        try:
            self.ask("exit")
        except BrokenPipeError:
            pass
        while self.poll() is None and time.perf_counter() < deadline:
            time.sleep(0.02)
        self.signal(signal.SIGKILL)
        self.poll(wait=True)


def started(percentage: int, **options: object) -> tuple:
    begun = Client(percentage, **options)
    return begun, begun.answer()


def control(command: str) -> str:
    done = subprocess.run(
        ["nvidia-cuda-mps-control"], input=command + "\n", capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip()


def milliseconds(value: float) -> float:
    return round(value * 1000, 3)


def alone(percentages: list, seconds: float) -> list:
    """Each share by itself: multiprocessors, start, training with small and with larger batches, inference."""
    rows = []
    for percentage in percentages:
        narrow, start = started(percentage, batch=8)
        train, infer = narrow.call(f"train {seconds}"), narrow.call(f"infer {seconds / 2}")
        narrow.end()
        wide, _ = started(percentage, batch=64)
        wide_train = wide.call(f"train {seconds}")
        wide.end()
        rows.append({"percentage": percentage, "start": start, "train8": train, "train64": wide_train, "infer": infer})
        print(f"  {percentage} %: {start['sms']} multiprocessors, training step {milliseconds(train['median'])} ms", flush=True)
    return rows


def side_by_side(splits: list, seconds: float) -> list:
    rows = []
    for inference, training, priority in splits:
        server, _ = started(inference)
        student, _ = started(training, batch=64, CUDA_MPS_CLIENT_PRIORITY=priority)
        student.call("train 0.1")
        by_itself = server.call(f"infer {seconds}")
        student.ask(f"train {seconds + 1}")
        time.sleep(0.5)
        together = server.call(f"infer {seconds}")
        train = student.answer()
        server.end()
        student.end()
        rows.append(
            {
                "inference": inference,
                "training": training,
                "trainingPriority": priority,
                "inferAlone": by_itself,
                "inferBeside": together,
                "trainBeside": train,
            }
        )
        print(f"  inference {inference} % beside training {training} % (priority {priority})", flush=True)
    return rows


def change_of_a_live_client(seconds: float) -> dict:
    """set_active_thread_percentage reaches later clients alone."""
    live, before = started(100)
    step = live.call(f"train {seconds}")
    server = control("get_server_list").split()[0]
    control(f"set_active_thread_percentage {server} 20")
    after, later_step = live.call("sms"), live.call(f"train {seconds}")
    later, seen = started(100)
    control(f"set_active_thread_percentage {server} 100")
    live.end()
    later.end()
    return {
        "before": before["sms"],
        "after": after["sms"],
        "stepBefore": step["median"],
        "stepAfter": later_step["median"],
        "laterClient": seen["sms"],
    }


def overlap(seconds: float) -> dict:
    """A swap while serving: how much a second client of the same stream delays the first one's frames while it starts."""
    old, _ = started(30)
    quiet = old.call(f"infer {seconds}")
    old.ask(f"infer {seconds + 6}")
    time.sleep(1)
    new, start = started(40)
    during = old.answer()
    old.end()
    new.end()
    return {"quiet": quiet, "during": during, "start": start}


def killed(how: str, seconds: float) -> dict:
    """A training that ends without draining, beside an inference."""
    server, _ = started(50)
    student, _ = started(50, batch=64)
    student.call("train 0.5")
    quiet = server.call(f"infer {seconds}")
    student.ask("train 60")
    server.ask(f"infer {seconds}")
    time.sleep(seconds / 3)
    if how == "terminate_client":
        pids = control("get_server_list").split()
        control(f"terminate_client {pids[0]} {student.pid}")
    else:
        student.signal(getattr(signal, how))
    during = server.answer(30)
    after = server.call(f"infer {seconds}", 30)
    begun = time.perf_counter()
    later, start = started(50)
    result = {
        "how": how,
        "quiet": quiet,
        "during": during,
        "after": after,
        "servers": len(control("get_server_list").split()),
        "laterClient": start,
        "laterClientSeconds": time.perf_counter() - begun,
    }
    student.signal(signal.SIGKILL)
    for each in (server, student, later):
        each.end()
    return result


def fault(seconds: float) -> dict:
    """An illegal write of one client: what its neighbour sees, and how long until new clients are served again."""
    server, _ = started(50)
    student, _ = started(50)
    server.ask("infer 20")
    time.sleep(1)
    own = student.call("fault", 30)
    neighbour = server.answer(30)
    pid = (control("get_server_list").split() or [""])[0]
    status = control(f"get_server_status {pid}") if pid else "no server"
    early = Client(50)
    early_answer = early.answer(20)
    begun = time.perf_counter()
    for each in (server, student, early):
        each.signal(signal.SIGKILL)
        each.poll(wait=True)
    later, start = started(50)
    recovered = time.perf_counter() - begun
    again = later.call(f"infer {seconds}")
    later.end()
    return {
        "faulting": own,
        "neighbour": neighbour,
        "serverStatus": status,
        "clientBeforeAllWereGone": early_answer,
        "clientAfterwards": start,
        "secondsToFirstInference": recovered,
        "inferAfterwards": again,
    }


def memory_limit() -> dict:
    limited, start = started(50, CUDA_MPS_PINNED_DEVICE_MEM_LIMIT="0=4G")
    inside, outside = limited.call("allocate 1024"), limited.call("allocate 8192")
    still = limited.call("infer 1")
    limited.end()
    return {"start": start, "1 GiB of 4": inside, "8 GiB of 4": outside, "servesOn": still}


def memory_of_clients(physical: int, counts: list) -> list:
    def used() -> int:
        query = ["nvidia-smi", f"--id={physical}", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        return int(subprocess.run(query, capture_output=True, text=True, check=True).stdout)

    rows, clients = [{"clients": 0, "usedMiB": used()}], []
    for count in counts:
        while len(clients) < count:
            clients.append(started(10)[0])
        rows.append({"clients": count, "usedMiB": used()})
    for each in clients:
        each.end()
    return rows


def fresh_process() -> dict:
    """A pod's start, but for its image: interpreter, libraries, CUDA, model, first inference."""
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", "import client; client.serve(8, 224)"],
        cwd=Path(__file__).parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return {"seconds": time.perf_counter() - begun, "start": json.loads(done.stdout.splitlines()[0])}


def device(physical: int) -> dict:
    fields = ["name", "driver_version", "memory.total", "mig.mode.current", "compute_mode"]
    query = ["nvidia-smi", f"--id={physical}", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    values = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip().split(", ")
    return {**dict(zip(fields, values)), "torch": torch.__version__}


def markdown(results: dict) -> str:
    rows = results["alone"]
    whole = rows[-1]
    speed = lambda row, key: f"{whole[key]['median'] / row[key]['median']:.2f}"  # noqa: E731
    lines = [
        f"{results['device']['name']}, driver {results['device']['driver_version']}, PyTorch {results['device']['torch']}",
        "",
        "| share | multiprocessors | training speed, batch 8 | batch 64 | inference, median | 95th percentile | start to first inference |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        lines.append(
            f"| {row['percentage']} % | {row['start']['sms']} | {speed(row, 'train8')} | {speed(row, 'train64')} "
            f"| {milliseconds(row['infer']['median']):.1f} ms | {milliseconds(row['infer']['p95']):.1f} ms "
            f"| {row['start']['firstInference']:.1f} s |"
        )
    lines += [
        "",
        "| inference | training | priority | inference alone, median / p95 | beside, median / p95 | training step beside |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in results["sideBySide"]:
        a, b, t = row["inferAlone"], row["inferBeside"], row["trainBeside"]
        lines.append(
            f"| {row['inference']} % | {row['training']} % | {row['trainingPriority']} "
            f"| {milliseconds(a['median']):.1f} / {milliseconds(a['p95']):.1f} ms "
            f"| {milliseconds(b['median']):.1f} / {milliseconds(b['p95']):.1f} ms | {milliseconds(t['median']):.1f} ms |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--physical", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    seconds = 1.0 if options.quick else 3.0
    percentages = [10, 25, 50, 75, 100] if options.quick else [*range(5, 101, 5)]
    splits = [(30, 70, 0), (30, 70, 1)] if options.quick else [
        (inference, 100 - inference, priority) for inference in (10, 30, 50, 70, 90) for priority in (0, 1)
    ]
    results: dict = {"device": device(options.physical), "at": time.strftime("%Y-%m-%d")}

    def measure(name: str, work) -> None:
        print(name, flush=True)
        try:
            results[name] = work()
        except Exception as error:  # noqa: BLE001
            results[name] = {"error": repr(error)}
        (options.out / "results.json").write_text(json.dumps(results, indent=1))

    measure("alone", lambda: alone(percentages, seconds))
    measure("freshProcess", fresh_process)
    measure("sideBySide", lambda: side_by_side(splits, seconds))
    measure("overlap", lambda: overlap(seconds))
    measure("changeOfALiveClient", lambda: change_of_a_live_client(seconds))
    measure("memoryLimit", memory_limit)
    measure("memoryOfClients", lambda: memory_of_clients(options.physical, [1, 2, 4] if options.quick else [1, 2, 4, 8]))
    measure("killed", lambda: [killed(how, seconds * 2) for how in ("SIGKILL", "SIGTERM", "terminate_client")])
    # Last, since it is the one that ends all clients.
    measure("fault", lambda: fault(seconds))
    text = markdown(results)
    (options.out / "results.md").write_text(text)
    print(text)


main()
