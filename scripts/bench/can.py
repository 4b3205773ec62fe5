#!/usr/bin/env python3
"""Two mirrored asset stores over loopback, beside rsync and syncthing on the same files; see scripts/bench.sh."""

import argparse
import collections
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Failed, free_port, processor_s  # noqa: E402
from report import machine, write  # noqa: E402
from stores import Store  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Mirror of assets"
LARGE_BYTES = 128 << 20
SMALL = 3000
UPLOADS = 200
MB_S_MIN = 150
VISIBLE_MS_MAX = 200


def say(text):
    print(text, file=sys.stderr, flush=True)


class MeasuredStore(Store):
    """It is served at once."""

    def __init__(self, binary, folder, settings):
        super().__init__(binary, folder, settings)
        self.start()

    def put(self, content):
        boundary = "----figures"
        body = (f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n').encode()
        request = urllib.request.Request(
            self.url + "/api/v1/can/0/ingest", data=body + content + f"\r\n--{boundary}--\r\n".encode(),
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.load(reply)["data"]["hash"]

    def wait_for(self, assets, timeout=600):
        end = time.monotonic() + timeout
        while (status := self.get("/status"))["assets"] < assets or status["mirror"]["missing"] > 0:
            if time.monotonic() > end:
                raise Failed(f"{assets} assets did not come: {status}")
            time.sleep(0.05)

    def arrivals(self, seen):
        """Notes when each asset is announced, until the stream ends."""
        with contextlib.suppress(OSError, ValueError):
            for line in urllib.request.urlopen(self.url + "/api/v1/can/0/events"):
                if line.startswith(b"data: "):
                    seen[json.loads(line[6:])["hash"]] = time.monotonic()


@contextlib.contextmanager
def pair(binary, work):
    """Two stores, which meet when `meet` is called."""
    ticket = os.path.join(work, "ticket")
    one = MeasuredStore(binary, os.path.join(work, "one"), f"ticket_file: {ticket}\n")
    two = MeasuredStore(binary, os.path.join(work, "two"), f"connect_ticket_file: {ticket}.read\n")
    try:
        yield one, two
    finally:
        for store in (one, two):
            store.end()


def meet(work, two):
    ticket = os.path.join(work, "ticket")
    os.replace(ticket, ticket + ".read")
    while not two.get("/status")["mirror"]["peers"]:
        time.sleep(0.01)
    return time.monotonic()


def fill(path, size=LARGE_BYTES):
    """Random bytes, on the disk before anything is measured."""
    with open(path, "wb") as file:
        for _ in range(size >> 20):
            file.write(os.urandom(1 << 20))
        os.fsync(file.fileno())


def disk(work):
    """What the disk takes: the same bytes, written and flushed."""
    path = os.path.join(work, "disk")
    piece = os.urandom(1 << 20)
    begin = time.monotonic()
    with open(path, "wb") as file:
        for _ in range(2 * LARGE_BYTES >> 20):
            file.write(piece)
        os.fsync(file.fileno())
    took = time.monotonic() - begin
    os.remove(path)
    return 2 * LARGE_BYTES / 1e6 / took


def mirror(figures, binary, files):
    with tempfile.TemporaryDirectory() as work, pair(binary, work) as (one, two):
        for store, path in zip((one, two), files):
            store.put_file(path)
        say("a large asset each way at once")
        idle = [memory_mb(s.process.pid) for s in (one, two)]
        before = sum(processor_s(s.process.pid) for s in (one, two))
        begin = meet(work, two)
        for store in (one, two):
            store.wait_for(2)
        figures["both MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        after = sum(processor_s(s.process.pid) for s in (one, two))
        figures["s/GB"].append((after - before) / (2 * LARGE_BYTES / 1e9))
        figures["memory MB"].append(max(memory_mb(s.process.pid) - i for s, i in zip((one, two), idle)))

        say(f"{UPLOADS} uploads, one after the other")
        seen, puts = {}, {}
        threading.Thread(target=two.arrivals, args=(seen,), daemon=True).start()
        time.sleep(0.5)
        for i in range(UPLOADS):
            puts[one.put(f"upload {i}".encode())] = time.monotonic()
        two.wait_for(2 + UPLOADS)
        time.sleep(0.5)
        waits = sorted(max(0, seen[h] - at) * 1000 for h, at in puts.items() if h in seen)
        figures["visible p50"].append(waits[len(waits) // 2])
        figures["visible p99"].append(waits[len(waits) * 99 // 100])

        say(f"{SMALL} small uploads from 32 clients")
        begin = time.monotonic()
        with ThreadPoolExecutor(32) as clients:
            list(clients.map(lambda i: one.put(f"small {i} ".encode() * 100), range(SMALL)))
        figures["small put s"].append(time.monotonic() - begin)
        two.wait_for(2 + UPLOADS + SMALL)
        figures["small s"].append(time.monotonic() - begin)


def rsync(figures, files):
    """Both ways at once, through rsync's own server on loopback; each file is flushed."""
    say("rsync")
    with tempfile.TemporaryDirectory() as work:
        sides = [os.path.join(work, name) for name in ("one", "two")]
        for side, path in zip(sides, files):
            os.makedirs(side)
            os.link(path, os.path.join(side, os.path.basename(path)))
        port = free_port()
        with open(os.path.join(work, "conf"), "w", encoding="utf-8") as conf:
            conf.write("use chroot = no\n" + "".join(
                f"[{os.path.basename(side)}]\npath = {side}\nread only = no\nuid = root\n" for side in sides))
        server = subprocess.Popen(["rsync", "--daemon", "--no-detach", "--address=127.0.0.1", f"--port={port}",
                                   f"--config={work}/conf"])
        try:
            time.sleep(0.5)
            begin = time.monotonic()
            runs = [
                subprocess.Popen(
                    ["rsync", "-a", "--fsync", "--whole-file", side + "/", f"rsync://127.0.0.1:{port}/{other}/"])
                for side, other in zip(sides, ("two", "one"))]
            if any(run.wait() for run in runs):
                raise Failed("rsync failed")
            figures["rsync MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        finally:
            server.terminate()
            server.wait()


class Syncthing:
    """A device that knows one other, at a fixed address, and nothing else of the network."""

    def __init__(self, home, file):
        self.home, self.port, self.gui = home, free_port(), free_port()
        self.folder = os.path.join(home, "folder")
        os.makedirs(self.folder)
        os.link(file, os.path.join(self.folder, os.path.basename(file)))
        subprocess.run(
            ["syncthing", "generate", "--home", home], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        self.id = subprocess.run(["syncthing", "--home", home, "--device-id"], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.strip()
        with open(os.path.join(home, "config.xml"), encoding="utf-8") as config:
            self.key = re.search("<apikey>(.*?)</apikey>", config.read()).group(1)
        self.process = None

    def start(self, other):
        with open(os.path.join(self.home, "config.xml"), "w", encoding="utf-8") as config:
            config.write(f"""<configuration version="36">
  <folder id="f" path="{self.folder}" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="false">
    <device id="{self.id}"/><device id="{other.id}"/>
  </folder>
  <device id="{self.id}"><address>dynamic</address></device>
  <device id="{other.id}"><address>tcp://127.0.0.1:{other.port}</address><paused>true</paused></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:{self.gui}</address><apikey>{self.key}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:{self.port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled><localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled><urAccepted>-1</urAccepted>
    <crashReportingEnabled>false</crashReportingEnabled><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <reconnectionIntervalS>1</reconnectionIntervalS>
  </options>
</configuration>
""")
        self.process = subprocess.Popen(["syncthing", "serve", "--home", self.home, "--no-browser", "--no-restart",
                                         "--no-upgrade"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, path, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gui}/rest/{path}", data=None if body is None else json.dumps(body).encode(),
            method="GET" if body is None else "PATCH", headers={"X-API-Key": self.key})
        with urllib.request.urlopen(request, timeout=30) as reply:
            text = reply.read()
            return json.loads(text) if text else None

    def until(self, holds, timeout=300):
        end = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError):
                if holds(self.ask("db/status?folder=f")):
                    return
            if time.monotonic() > end:
                raise Failed("syncthing is not done")
            time.sleep(0.05)


def syncthing(figures, files):
    """Both ways at once, from the moment at which the devices may connect; both have hashed their file before."""
    say("syncthing")
    with tempfile.TemporaryDirectory() as work:
        one, two = (Syncthing(os.path.join(work, name), file) for name, file in zip(("one", "two"), files))
        try:
            one.start(two)
            two.start(one)
            for device in (one, two):
                device.until(lambda state: state["state"] == "idle" and state["localFiles"] == 1)
            begin = time.monotonic()
            for device, other in ((one, two), (two, one)):
                device.ask(f"config/devices/{other.id}", {"paused": False})
            for device in (one, two):
                device.until(lambda state: state["localFiles"] == 2 and state["needBytes"] == 0)
            figures["syncthing MB/s"].append(2 * LARGE_BYTES / 1e6 / (time.monotonic() - begin))
        finally:
            for device in (one, two):
                if device.process is not None:
                    device.process.terminate()
                    device.process.wait()


def measure(figures, binary):
    with tempfile.TemporaryDirectory() as work:
        files = [os.path.join(work, name) for name in ("a.bin", "b.bin")]
        for path in files:
            fill(path)
        figures["disk MB/s"].append(disk(work))
        mirror(figures, binary, files)
        rsync(figures, files)
        syncthing(figures, files)


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def table(figures):
    def row(name, key, unit, limit=""):
        return f"| {name} | {statistics.median(figures[key]):,.1f} {unit} | {limit} |"

    size = f"{LARGE_BYTES >> 20} MiB each way at once"
    return [machine(), "", "| Two stores on one machine | | goal |", "| --- | ---: | --- |",
            row(f"{size}, from the connection on", "both MB/s", "MB/s", f"{MB_S_MIN}"),
            row("rsync, the same files, flushed", "rsync MB/s", "MB/s"),
            row("syncthing, the same files", "syncthing MB/s", "MB/s"),
            row("this disk: as many bytes written and flushed by one program", "disk MB/s", "MB/s"),
            row("processor of both services", "s/GB", "s/GB"),
            row("memory of a service after it, above idle", "memory MB", "MB", "64"),
            row("upload answered to visible at the other, P50", "visible p50", "ms"),
            row("the same, P99", "visible p99", "ms", f"{VISIBLE_MS_MAX}"),
            row(f"{SMALL:,} uploads of 1 KB by 32 clients, until all are answered", "small put s", "s"),
            row("the same, until all are visible at the other", "small s", "s")]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh can", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "BENCHMARKS.md"))
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    options = parser.parse_args()
    figures = collections.defaultdict(list)
    for i in range(options.runs):
        say(f"run {i + 1} of {options.runs}")
        measure(figures, os.path.abspath(options.binary))
    lines = table(figures)
    print("\n".join(lines))
    write(options.out, TITLE, lines)
    missed = (statistics.median(figures["both MB/s"]) < MB_S_MIN
              or statistics.median(figures["visible p99"]) > VISIBLE_MS_MAX)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
