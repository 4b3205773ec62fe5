"""Runs programs and measures them: wall time, processor time, peak memory."""

import os
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass

TIMEOUT_S = 1200


class Failed(Exception):
    """A program that should have worked did not."""


@dataclass
class Sample:
    wall_s: float
    cpu_s: float
    rss_kb: int
    output: str


def run(argv, env, cwd=None, must_succeed=True):
    """One program to its end, under GNU time (its own small memory does not hide the child's, as Python's would)."""
    report = os.path.join(env["HOME"], "time")
    started = time.perf_counter()
    done = subprocess.run(
        ["/usr/bin/time", "-q", "-o", report, "-f", "%M %U %S", *argv],
        env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
    wall = time.perf_counter() - started
    output = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0 and must_succeed:
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}: {output.strip()[-400:]}")
    with open(report, encoding="ascii") as file:
        rss, user, system = file.read().split()[-3:]
    return Sample(wall, float(user) + float(system), int(rss), output)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processor_s(process):
    """Processor time of a running process, to the nanosecond (its /proc/PID/stat counts in hundredths of a second)."""
    return time.clock_gettime(~process << 3 | 2)   # clock_getcpuclockid(3): CPUCLOCK_SCHED of that process


class Server:
    """A server process on loopback, for the span of a `with`; afterwards `rss_kb` is its peak, children included."""

    def __init__(self, argv_of_port, env):
        self._port = free_port()
        self._argv = argv_of_port(self._port)
        self._env = env
        self.rss_kb = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self._port}/"

    def __enter__(self):
        self._log = open(os.path.join(self._env["HOME"], "server.log"), "wb")
        self._report = os.path.join(self._env["HOME"], "server.time")
        # `time` forks the server, so the server's own id is its only child.
        self._process = subprocess.Popen(
            ["/usr/bin/time", "-q", "-o", self._report, "-f", "%M", *self._argv],
            env=self._env, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"{' '.join(self._argv)} does not listen: {self._text()}") from None
                time.sleep(0.01)

    def resident_kb(self):
        """What the server holds right now."""
        with open(f"/proc/{self._child()}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def processor_s(self):
        """Processor time so far, with that of the processes which the server started and which have ended."""
        child = self._child()
        with open(f"/proc/{child}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return processor_s(child) + (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def __exit__(self, *_):
        child = self._child()
        if child is not None:
            os.kill(child, 15)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.kill(child, 9)
            self._process.wait()
        self._log.close()
        with open(self._report, encoding="ascii") as file:
            self.rss_kb = int(file.read().split()[-1])

    def _child(self):
        path = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def _text(self):
        self._log.flush()
        with open(self._log.name, "rb") as file:
            return file.read()[-400:].decode("utf-8", "replace")


def median(samples):
    """The middle of each figure over several samples; the peak of memory is the middle of peaks."""
    return Sample(
        statistics.median(s.wall_s for s in samples),
        statistics.median(s.cpu_s for s in samples),
        int(statistics.median(s.rss_kb for s in samples)),
        samples[-1].output)


def interleave(runs, ours, stock):
    """Both sides by turns, each going first half of the time; answers their medians (or None for a missing side)."""
    samples = {ours: [], stock: []}
    for i in range(runs):
        for side in (ours, stock) if i % 2 == 0 else (stock, ours):
            if side is not None:
                samples[side].append(side())
    return tuple(median(samples[side]) if side is not None else None for side in (ours, stock))
