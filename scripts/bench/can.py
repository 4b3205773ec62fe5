#!/usr/bin/env python3
"""Two mirrored asset stores over loopback; see scripts/bench.sh."""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Failed, processor_s  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Mirror of assets"
LARGE_BYTES = 128 << 20
SMALL = 2000
UPLOADS = 200
MB_S_MIN = 150
VISIBLE_MS_MAX = 200


def say(text):
    print(text, file=sys.stderr, flush=True)


class Store:
    """A store that is served; commands and requests go to its address."""

    def __init__(self, binary, folder, settings):
        os.makedirs(folder)
        self.folder = folder
        with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as file:
            file.write("sync: true\nsync_passphrase: only for figures\nsync_discovery: off\nsync_bind: 127.0.0.1:0\n"
                       "verify_interval_hours: 0\n" + settings)
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([binary, "can", "serve", "--port", "0", "--json"], cwd=folder,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            return json.load(reply)["data"]

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
    ticket = os.path.join(work, "ticket")
    one = Store(binary, os.path.join(work, "one"), f"ticket_file: {ticket}\n")
    two = Store(binary, os.path.join(work, "two"), f"connect_ticket_file: {ticket}\n")
    try:
        while not two.get("/status")["mirror"]["peers"]:
            time.sleep(0.05)
        yield one, two
    finally:
        for store in (one, two):
            store.process.terminate()
            store.process.wait()


def measure(figures, binary):
    with tempfile.TemporaryDirectory() as work, pair(binary, work) as (one, two):
        idle = [memory_mb(s.process.pid) for s in (one, two)]
        say("a large asset each way at once")
        puts = [threading.Thread(target=s.put, args=(os.urandom(LARGE_BYTES),)) for s in (one, two)]
        begin, processor = time.monotonic(), sum(processor_s(s.process.pid) for s in (one, two))
        for put in puts:
            put.start()
        for put in puts:
            put.join()
        figures["put s"].append(time.monotonic() - begin)
        for store in (one, two):
            store.wait_for(2)
        took = time.monotonic() - begin
        figures["both MB/s"].append(2 * LARGE_BYTES / 1e6 / took)
        figures["s/GB"].append((sum(processor_s(s.process.pid) for s in (one, two)) - processor) / (2 * LARGE_BYTES / 1e9))
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


def memory_mb(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:")) / 1024


def table(figures):
    def row(name, key, unit, limit=""):
        return f"| {name} | {statistics.median(figures[key]):,.1f} {unit} | {limit} |"

    return [machine(), "", "| Two stores on one machine | | goal |", "| --- | ---: | --- |",
            row(f"{LARGE_BYTES >> 20} MiB each way at once, with their uploads", "both MB/s", "MB/s", f"{MB_S_MIN}"),
            row("of that, until both uploads are answered", "put s", "s"),
            row("processor of both services", "s/GB", "s/GB"),
            row("memory of a service, above idle", "memory MB", "MB", "64"),
            row("upload answered to visible at the other, P50", "visible p50", "ms"),
            row("the same, P99", "visible p99", "ms", f"{VISIBLE_MS_MAX}")]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench.sh can", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", default=os.path.join(ROOT, "docs", "BENCHMARKS.md"))
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    options = parser.parse_args()
    figures = {key: [] for key in ("both MB/s", "put s", "s/GB", "memory MB", "visible p50", "visible p99")}
    for i in range(options.runs):
        say(f"run {i + 1} of {options.runs}")
        measure(figures, os.path.abspath(options.binary))
    lines = table(figures)
    print("\n".join(lines))
    write(options.out, TITLE, lines)
    missed = statistics.median(figures["both MB/s"]) < MB_S_MIN or statistics.median(figures["visible p99"]) > VISIBLE_MS_MAX
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
