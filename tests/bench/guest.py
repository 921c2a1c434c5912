#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures what a guest gets of this build, beside another emulator with the same command line.

  boot    Debian's kernel to a shell that does some work and powers off: the emulator's CPU
          time and the time it took; bzImage, and vmlinux by PVH (scripts/guest-images)
  disk    a virtio disk in the page cache: 4 KiB reads anywhere, 32 at a time; reads of
          1 MiB one after the other, 8 at a time
  dirty   how much of its speed a guest keeps that writes its memory all the time, while its
          writes are logged for a migration that goes nowhere
  stop    `stop` with four processors that run hot loops, beside `query-status`, which costs
          the monitor's way there and back only; and again with ours before everybody else on
          the host (real-time priorities, for a second or two), if we may
  pause   a COLO pair whose guest is idle: Linux, beside the boot sector's 4 pages (only ours)

Prints a table with the ratio of ours to the other's, and writes JSON.
"""
import argparse
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "scripts"))
from pairlib import ColoPair, Machine, PairError, pauses_ms, percentile  # noqa: E402

import emulators  # noqa: E402

PARTS = ("boot", "disk", "dirty", "stop", "pause")
MIB = 1 << 20
DISK_MIB = 1024
# What one letter on the serial port stands for: bytes.
DISK_LOADS = {"virtio_disk_random": 100 * 4096, "virtio_disk_sequential": 8 * MIB}
DELAY_MS = 200
STOPS = 200


def children_cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def linux_arguments(images, kernel, job):
    return ["-kernel", str(images / kernel), "-initrd", str(images / "initrd.gz"),
            "-append", f"console=ttyS0 job={job}"]


def boot(binary, images, kernel, directory):
    serial = pathlib.Path(directory) / "boot.serial"
    before, started = children_cpu_seconds(), time.monotonic()
    command = [binary, "-accel", "tcg", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot",
               "-serial", f"file:{serial}", *linux_arguments(images, kernel, "check")]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if outcome.returncode != 0 or "inflated" not in serial.read_text(errors="replace"):
        raise PairError(f"the guest did not do its work: {outcome.stderr.strip()[-200:]}")
    return {"cpu_s": children_cpu_seconds() - before, "s": time.monotonic() - started}


def busiest_thread_seconds(pid):
    """CPU time of the thread that has most of it: the guest's processor, when that never rests."""
    stats = (task.read_text(encoding="ascii") for task in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"))
    ticks = (sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats)
    return max(ticks) / os.sysconf("SC_CLK_TCK")


def progress(machine, seconds):
    """Letters and CPU seconds: on a machine where others work too, their ratio is the guest's speed."""
    letters, cpu = machine.serial_size(), busiest_thread_seconds(machine.process.pid)
    time.sleep(seconds)
    return machine.serial_size() - letters, busiest_thread_seconds(machine.process.pid) - cpu


def speed(parts):
    letters, cpu = map(sum, zip(*parts))
    return letters / cpu


def wait_migration(machine, wanted, timeout=20):
    end = time.monotonic() + timeout
    while (status := machine.qmp.execute("query-migrate")["status"]) != wanted:
        if time.monotonic() > end or status in ("failed", "completed"):
            raise PairError(f"the migration is '{status}', not '{wanted}'")
        time.sleep(.01)


def disk(binary, guest, data, bytes_each, seconds, directory):
    machine = Machine(binary, "disk", directory, "tcg", 512, guest, extra=[
        "-drive", f"file={data},format=raw,if=none,id=data,snapshot=off", "-device", "virtio-blk-pci,drive=data"])
    try:
        machine.wait_serial(2)
        return {"mib_per_s": emulators.letters_a_second(machine, seconds) * bytes_each / MIB}
    finally:
        machine.kill()


def dirty(binary, guest, seconds, directory):
    machine = Machine(binary, "dirty", directory, "tcg", 512, guest)
    with socket.socket(socket.AF_UNIX) as listener:
        path = os.path.join(directory, "nowhere")
        listener.bind(path)
        listener.listen()
        try:
            machine.wait_serial(2)
            machine.qmp.execute("migrate-set-parameters", **{"max-bandwidth": MIB})
            alone, logged = [], []
            for _ in range(int(seconds)):
                alone.append(progress(machine, 1))
                machine.qmp.execute("migrate", uri=f"unix:{path}")
                time.sleep(.3)
                logged.append(progress(machine, 1))
                wait_migration(machine, "active")
                machine.qmp.execute("migrate_cancel")
                wait_migration(machine, "cancelled")
            return {"speed_kept": speed(logged) / speed(alone)}
        finally:
            machine.kill()
            os.unlink(path)


def milliseconds(machine, command):
    started = time.monotonic()
    machine.qmp.execute(command)
    return (time.monotonic() - started) * 1000


def go_first(machine):
    """The processors of the guest before other programs, and who stops them before those."""
    for pid in (machine.process.pid, os.getpid()):
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            processor = (thread / "comm").read_text().startswith("CPU ")
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1 if processor else 2))


def stop(binary, arguments, first, directory):
    machine = Machine(binary, "stop", directory, "tcg", 192, None, [*arguments, "-smp", "4"])
    try:
        end = time.monotonic() + 180
        while "spinning" not in machine.serial_text():
            if time.monotonic() > end:
                raise PairError("Linux did not come up")
            time.sleep(.2)
        if first:
            go_first(machine)
        asked, stopped = [], []
        for _ in range(STOPS):
            asked.append(milliseconds(machine, "query-status"))
            stopped.append(milliseconds(machine, "stop"))
            machine.qmp.execute("cont")
            time.sleep(.005)
        return {"query_p50_ms": percentile(asked, .5), "stop_p50_ms": percentile(stopped, .5),
                "stop_p99_ms": percentile(stopped, .99), "stop_max_ms": max(stopped)}
    except PermissionError as error:
        raise PairError(f"real-time priority: {error}") from error
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        machine.kill()


def pause(binary, image, arguments, seconds, directory):
    pair = ColoPair(binary, directory, "tcg", image, 512, DELAY_MS, extra=arguments)
    try:
        pair.primary.wait_serial(2, timeout=90)
        end = time.monotonic() + 90
        while arguments and "idle now" not in pair.primary.serial_text():
            if time.monotonic() > end:
                raise PairError("Linux did not come up")
            time.sleep(.2)
        pair.enter_colo()
        time.sleep(1)
        first = len(pair.primary.qmp.events)
        time.sleep(seconds)
        pauses = pauses_ms(pair.primary.qmp.events[first:])
        if not pauses:
            raise PairError(f"no checkpoint completed in {seconds:g} s")
        return {"checkpoints": len(pauses), "pause_p50_ms": percentile(pauses, .5),
                "pause_p99_ms": percentile(pauses, .99), "pause_max_ms": max(pauses)}
    finally:
        pair.close()


def jobs(options, build, data):
    """(part, what, function of a binary and a directory, whether other emulators can do it)."""
    guests, images = build / "tests/guest", build / "tests/images"
    for kernel in ("vmlinuz", "vmlinux"):
        if (images / kernel).exists():
            yield "boot", kernel, lambda b, d, k=kernel: boot(b, images, k, d), True
    for load, size in DISK_LOADS.items():
        yield ("disk", load, lambda b, d, n=load, s=size:
               disk(b, guests / f"{n}.img", data, s, options.seconds, d), True)
    yield "dirty", "64 MiB", lambda b, d: dirty(b, guests / "dirtier_64_mib.img", options.seconds, d), True
    if (images / "vmlinuz").exists():
        for what, first in (("4 hot vCPUs", False), ("the same, first on the host", True)):
            yield ("stop", what, lambda b, d, f=first:
                   stop(b, linux_arguments(images, "vmlinuz", "spin"), f, d), not first)
    yield ("pause", "4 pages", lambda b, d: pause(b, guests / "dirtier_4_pages.img", [], options.seconds, d), False)
    if (images / "vmlinuz").exists():
        yield ("pause", "idle Linux", lambda b, d:
               pause(b, None, linux_arguments(images, "vmlinuz", "idle"), options.seconds, d), False)


def show(results, names):
    print(f"\n{'':44}" + "".join(f"{name:>12}" for name in names) + f"{'ratio':>9}")
    for what, by_name in results.items():
        for key in by_name["ours"]:
            values = [by_name.get(name, {}).get(key) for name in names]
            if key == "error":
                print(f"{what}: {values[0]}")
                continue
            cells = "".join(f"{'-':>12}" if value is None else f"{value:>12.2f}" for value in values)
            ratio = f"{values[0] / values[1]:>9.2f}" if len(values) == 2 and values[1] else ""
            print(f"{what + ': ' + key:44}{cells}{ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emulators.add_options(parser, "guest.json")
    parser.add_argument("--part", action="append", choices=PARTS, help="[all]")
    parser.add_argument("--seconds", type=float, default=10, help="how long each guest is watched [10]")
    options = parser.parse_args()

    build = options.build_dir.resolve()
    binaries = emulators.chosen(options)
    results = {}
    with tempfile.NamedTemporaryFile(prefix="qemu-colo-disk-", suffix=".img") as data:
        block = os.urandom(MIB)
        for _ in range(DISK_MIB if not options.part or "disk" in options.part else 0):
            data.write(block)
        data.flush()
        for part, what, measure, anyone in jobs(options, build, data.name):
            if options.part and part not in options.part:
                continue
            results[f"{part}, {what}"] = {name: emulators.attempt(measure, binary)
                                          for name, binary in binaries.items() if anyone or name == "ours"}
            print(f"{part}, {what}: {results[f'{part}, {what}']}", file=sys.stderr, flush=True)
    show(results, list(binaries))
    output = options.json or build / "guest.json"
    output.write_text(json.dumps({"binaries": binaries, "results": results}, indent=1) + "\n")
    print(f"\nwritten to {output}")
    return 1 if any("error" in result["ours"] for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
