#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast a migration is: a stopped guest of 2 GiB full of data that does not
compress, over loopback, ours beside another emulator with the same command line.

Both run the same guest program under `-accel tcg` (it only fills the memory; the
VM is stopped while it is measured). For each way (plain, multifd with 2 and with 4
channels, multifd 2 with zstd) a fresh destination listens, `migrate` is given, and
the time runs until `query-migrate` says completed. CPU seconds are user and system
time of both processes, all threads, in that span. Ways and emulators alternate, so
that what else happens on the machine hits all of them; the best of the rounds is
shown.

The destination's memory is new to its process, but should not be new to the machine:
where that is virtual itself, its host may have taken free memory back (a balloon
that reports it), and finding 2 GiB again costs eight seconds of CPU here, ten times
what is measured. So before each migration another process touches as much memory
and ends.
"""
import argparse
import json
import mmap
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))
from pairlib import Machine, PairError  # noqa: E402

import emulators  # noqa: E402

GUEST_MIB = 2048
WAYS = {
    "plain": {},
    "multifd 2": {"multifd-channels": 2},
    "multifd 4": {"multifd-channels": 4},
    "multifd 2 zstd": {"multifd-channels": 2, "multifd-compression": "zstd"},
}


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def configure(machine, parameters):
    machine.qmp.execute("migrate-set-capabilities",
                        capabilities=[{"capability": "multifd", "state": bool(parameters)}])
    machine.qmp.execute("migrate-set-parameters", **{"max-bandwidth": 10 ** 12, **parameters})


def touch_memory(mib):
    """Makes the machine have this much free memory that its host has given to it."""
    child = os.fork()
    if child == 0:
        memory = mmap.mmap(-1, mib << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
        for at in range(0, mib << 20, 4096):
            memory[at] = 1
        os._exit(0)
    os.waitpid(child, 0)


def fill(binary, name, image, directory):
    """A stopped machine whose memory is full."""
    machine = Machine(binary, name, directory, "tcg", GUEST_MIB, image)
    machine.wait_serial(1, timeout=240, step=.05)
    machine.qmp.execute("stop")
    return machine


def migrate(source, binary, parameters, directory):
    parameters = {"multifd-compression": "none", **parameters} if parameters else {}
    destination = Machine(binary, "destination", directory, "tcg", GUEST_MIB, source.image,
                          ["-incoming", "defer"])
    try:
        # A source that has migrated once has to be told that it is used again.
        if source.qmp.execute("query-status")["status"] == "postmigrate":
            source.qmp.execute("cont")
            source.qmp.execute("stop")
        for machine in (source, destination):
            configure(machine, parameters)
        destination.qmp.execute("migrate-incoming", uri="tcp:127.0.0.1:0")
        port = destination.qmp.execute("query-migrate")["socket-address"][0]["port"]
        touch_memory(GUEST_MIB + 64)
        pids = (source.process.pid, destination.process.pid)
        cpu = sum(map(cpu_seconds, pids))
        started = time.monotonic()
        source.qmp.execute("migrate", uri=f"tcp:127.0.0.1:{port}")
        while (reply := source.qmp.execute("query-migrate"))["status"] != "completed":
            if reply["status"] in ("failed", "cancelled") or time.monotonic() > started + 120:
                raise PairError(f"the migration is {reply['status']}: {reply.get('error-desc', '')}")
            time.sleep(.002)
        seconds = time.monotonic() - started
        cpu = sum(map(cpu_seconds, pids)) - cpu
        gib = reply["ram"]["normal-bytes"] / 2 ** 30 or GUEST_MIB / 1024
        return {"gib_per_s": gib / seconds, "cpu_s_per_gib": cpu / gib, "seconds": seconds,
                "transferred_mib": reply["ram"]["transferred"] / 2 ** 20}
    finally:
        destination.kill()


def measure(binaries, image, ways, rounds, directory):
    results = {name: {} for name in binaries}
    sources = {}
    try:
        for name, binary in binaries.items():
            print(f"{name}: filling {GUEST_MIB} MiB", file=sys.stderr, flush=True)
            sources[name] = fill(binary, name, image, directory)
            sources[name].image = image
        for name, binary in binaries.items():
            print(f"{name}: a migration to warm up", file=sys.stderr, flush=True)
            migrate(sources[name], binary, WAYS[ways[0]], directory)
        for number in range(rounds):
            for way in ways:
                for name, binary in binaries.items():
                    try:
                        result = migrate(sources[name], binary, WAYS[way], directory)
                    except PairError as error:
                        results[name][way] = {"error": str(error)[:300]}
                        continue
                    print(f"round {number + 1}, {way}, {name}: {result['gib_per_s']:.2f} GiB/s, "
                          f"{result['cpu_s_per_gib']:.2f} CPU s/GiB", file=sys.stderr, flush=True)
                    all_rounds = results[name].setdefault(way, {"rounds": []}).setdefault("rounds", [])
                    all_rounds.append(result)
                    results[name][way].update(max(all_rounds, key=lambda r: r["gib_per_s"]))
    finally:
        for source in sources.values():
            source.kill()
    return results


def show(results):
    names = list(results)
    print(f"\n{'':18}" + "".join(f"{name + ' GiB/s':>16}{'CPU s/GiB':>12}" for name in names))
    for way in WAYS:
        if not any(way in results[name] for name in names):
            continue
        cells = ""
        for name in names:
            result = results[name].get(way, {"error": "-"})
            cells += (f"{result['gib_per_s']:>16.2f}{result['cpu_s_per_gib']:>12.2f}"
                      if "gib_per_s" in result else f"{'failed':>16}{'-':>12}")
        print(f"{way:18}{cells}")
    for name in names:
        for way, result in results[name].items():
            if "error" in result:
                print(f"{name}, {way}: {result['error']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emulators.add_options(parser, "throughput.json")
    parser.add_argument("--way", action="append", choices=list(WAYS), help="[all]")
    parser.add_argument("--rounds", type=int, default=3, help="[3]")
    options = parser.parse_args()

    build = options.build_dir.resolve()
    binaries = emulators.chosen(options)
    with tempfile.TemporaryDirectory(prefix="qemu-colo-throughput-") as directory:
        try:
            results = measure(binaries, str(build / "tests/guest/filler_2_gib.img"),
                              options.way or list(WAYS), options.rounds, directory)
        except PairError as error:
            print(error, file=sys.stderr)
            return 1
    show(results)
    output = options.json or build / "throughput.json"
    output.write_text(json.dumps({"guest_mib": GUEST_MIB, "binaries": binaries, "results": results}, indent=1) + "\n")
    print(f"\nwritten to {output}")
    return 1 if any("error" in result for result in results["ours"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
