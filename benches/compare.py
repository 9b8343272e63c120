#!/usr/bin/env python3
"""Population loss and gradient, and a least-squares fit, against the peers, in one session and on one thread; prints Markdown tables of medians.

PYTHON names the interpreter that has NumPy and JAX (benches/peers/README.md); this script needs the standard library only.
The session goes round ROUNDS times (default 3), peers and Rust in turns; the quietest median of each counts.
"""
import json, os, pathlib, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "benches" / "peers"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu",
              "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
ENVIRONMENT = {**os.environ, **ONE_THREAD, "CARGO_TERM_COLOR": "never"}
SIZES = [(8, 4, 64), (32, 16, 256), (128, 64, 1024)]


def run(command, where):
    return subprocess.run(command, cwd=where, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def interpreter():
    python = os.environ.get("PYTHON", sys.executable)
    return str(pathlib.Path(python).absolute()) if os.sep in python else python


def peer(name):
    lines = [json.loads(line) for line in run([interpreter(), f"population_loss_{name}.py"], PEERS).splitlines() if line.startswith("{")]
    return {(line["m"], line["ms"], line["d"]): line["median_s"] for line in lines}


def scipy_fit(data):
    """Seconds of the least-squares fit by SciPy's two methods; writes the data, the start and the box for the Rust bench."""
    lines = [json.loads(line) for line in run([interpreter(), "fit_scipy.py", "sigmoid", "--write", str(data)], PEERS).splitlines() if line.startswith("{")]
    return {line["peer"]: line["median_s"] for line in lines}


def executables():
    """The compiled benches by name, so that nothing is compiled between two measurements."""
    messages = map(json.loads, run(["cargo", "bench", "--quiet", "--no-run", "--message-format=json"], ROOT).splitlines())
    return {m["target"]["name"]: m["executable"] for m in messages if m.get("executable") and m["target"]["kind"] == ["bench"]}


def rust(bench, executable):
    """Criterion's medians in seconds, by name, and what the bench prints about itself."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    output = run([executable, "--bench", "--quiet", "--noplot", "--warm-up-time", "1", "--measurement-time", "3"], ROOT)
    notes = [line for line in output.splitlines() if line.startswith(f"{bench}: ")]
    names = {path: json.loads(path.with_name("benchmark.json").read_text())["full_id"]
             for path in (target / "criterion" / bench).glob("**/new/estimates.json")}
    return {name: json.loads(path.read_text())["median"]["point_estimate"] * 1e-9 for path, name in names.items()}, notes


def time(seconds):
    unit, scale = next((u, s) for u, s in [("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 0)] if seconds >= s)
    return f"{seconds / (scale or 1e-9):.3g} {unit}"


def main():
    best, notes = {}, []
    benches = executables()
    data = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "fit_scipy.csv"
    ENVIRONMENT["FIT_DATA"] = str(data)
    for _ in range(int(os.environ.get("ROUNDS", "3"))):
        medians = {(name, size): median for name in ("numpy", "jax") for size, median in peer(name).items()}
        medians.update(scipy_fit(data))
        notes = []
        for bench in ("population", "flow", "peak", "pairs", "elementary", "fit"):
            found, said = rust(bench, benches[bench])
            medians.update(found)
            notes += said
        for key, median in medians.items():
            best[key] = min(median, best.get(key, median))
    print("| m × m* × d | this project | NumPy | JAX | better peer / this |\n|---|---|---|---|---|")
    for m, teachers, d in SIZES:
        ours, peers = best[f"population/{m}x{teachers}x{d}"], [best[name, (m, teachers, d)] for name in ("numpy", "jax")]
        cells = [f"{m} × {teachers} × {d}", time(ours), *map(time, peers), f"{min(peers) / ours:.1f}"]
        print("| " + " | ".join(cells) + " |")
    print("\n| fit | this project | SciPy TRF | SciPy LM | better peer / this |\n|---|---|---|---|---|")
    ours, peers = best["fit/sigmoid-k3-n100000"], [best["scipy-trf"], best["scipy-lm"]]
    print("| " + " | ".join(["sigmoid, k = 3, n = 100000", time(ours), *map(time, peers), f"{min(peers) / ours:.1f}"]) + " |\n")
    for name in sorted(name for name in best if isinstance(name, str) and not name.startswith("population/")):
        print(f"{name}: {time(best[name])}")
    print("\n".join(notes))


if __name__ == "__main__":
    main()
