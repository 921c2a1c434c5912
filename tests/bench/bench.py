#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures this build, beside another emulator with the same command line.

  pair     COLO with 512 MiB and a checkpoint every 600 ms: the guest's pause, by
           the timestamps of the primary's STOP and RESUME; how much of its speed
           alone the primary's guest keeps; then the primary is killed: time until
           the secondary, told to go on, prints again
  start    from fork to the QMP greeting, of `-machine pc` and of `-machine none`
  memory   resident memory of a stopped machine, without its guest's memory
  qmp      one `query-status` there and back

Prints a table with the ratio of ours to the other's, and writes JSON.
"""
import argparse
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))
from pairlib import ColoPair, Machine, PairError, Qmp, pauses_ms, percentile, usable_accel  # noqa: E402

import emulators  # noqa: E402

DELAY_MS = 600
GUEST_MIB = 512
LOADS = {"4 pages": "dirtier_4_pages", "64 MiB": "dirtier_64_mib"}


def measure_pair(binary, image, accel, method, seconds, directory):
    parameters = {"x-colo-method": method} if method else {}
    pair = ColoPair(binary, directory, accel, image, GUEST_MIB, DELAY_MS, parameters)
    try:
        pair.primary.wait_serial(2, timeout=90)
        alone = emulators.letters_a_second(pair.primary, seconds / 3)
        started = time.monotonic()
        pair.enter_colo()
        result = {"to_colo_s": time.monotonic() - started}
        time.sleep(1)
        first_event = len(pair.primary.qmp.events)
        printed = [machine.serial_size() for machine in pair.machines]
        time.sleep(seconds)
        pauses = pauses_ms(pair.primary.qmp.events[first_event:])
        result["checkpoints"] = len(pauses)
        result["printed_primary"], result["printed_secondary"] = (
            machine.serial_size() - before for machine, before in zip(pair.machines, printed))
        result["speed_kept"] = result["printed_primary"] / seconds / alone
        if not pauses:
            raise PairError(f"no checkpoint completed in {seconds:g} s")
        result.update(pause_mean_ms=statistics.mean(pauses), pause_p50_ms=percentile(pauses, .5),
                      pause_p99_ms=percentile(pauses, .99), pause_max_ms=max(pauses))

        result.update(traffic(pair.primary))
        result["secondary_mib"] = resident_mib(pair.secondary.process.pid)
        result["phases"] = {side: phase_times_ms(machine)
                            for side, machine in zip(("primary", "secondary"), pair.machines)}
        pair.primary.kill()
        killed = time.monotonic()
        ColoPair.take_over(pair.secondary)
        result["takeover_ms"] = (time.monotonic() - killed) * 1e3
        pair.secondary.wait_serial(pair.secondary.serial_size(), timeout=30)
        result["takeover_prints_ms"] = (time.monotonic() - killed) * 1e3
        return result
    finally:
        pair.close()


def traffic(machine):
    """What a checkpoint carries on average, from an emulator that tells."""
    colo = machine.qmp.execute("query-migrate").get("colo", {})
    count = colo.get("checkpoints", 0)
    return {key.replace("-", "_") + "_each": colo[key] / count
            for key in ("bytes", "pages", "pages-compared", "pages-skipped", "pages-patched") if count and key in colo}


def resident_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096 / (1 << 20)


def phase_times_ms(machine):
    """(p50, p99) of each part of a checkpoint, from an emulator that tells them."""
    phases = machine.qmp.execute("query-migrate").get("colo", {}).get("phases", [])
    return {phase["phase"]: (phase["p50"] / 1e3, phase["p99"] / 1e3) for phase in phases}


def measure_start(binary, accel, rounds, directory):
    times = {"pc": [], "none": []}
    # In turn, so that what else the host does falls on both.
    for _ in range(rounds):
        machine = Machine(binary, "start", directory, accel, GUEST_MIB, extra=["-S"])
        times["pc"].append((machine.greeted - machine.started) * 1e3)
        machine.kill()
        times["none"].append(start_without_board_ms(binary, accel, directory))
    return {f"start_{name}_{what}_ms": value for name, list_ in times.items()
            for what, value in (("p50", percentile(list_, .5)), ("max", max(list_)))}


def start_without_board_ms(binary, accel, directory):
    path = str(pathlib.Path(directory) / "none.qmp")
    command = [binary, "-machine", "none", "-accel", accel, "-display", "none", "-nodefaults", "-S",
               "-qmp", f"unix:{path},server=on,wait=off"]
    started = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            Qmp(path, process)
            return (time.monotonic() - started) * 1e3
        finally:
            process.kill()


def own_resident_mib(pid):
    """Resident memory without mappings that are as large as the guest's memory."""
    total, resident, size = 0, 0, 0
    with open(f"/proc/{pid}/smaps", encoding="ascii") as file:
        for line in file:
            if line.startswith("Size:"):
                size = int(line.split()[1])
            elif line.startswith("Rss:") and size < GUEST_MIB * 1024:
                resident = int(line.split()[1])
                total += resident
    return total / 1024


def qmp_round_trips_ms(path, rounds):
    """On a bare socket: a client with a thread of its own that reads would measure its own hand-over."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        replies = client.makefile("rb")
        replies.readline()
        client.sendall(b'{"execute": "qmp_capabilities"}\n')
        replies.readline()
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            client.sendall(b'{"execute": "query-status"}\n')
            while b'"return"' not in replies.readline():
                pass  # an event
            times.append((time.perf_counter() - started) * 1e3)
        return times


def measure_idle(binary, accel, rounds, directory):
    path = str(pathlib.Path(directory) / "second.qmp")
    machine = Machine(binary, "idle", directory, accel, GUEST_MIB,
                      extra=["-S", "-qmp", f"unix:{path},server=on,wait=off"])
    try:
        times = qmp_round_trips_ms(path, rounds)
        return {"own_memory_mib": own_resident_mib(machine.process.pid),
                "qmp_p50_ms": percentile(times, .5), "qmp_p99_ms": percentile(times, .99)}
    finally:
        machine.kill()


def show(rows, names):
    """One row for each figure: ours, the other's, and ours divided by the other's."""
    print(f"\n{'':42}" + "".join(f"{name:>14}" for name in names) + f"{'ratio':>9}")
    for label, values in rows:
        cells = "".join(f"{value:>14.2f}" if isinstance(value, float) else f"{str(value):>14}" for value in values)
        numeric = len(values) == 2 and all(isinstance(value, float) for value in values) and values[1]
        print(f"{label:42}{cells}" + (f"{values[0] / values[1]:>9.2f}" if numeric else ""))


def show_phases(results):
    """Where the time of a checkpoint goes; phases may overlap."""
    for title, result in results.items():
        for side, phases in (result.get("phases", {}) if isinstance(result, dict) else {}).items():
            times = "  ".join(f"{name} {p50:.2f}/{p99:.2f}" for name, (p50, p99) in phases.items())
            if times:
                print(f"{title}, {side}, p50/p99 ms: {times}")


def title(accel, load, method):
    return ", ".join(filter(None, (accel, load, method)))


def figures(results, names, measured, keys):
    found = [results[name].get(measured, {}) for name in names]
    for key in keys:
        if any(key in result for result in found):
            yield f"{measured}: {key}", [
                float(result[key]) if key in result else ("failed" if "error" in result else "-")
                for result in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emulators.add_options(parser, "bench.json")
    parser.add_argument("--accel", action="append", choices=["tcg", "kvm"], help="[both]")
    parser.add_argument("--load", action="append", choices=list(LOADS), help="[both]")
    parser.add_argument("--method", action="append", choices=["cache", "diverged"],
                        help="how our secondary comes to a checkpoint's memory [the default one]")
    parser.add_argument("--seconds", type=float, default=15, help="how long each pair is watched [15]")
    parser.add_argument("--rounds", type=int, default=20, help="starts of a machine [20]")
    parser.add_argument("--skip-pair", action="store_true")
    options = parser.parse_args()

    build = options.build_dir.resolve()
    binaries = emulators.chosen(options)
    accels = options.accel or ["tcg", "kvm"]

    results = {name: {} for name in binaries}
    for name, binary in binaries.items():
        results[name]["binary"] = binary
        for accel in list(accels):
            with tempfile.TemporaryDirectory() as directory:
                image = str(build / "tests/guest/counter.img")
                if accel == "kvm" and usable_accel(binary, image, directory, patience=30)[0] != "kvm":
                    results[name]["kvm"] = {"error": "not usable here"}
                    print(f"{name}: kvm is not usable here", file=sys.stderr)
                    continue
            for load, guest in ({} if options.skip_pair else LOADS).items():
                if options.load and load not in options.load:
                    continue
                for method in (options.method or [""]) if name == "ours" else [""]:
                    print(f"{name}: pair, {accel}, {load} {method}", file=sys.stderr, flush=True)
                    results[name][title(accel, load, method)] = emulators.attempt(
                        measure_pair, binary, str(build / f"tests/guest/{guest}.img"), accel, method, options.seconds)
        print(f"{name}: start, memory, qmp", file=sys.stderr, flush=True)
        results[name]["tcg, -S"] = {**emulators.attempt(measure_start, binary, "tcg", options.rounds),
                                    **emulators.attempt(measure_idle, binary, "tcg", 2000)}

    rows = []
    for accel in accels:
        for load in LOADS:
            for method in options.method or [""]:
                rows += figures(results, list(binaries), title(accel, load, method),
                                ["checkpoints", "pause_p50_ms", "pause_p99_ms", "pause_max_ms", "takeover_ms",
                                 "takeover_prints_ms", "to_colo_s", "speed_kept", "bytes_each", "pages_each",
                                 "pages_compared_each", "pages_skipped_each", "pages_patched_each",
                                 "secondary_mib"])
    rows += figures(results, list(binaries), "tcg, -S",
                    ["start_pc_p50_ms", "start_none_p50_ms", "own_memory_mib", "qmp_p50_ms", "qmp_p99_ms"])
    show(rows, list(binaries))
    show_phases(results["ours"])
    for name in binaries:
        for measured, result in results[name].items():
            if isinstance(result, dict) and "error" in result:
                print(f"{name}, {measured}: {result['error']}")

    output = options.json or build / "bench.json"
    output.write_text(json.dumps({"delay_ms": DELAY_MS, "guest_mib": GUEST_MIB, "seconds": options.seconds,
                                  "results": results}, indent=1) + "\n")
    print(f"\nwritten to {output}")
    return 1 if any("error" in result for result in results["ours"].values() if isinstance(result, dict)) else 0


if __name__ == "__main__":
    sys.exit(main())
