# SPDX-License-Identifier: GPL-2.0-or-later
"""How the demo looks: a picture of the pair on a terminal, lines elsewhere."""
import shutil
import sys
import time

from pairlib import pauses_ms, percentile

CONSOLE_LINES = 8
MESSAGES = 7
FRAME_SECONDS = 0.08
BARS = "▁▂▃▄▅▆▇█"

RESET, BOLD, DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
RED, GREEN, YELLOW, CYAN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"


def console_tail(machine, count, width):
    lines = machine.serial_text()[-count * 80:].replace("\r", "").split("\n")
    lines = [line[:width] for line in lines[-count - 1:] if line]
    return ([""] * count + lines)[-count:]


def state_of(machine):
    """("running" | "checkpoint" | "ended"), from the events, without asking."""
    if machine.process.poll() is not None:
        return "ended"
    last = next((event["event"] for _, event in reversed(machine.qmp.events)
                 if event["event"] in ("STOP", "RESUME")), "RESUME")
    return "running" if last == "RESUME" else "checkpoint"


def pause_summary(pauses):
    if not pauses:
        return "no checkpoint yet"
    return (f"{len(pauses)} checkpoints · pause {pauses[-1]:.1f} ms · p50 {percentile(pauses, .5):.1f} · "
            f"p99 {percentile(pauses, .99):.1f} · max {max(pauses):.1f} ms")


class View:
    """What both views share: the time, the pair, the messages."""

    def __init__(self):
        self.started = time.monotonic()
        self.title = ""
        self.pair = None
        self.messages = []
        self.dead = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def begin(self, accel, delay_ms):
        self.title = f"{accel} · checkpoints every {delay_ms} ms"

    def attach(self, pair):
        self.pair = pair

    def killed(self, machine):
        self.dead = machine

    def say(self, text):
        self.messages.append((time.monotonic() - self.started, text))

    def watch(self, seconds, until=lambda: False):
        """Draws for so long, or until the condition holds; returns whether it does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            self.draw()
            time.sleep(max(0, min(FRAME_SECONDS, end - time.monotonic())))
        return until()

    def draw(self):
        pass

    def close(self):
        pass


class PlainView(View):
    def begin(self, accel, delay_ms):
        super().begin(accel, delay_ms)
        print(f"qemu-colo demo: {self.title}", flush=True)
        self.next_report = 0

    def say(self, text):
        super().say(text)
        print(f"{self.messages[-1][0]:6.2f} s  {text}", flush=True)

    def draw(self):
        if time.monotonic() < self.next_report or not self.pair:
            return
        self.next_report = time.monotonic() + 2
        consoles = "  ".join(f"{machine.name}: {console_tail(machine, 2, 24)[0] or '-'}"
                             for machine in self.pair.machines if machine is not self.dead)
        print(f"{time.monotonic() - self.started:6.2f} s  {consoles}  "
              f"({pause_summary(pauses_ms(self.pair.primary.qmp.events))})", flush=True)

    def verdict(self, good, text):
        print(f"{'PASSED' if good else 'FAILED'}: {text}", flush=True)


class TerminalView(View):
    def __init__(self):
        super().__init__()
        self.result = None
        self.last_picture = []
        self.marks = {"running": (GREEN, "running"), "checkpoint": (YELLOW, "checkpoint"),
                      "ended": (RED, "ended")}
        sys.stdout.write("\x1b[?1049h\x1b[?25l")  # another screen, no cursor

    def close(self):
        # What was drawn last stays on the ordinary screen.
        sys.stdout.write("\x1b[?25h\x1b[?1049l" + "\n".join(self.last_picture) + "\n")
        sys.stdout.flush()

    def say(self, text):
        super().say(text)
        self.draw()

    def verdict(self, good, text):
        self.result = (good, text)
        self.draw()

    def draw(self):
        self.last_picture = self.picture()
        frame = "".join(f"{line}\x1b[K\r\n" for line in self.last_picture)
        sys.stdout.write("\x1b[H" + frame + "\x1b[J")
        sys.stdout.flush()

    def picture(self):
        width = min(shutil.get_terminal_size().columns, 110)
        half = (width - 3) // 2
        lines = [f"{BOLD}qemu-colo{RESET}  {self.title}"[:width + 8], ""]
        if self.pair:
            boxes = [self.box(machine, half) for machine in self.pair.machines]
            lines += [f"{left} {right}" for left, right in zip(*boxes)]
            pauses = pauses_ms(self.pair.primary.qmp.events)
            lines += ["", f" {pause_summary(pauses)}"[:width], f" {CYAN}{self.bars(pauses, width - 2)}{RESET}", ""]
        for moment, text in self.messages[-MESSAGES:]:
            colour = RED if "WRONG" in text or "SIGKILL" in text else ""
            lines.append(f" {DIM}{moment:6.2f} s{RESET}  {colour}{text[:width - 12]}{RESET}")
        if self.result:
            good, text = self.result
            lines += ["", f" {BOLD}{GREEN if good else RED}{'PASSED' if good else 'FAILED'}{RESET}  {text}"]
        return lines

    def box(self, machine, width):
        colour, state = self.marks[state_of(machine)]
        if machine is self.dead:
            colour, state = RED, "killed"
        elif self.dead:
            state = "runs alone" if state == "running" else state
        head = f"─ {machine.name} "
        lines = [f"{colour}┌{head}{'─' * (width - len(head) - len(state) - 5)} {state} ─┐{RESET}"]
        lines += [f"{colour}│{RESET} {line:<{width - 4}} {colour}│{RESET}"
                  for line in console_tail(machine, CONSOLE_LINES, width - 4)]
        return lines + [f"{colour}└{'─' * (width - 2)}┘{RESET}"]

    @staticmethod
    def bars(pauses, width):
        shown = pauses[-width:]
        top = max(shown, default=1) or 1
        return "".join(BARS[min(len(BARS) - 1, int(pause / top * len(BARS)))] for pause in shown)
