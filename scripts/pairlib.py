# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines and COLO pairs from outside, by their command line and QMP.

Shared by scripts/demo and tests/bench; works with any program that has QEMU's
command line and COLO. Every wait has a deadline; machines die with their parent.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1


class PairError(Exception):
    """What went wrong with a machine, in words for a person."""


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Qmp:
    """A QMP session; a thread reads, so that events carry their time of arrival."""

    def __init__(self, path, process, timeout=20):
        end = time.monotonic() + timeout
        while True:
            try:
                self.socket = socket.socket(socket.AF_UNIX)
                self.socket.settimeout(timeout)
                self.socket.connect(path)
                break
            except OSError as error:
                self.socket.close()
                if process.poll() is not None:
                    raise PairError(f"the machine ended with code {process.returncode}") from error
                if time.monotonic() > end:
                    raise PairError(f"no QMP on {path} after {timeout} s") from error
                time.sleep(0.001)
        self.file = self.socket.makefile("r")
        try:
            self.greeting = json.loads(self.file.readline())
        except (OSError, ValueError) as error:  # it ended meanwhile
            raise PairError(f"{path} has no greeting: {error}") from error
        self.socket.settimeout(None)
        self.events = []  # (monotonic time of arrival, event)
        self._replies = {}
        self._changed = threading.Condition()
        self._last_id = 0
        self._closed = False
        threading.Thread(target=self._read, daemon=True).start()

    def negotiate(self):
        self.has_oob = "oob" in self.greeting["QMP"]["capabilities"]
        self.execute("qmp_capabilities", enable=["oob"] if self.has_oob else [])

    def _read(self):
        try:
            for line in self.file:
                message = json.loads(line)
                with self._changed:
                    if "event" in message:
                        self.events.append((time.monotonic(), message))
                    else:
                        self._replies[message.get("id")] = message
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def execute(self, command, oob=False, timeout=60, **arguments):
        with self._changed:
            self._last_id += 1
            number = self._last_id
        message = {"exec-oob" if oob else "execute": command, "id": number}
        if arguments:
            message["arguments"] = arguments
        try:
            self.socket.sendall((json.dumps(message) + "\n").encode())
        except OSError as error:
            raise PairError(f"{command}: the machine is gone") from error
        with self._changed:
            self._changed.wait_for(lambda: number in self._replies or self._closed, timeout)
            reply = self._replies.pop(number, None)
        if reply is None:
            raise PairError(f"{command}: " + ("the machine is gone" if self._closed else "no answer"))
        if "error" in reply:
            raise PairError(f"{command}: {reply['error'].get('desc', reply['error'])}")
        return reply["return"]

    def wait_event(self, name, since=0, timeout=60):
        """The first event of this name at index `since` or later, with its arrival time."""
        with self._changed:
            def found():
                return next((entry for entry in self.events[since:] if entry[1]["event"] == name), None)
            self._changed.wait_for(lambda: found() or self._closed, timeout)
            entry = found()
        if entry is None:
            raise PairError(f"the event {name} did not come")
        return entry


class Machine:
    def __init__(self, binary, name, directory, accel, memory_mib=64, image=None, extra=()):
        self.name = name
        self.serial_path = os.path.join(directory, f"{name}.serial")
        self.output_path = os.path.join(directory, f"{name}.out")
        qmp_path = os.path.join(directory, f"{name}.qmp")
        self.command = [binary, "-name", name, "-machine", "pc", "-accel", accel, "-m", str(memory_mib),
                        "-display", "none", "-nodefaults", "-serial", f"file:{self.serial_path}",
                        "-qmp", f"unix:{qmp_path},server=on,wait=off"]
        if image:
            self.command += ["-drive", f"if=ide,file={image},format=raw", "-snapshot"]
        self.command += extra
        self.started = time.monotonic()
        with open(self.output_path, "w", encoding="utf-8") as output:
            # pylint: disable=consider-using-with,subprocess-popen-preexec-fn
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.STDOUT, preexec_fn=_die_with_parent)
        try:
            self.qmp = Qmp(qmp_path, self.process)
            self.greeted = time.monotonic()
            self.qmp.negotiate()
        except PairError as error:
            self.kill()
            raise PairError(f"{name}: {error}: {self.output() or 'it printed nothing'}") from error

    def output(self):
        with open(self.output_path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()

    def serial_size(self):
        try:
            return os.path.getsize(self.serial_path)
        except OSError:
            return 0

    def serial_text(self):
        try:
            with open(self.serial_path, encoding="latin-1", newline="") as file:
                return file.read()
        except OSError:
            return ""

    def wait_serial(self, larger_than, timeout=60, step=0.001):
        end = time.monotonic() + timeout
        while self.serial_size() <= larger_than:
            if self.process.poll() is not None:
                raise PairError(f"{self.name}: ended with code {self.process.returncode}: {self.output()}")
            if time.monotonic() > end:
                raise PairError(f"{self.name}: the guest prints nothing")
            time.sleep(step)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, timeout=30):
        """SIGTERM; returns the exit code, or None if it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return None


class ColoPair:
    """A primary and a secondary; nothing is migrated before enter_colo()."""

    def __init__(self, binary, directory, accel, image, memory_mib, delay_ms, parameters=None, extra=()):
        self.machines = []
        try:
            self.primary = self._start(binary, "primary", directory, accel, memory_mib, image, extra)
            self.secondary = self._start(binary, "secondary", directory, accel, memory_mib, image,
                                         [*extra, "-incoming", "defer"])
            for machine in self.machines:
                machine.qmp.execute("migrate-set-capabilities", capabilities=[
                    {"capability": name, "state": True} for name in ("x-colo", "events")])
            self.primary.qmp.execute("migrate-set-parameters", **{
                "x-checkpoint-delay": delay_ms, "max-bandwidth": 4 << 30, "downtime-limit": 2000,
                **(parameters or {})})
        except BaseException:
            self.close()
            raise

    def _start(self, *arguments):
        self.machines.append(Machine(*arguments))
        return self.machines[-1]

    def enter_colo(self, timeout=120):
        """Migrates; returns when the primary's status is `colo`."""
        self.secondary.qmp.execute("migrate-incoming", uri="tcp:127.0.0.1:0")
        address = self.secondary.qmp.execute("query-migrate")["socket-address"][0]
        self.primary.qmp.execute("migrate", uri=f"tcp:{address['host']}:{address['port']}")
        end = time.monotonic() + timeout
        while True:
            reply = self.primary.qmp.execute("query-migrate")
            status = reply.get("status")
            if status == "colo":
                return
            if status in ("failed", "cancelled", "completed") or time.monotonic() > end:
                raise PairError(f"the migration is '{status}', not 'colo': {reply.get('error-desc', '')} "
                                f"{self.secondary.output()}")
            time.sleep(0.01)

    @staticmethod
    def take_over(survivor):
        """Tells a machine to go on alone; it may be that its connection hangs."""
        try:
            survivor.qmp.execute("yank", oob=survivor.qmp.has_oob, instances=[{"type": "migration"}])
        except PairError:
            pass  # nothing to yank: the connection is gone already
        survivor.qmp.execute("x-colo-lost-heartbeat")

    def close(self):
        for machine in self.machines:
            machine.kill()


def pauses_ms(events):
    """The guest's pauses, from the timestamps of STOP and RESUME, in milliseconds."""
    pauses, stopped = [], None
    for _, event in events:
        stamp = event["timestamp"]
        moment = stamp["seconds"] * 1e3 + stamp["microseconds"] / 1e3
        if event["event"] == "STOP":
            stopped = moment
        elif event["event"] == "RESUME" and stopped is not None:
            pauses.append(moment - stopped)
            stopped = None
    return pauses


def percentile(values, fraction):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(fraction * len(ordered)))]


def usable_accel(binary, image, directory, wanted="auto", patience=10):
    """("kvm" or "tcg", why): KVM if it boots the guest within some seconds."""
    if wanted != "auto":
        return wanted, "as asked for"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg", "there is no usable /dev/kvm"
    try:
        machine = Machine(binary, "probe", directory, "kvm", 64, image)
    except PairError as error:
        return "tcg", f"kvm does not start ({error})"
    try:
        machine.wait_serial(40, timeout=patience)
        return "kvm", "it boots the guest"
    except PairError:
        return "tcg", f"under kvm the guest does not boot within {patience} s"
    finally:
        machine.kill()
