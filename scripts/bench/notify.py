#!/usr/bin/env python3
"""Messages of many devices through one node; see scripts/bench.sh."""

import argparse
import base64
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measure import Server  # noqa: E402
from report import machine, write  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TITLE = "Messages"
GOAL_MS = 1000


def say(text):
    print(text, file=sys.stderr, flush=True)


def device(port, login, number, rate, seconds, failures):
    """Sends on one connection, at its own times, whatever the answers take."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/json", "Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    begin, thread = time.perf_counter() + number / rate / 20, None
    for i in range(int(rate * seconds)):
        time.sleep(max(0.0, begin + i / rate - time.perf_counter()))
        body = {"body": f"{time.perf_counter():.6f}", "project": "ship"}
        if thread:
            body["thread"] = thread
        connection.request("POST", "/notify/send", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            failures.append(f"{answer.status} {text[:200]}")
            return
        thread = json.loads(text)["message"]["thread"]


def listen(port, latencies, is_connected):
    """What a listener gets, and how long it took from the moment of sending."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/notify/events")
    events = connection.getresponse()
    is_connected.set()
    try:
        for line in events:
            if line.startswith(b"data: ") and b'"body"' in line:
                sent = float(json.loads(line[6:])["body"])
                latencies.append((time.perf_counter() - sent) * 1000)
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        pass   # the node ends


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--rate", type=int, default=100, help="messages a second, of all devices")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--out", help="report; default docs/BENCHMARKS.md")
    parser.add_argument("--binary", default=os.path.join(ROOT, "bin", "edgesync"))
    parser.add_argument("--note", help="a sentence about the run")
    arguments = parser.parse_args()

    work = tempfile.mkdtemp(prefix="edgesync-bench-")
    environment = {**os.environ, "HOME": work, "USER": "tester"}
    load = os.getloadavg()[0]

    def run(*words):
        return subprocess.run(
            [arguments.binary, *words], cwd=work, check=True, capture_output=True, text=True, env=environment).stdout

    try:
        run("repo", "new", "ship.fossil", "--user", "tester")
        run("notify", "init", "-R", "ship.fossil", "--device", "ship")
        password = json.loads(run("repo", "user", "add", "ann", "--cap", "io", "--json", "-R", "notify.fossil"))["password"]
        version = run("--version").splitlines()[0]
        latencies, failures, is_connected = [], [], threading.Event()
        with Server(
                lambda port: [arguments.binary, "leaf", "--repo", os.path.join(work, "ship.fossil"), "--notify", "--no-nats",
                              "--serve-http", f"127.0.0.1:{port}", "--log-level", "warning"], environment) as server:
            port = int(server.url.rsplit(":", 1)[1].strip("/"))
            threading.Thread(target=listen, args=(port, latencies, is_connected), daemon=True).start()
            is_connected.wait(30)
            began, cost = time.perf_counter(), server.processor_s()
            senders = [
                threading.Thread(target=device, args=(
                    port, f"ann:{password}", i, arguments.rate / arguments.devices, arguments.seconds, failures))
                for i in range(arguments.devices)]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            took = time.perf_counter() - began
            count = arguments.rate // arguments.devices * arguments.seconds * arguments.devices
            deadline = time.monotonic() + 30
            while len(latencies) < count and not failures and time.monotonic() < deadline:
                time.sleep(0.05)
            cost = server.processor_s() - cost
        if failures:
            say(failures[0])
            return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)

    ordered = sorted(latencies)
    p50, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    is_met = p99 <= GOAL_MS and len(latencies) == count
    lines = [
        f"{arguments.devices} devices send {arguments.rate} messages a second together for {arguments.seconds} s to one node "
        "over HTTP, each in a thread of its own, `scripts/bench.sh notify`. A message is delivered when a listener has it "
        "(`/notify/events`): its check-in is on disk by then.", "",
        f"- {time.strftime('%Y-%m-%d', time.gmtime())}, {machine()}, load {load:.1f} at the start",
        f"- {version}",
    ]
    if arguments.note:
        lines.append(f"- {arguments.note}")
    lines += [
        "", "| Sent | Delivered | Messages a second | Delivery P50, ms | P99, ms | Processor, ms a message | Goal | |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
        f"| {count} | {len(latencies)} | {count / took:.0f} | {p50:.0f} | {p99:.0f} | {cost * 1000 / count:.1f} "
        f"| all, P99 ≤ {GOAL_MS} ms | {'met' if is_met else '**missed**'} |"]
    print("\n".join(lines))
    write(arguments.out or os.path.join(ROOT, "docs", "BENCHMARKS.md"), TITLE, lines)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
