#!/usr/bin/env python3
"""Plays the tapes of this folder in PyTorch and times the full-size workloads.

Needs Python 3.8 or newer and PyTorch 2.5 or newer, nothing else.

  python3 gpu_proof.py                       # check in fp32 and bf16 on the first GPU, then time
  python3 gpu_proof.py --device cpu --no-time
  python3 gpu_proof.py --only decode,unet --no-check

Each compared result prints "tape/step precision relative ok|FAIL": the Euclidean norm of the difference from what
was written down, relative to its own norm. The last line counts them; the exit code is 1 if any failed.
Timing prints a line for each workload, with the part of the copy bandwidth or of the matrix peak that this card
was measured to have just before.
"""

import argparse
import gzip
import io
import json
import math
import struct
import sys
import time
import zipfile
from pathlib import Path

import torch

# The same bounds as where the folder was written.
BOUNDS = {
    ("fp32", "read"): 1e-3,
    ("fp32", "gradient"): 1e-3,
    ("bf16", "read"): 0.05,
    ("bf16", "gradient"): 0.6,
}
SMALLEST = 1e-3
SMALLEST_OF_LARGEST = 0.01
TYPES = {"F32": torch.float32, "I64": torch.int64, "BOOL": torch.bool}


class Tensors:
    """The tensors of a safetensors file."""

    def __init__(self, path):
        data = path.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        self.header = json.loads(data[8 : 8 + length])
        self.header.pop("__metadata__", None)
        self.data = bytearray(data[8 + length :])

    def get(self, key):
        info = self.header[key]
        start, end = info["data_offsets"]
        kind = TYPES[info["dtype"]]
        if start == end:
            return torch.empty(info["shape"], dtype=kind)
        flat = torch.frombuffer(self.data, dtype=torch.uint8, count=end - start, offset=start)
        # A copy, since a tape may write into it; views of other types need aligned memory, which a copy has.
        return flat.clone().view(kind).reshape(info["shape"])


def rms(values):
    return torch.linalg.vector_norm(values).item() / math.sqrt(max(1, values.numel()))


class Proof:
    def __init__(self, folder, device):
        self.device = device
        with gzip.open(folder / "proof.json.gz", "rt", encoding="utf-8") as index:
            self.index = json.load(index)
        self.archives = zipfile.ZipFile(folder / "scripts.zip")
        self.tensors = Tensors(folder / "tensors.safetensors")
        self.scripts = {}

    def script(self, number, precision):
        key = (number, precision)
        if key not in self.scripts:
            archive = self.archives.read(self.index["scripts"][number][precision])
            self.scripts[key] = torch.jit.load(io.BytesIO(archive), map_location=self.device)
        return self.scripts[key]

    def narrow(self, number):
        return set(self.index["scripts"][number]["narrow"])


class Player:
    """Plays the steps of one tape or workload."""

    def __init__(self, proof, precision):
        self.proof = proof
        self.precision = precision
        self.values = {}
        self.params = {}
        self.stored = {}
        self.constants = {}
        self.results = []
        self.smallest = {"read": SMALLEST, "gradient": SMALLEST}

    def play(self, steps, name):
        # Some gradients are zero but for rounding; none counts as smaller than a part of the largest.
        gradients = [step["data"] for step in steps if step["do"] == "gradient"]
        largest = max([rms(self.proof.tensors.get(key).double()) for key in gradients], default=0)
        self.smallest["gradient"] = max(SMALLEST * SMALLEST, SMALLEST_OF_LARGEST * largest)
        for number, step in enumerate(steps):
            try:
                self.step(step, "%s/%d" % (name, number))
            except Exception as e:
                raise RuntimeError("%s/%d (%s): %s" % (name, number, step["do"], e)) from e

    def step(self, step, where):
        kind = step["do"]
        if kind == "make":
            value = self.tensor(step)
            self.values[step["id"]] = value.requires_grad_() if step["leaf"] else value
        elif kind == "param":
            self.param(step)
        elif kind == "run":
            self.run(step)
        elif kind == "back":
            self.back(step)
        elif kind == "clear":
            for (session, _), param in self.params.items():
                if session == step["session"]:
                    param.grad = None
        elif kind == "gradient":
            leaf = (
                self.values[step["of"]] if "of" in step else self.params[(step["session"], step["param"])]
            )
            self.values[step["id"]] = leaf.grad
            self.compare(step, leaf.grad, where)
        elif kind == "read":
            self.compare(step, self.values[step["id"]], where)
        else:
            raise ValueError("unknown step " + kind)

    def tensor(self, step):
        device = self.proof.device
        if "data" in step:
            return self.proof.tensors.get(step["data"]).to(device)
        shape = step["shape"]
        if step["fill"] != "random":
            return torch.full(shape, float(step["fill"]), device=device)
        return torch.randn(shape, device=device)

    def param(self, step):
        key = (step["session"], step["name"])
        # Copies in other types are of what it was before.
        for stored in [stored for stored in self.stored if stored[:2] == key]:
            del self.stored[stored]
        if "data" in step:
            value = self.tensor(step)
        else:
            # In bfloat16 right away: a model of 7 billion numbers in 32 bits fits few cards.
            narrow = self.precision == "bf16" and not step["learns"] and len(step["shape"]) > 1
            kind = torch.bfloat16 if narrow else torch.float32
            value = torch.empty(step["shape"], dtype=kind, device=self.proof.device)
            if value.dim() == 1 and not step["name"].endswith("bias"):
                value.fill_(1)
            else:
                value.normal_(0, 0.02)
        if value.dim() == 4:
            value = value.contiguous(memory_format=torch.channels_last)
        self.params[key] = value.requires_grad_() if step["learns"] else value

    def argument(self, session, name, narrow):
        """The parameter as the runtime keeps it: in bfloat16 where only products read it and it does not learn."""
        param = self.params[(session, name)]
        if param.requires_grad or self.precision != "bf16":
            return param
        kind = torch.bfloat16 if narrow else torch.float32
        if param.dtype == kind:
            return param
        key = (session, name, kind)
        if key not in self.stored:
            self.stored[key] = param.to(kind)
        return self.stored[key]

    def constant(self, key):
        if key not in self.constants:
            self.constants[key] = self.proof.tensors.get(key).to(self.proof.device)
        return self.constants[key]

    def run(self, step):
        narrow = self.proof.narrow(step["script"])
        arguments = [self.values[i] for i in step["in"]]
        for i, name in enumerate(step["params"]):
            arguments.append(self.argument(step["session"], name, i in narrow))
        arguments += [self.constant(key) for key in step["constants"]]
        with torch.set_grad_enabled(step["gradients"]):
            results = self.proof.script(step["script"], self.precision)(*arguments)
        self.values.update(zip(step["out"], results))

    def back(self, step):
        value = self.values[step["id"]]
        cotangent = torch.ones_like(value) if step["cotangent"] < 0 else self.values[step["cotangent"]]
        torch.autograd.backward([value], [cotangent.detach()], retain_graph=self.retain())

    def retain(self):
        return True

    def compare(self, step, value, where):
        expected = self.proof.tensors.get(step["data"]).double()
        actual = value.detach().float().cpu().reshape(-1)[:: step["stride"]].double()
        relative = rms(actual - expected) / max(self.smallest[step["do"]], rms(expected))
        ok = relative <= BOUNDS[(self.precision, step["do"])]
        self.results.append(ok)
        what = step.get("param", step["do"])
        print("%s/%s %s %.3g %s" % (where, what, self.precision, relative, "ok" if ok else "FAIL"))


class TimedPlayer(Player):
    """Keeps what is made and loaded, and runs the rest again and again."""

    def prepare(self, steps):
        for step in steps:
            if step["do"] in ("make", "param"):
                self.step(step, "")
            if step.get("cache") and self.precision == "bf16":
                self.values[step["id"]] = self.values[step["id"]].to(torch.bfloat16)
        self.made = dict(self.values)

    def once(self, steps):
        # What the last run left is freed first.
        self.values = dict(self.made)
        for step in steps:
            if step["do"] in ("run", "back"):
                self.step(step, "")
        for param in self.params.values():
            param.grad = None

    def retain(self):
        return False

    def graph(self, steps):
        """The work captured once, to be launched as a whole: what remains is the card's own time."""
        side = torch.cuda.Stream(self.proof.device)
        side.wait_stream(torch.cuda.current_stream(self.proof.device))
        with torch.cuda.stream(side):
            for _ in range(2):
                self.once(steps)
        torch.cuda.current_stream(self.proof.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.once(steps)
        return graph


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work, device, least=1.0):
    """The median time of a call, after two to warm up."""
    for _ in range(2):
        work()
    synchronize(device)
    times = []
    begin = time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - begin < least and len(times) < 200):
        start = time.perf_counter()
        work()
        synchronize(device)
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def limits(device):
    """Copy bandwidth in bytes a second, both ways counted, and bfloat16 products in operations a second."""
    small = device.type == "cpu"
    count = (1 << 26) if small else (1 << 30)
    a = torch.zeros(count, dtype=torch.uint8, device=device)
    b = torch.zeros_like(a)
    copy = 2 * count / seconds(lambda: b.copy_(a), device)
    del a, b
    side = 1024 if small else 8192
    m = torch.randn(side, side, device=device).to(torch.bfloat16)
    peak = 2 * side**3 / seconds(lambda: torch.matmul(m, m), device)
    return copy, peak


def reason(e):
    """The line of a script's long message that says what went wrong."""
    lines = [line.strip() for line in str(e).splitlines() if line.strip()]
    telling = [line for line in lines if "Error:" in line or "Unknown builtin" in line or "out of memory" in line]
    return telling[-1] if telling else lines[0] if lines else type(e).__name__


def check(proof, args):
    results = []
    for precision in args.precision.split(","):
        for tape in proof.index["tapes"]:
            if args.only and tape["name"] not in args.only:
                continue
            player = Player(proof, precision)
            try:
                player.play(tape["steps"], tape["name"])
            except Exception as e:  # One tape's failure must not hide the others' results.
                print("%s %s FAIL (%s)" % (tape["name"], precision, reason(e)))
                player.results.append(False)
            results += player.results
    print("%d passed, %d failed" % (sum(results), len(results) - sum(results)))
    return all(results) and results


def measure(proof, args):
    device = proof.device
    copy, peak = limits(device)
    print("%s: copy %.1f GB/s, bf16 products %.1f TFLOP/s" % (name_of(device), copy / 1e9, peak / 1e12))
    for workload in proof.index["workloads"]:
        if args.only and workload["name"] not in args.only:
            continue
        player = TimedPlayer(proof, "bf16")
        steps = workload["steps"]
        try:
            player.prepare(steps)
            taken = seconds(lambda: player.once(steps), device, 5.0)
            report(workload["name"], workload, taken, copy, peak)
            if device.type == "cuda" and not any(step["do"] == "back" for step in steps):
                graph = player.graph(steps)
                taken = seconds(graph.replay, device)
                report(workload["name"] + ", as one CUDA graph", workload, taken, copy, peak)
                del graph
        except RuntimeError as e:
            print("%s: not measured (%s)" % (workload["name"], reason(e)))
        player = None
        proof.scripts.clear()
        if device.type == "cuda":
            torch.cuda.empty_cache()


def report(name, workload, taken, copy, peak):
    print(
        "%s: %.2f ms, %.1f %% of the copy bandwidth, %.1f %% of the bf16 peak"
        % (
            name,
            1e3 * taken,
            100 * workload["bytes"] / taken / copy,
            100 * workload["operations"] / taken / peak,
        )
    )


def name_of(device):
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def main():
    parser = argparse.ArgumentParser(description="Check and time what DEEM computes on a GPU.")
    parser.add_argument("--device", default="cuda:0", help="cuda:0 unless given; cpu checks without a GPU")
    parser.add_argument("--precision", default="fp32,bf16", help="what to check")
    parser.add_argument("--only", type=lambda names: set(names.split(",")), help="tapes or workloads, with commas")
    parser.add_argument("--fuse", action="store_true", help="let TorchScript fuse operations, as the runtime does not")
    parser.add_argument("--no-check", action="store_true", help="time only")
    parser.add_argument("--no-time", action="store_true", help="check only")
    parser.add_argument("folder", nargs="?", default=str(Path(__file__).resolve().parent))
    args = parser.parse_args()
    device = torch.device(args.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("gpu_proof: PyTorch sees no GPU; --device cpu checks without one")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    proof = Proof(Path(args.folder), device)
    print("PyTorch %s, %s" % (torch.__version__, name_of(device)))
    ok = True
    # As in the runtime, scripts run as they are written.
    with torch.jit.optimized_execution(args.fuse):
        if not args.no_check:
            ok = check(proof, args)
        if not args.no_time:
            measure(proof, args)
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
