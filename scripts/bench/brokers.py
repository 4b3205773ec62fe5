"""Brokers as processes: the real nats-server, and the one inside our program; alone, or two joined by a leafnode link."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure import Failed, free_port, processor_s

READY_S = 20


def wait_for_listener(port, process, log):
    deadline = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"a broker does not listen on {port}: {tail(log)}") from None
            time.sleep(0.01)


def tail(path):
    with open(path, "rb") as file:
        return file.read()[-600:].decode("utf-8", "replace").strip()


class Broker:
    """One broker process for the span of a `with`."""

    def __init__(self, name, argv, port, folder, environment=None):
        self.name, self.port, self._argv, self._folder, self._environment = name, port, argv, folder, environment
        self._process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self._process.pid

    def __enter__(self):
        log = os.path.join(self._folder, "log")
        with open(log, "wb") as file:
            self._process = subprocess.Popen(
                self._argv, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        wait_for_listener(self.port, self._process, log)
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def memory_kb(self, field="VmRSS"):
        """What it holds now, or with VmHWM what it held at most."""
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(field))

    def processor_s(self):
        """Processor time it used so far."""
        return processor_s(self._process.pid)


class NatsServer:
    """The distribution's nats-server."""

    def __init__(self, work, program="nats-server"):
        self.name, self._program, self._work = "nats-server", program, work

    def version(self):
        return subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True).stdout.strip()

    def start(self, upstream=None, listens=False, is_small=False):
        """
        A broker; with `listens` it takes leafnode links, with `upstream` it makes one. `.leaf_port` says where. One that
        is small refuses a client's subscriptions after some thousand.
        """
        folder = tempfile.mkdtemp(prefix="nats-", dir=self._work)
        port, leaf_port = free_port(), free_port()
        lines = ["listen: 127.0.0.1:%d" % port, "max_payload: 8MB"]
        if is_small:
            lines.append("max_subscriptions: 1000")
        if listens:
            lines.append('leafnodes { listen: "127.0.0.1:%d", no_advertise: true }' % leaf_port)
        if upstream:
            lines.append('leafnodes { remotes: [ { url: "nats-leaf://127.0.0.1:%d" } ] }' % upstream)
        with open(os.path.join(folder, "conf"), "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        broker = Broker(self.name, [self._program, "-c", "conf"], port, folder)
        broker.leaf_port = leaf_port
        return broker


class OurBroker:
    """The broker embedded in our program: a hub with an empty repository."""

    def __init__(self, work, program):
        self.name, self._program, self._work = "edgesync", program, work

    def version(self):
        return subprocess.run([self._program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]

    def start(self, upstream=None, listens=False, is_small=False):
        del listens  # a hub always takes links
        folder = tempfile.mkdtemp(prefix="ours-", dir=self._work)
        environment = {**os.environ, "HOME": folder, "USER": "tester"}
        repository = os.path.join(folder, "hub.repo")
        subprocess.run([self._program, "repo", "new", repository], env=environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port, leaf_port = free_port(), free_port()
        argv = [self._program, "hub", "serve", "-R", repository, "--name", f"hub-{port}", "--data-dir", folder, "--http-port", str(free_port()),
                "--nats-client-port", str(port), "--nats-leaf-port", str(leaf_port)]
        if is_small:
            argv += ["--memory-limit", "64M"]
        if upstream:
            argv += ["--leaf-upstream", f"nats-leaf://127.0.0.1:{upstream}"]
        broker = Broker(self.name, argv, port, folder, environment)
        broker.leaf_port = leaf_port
        return broker
