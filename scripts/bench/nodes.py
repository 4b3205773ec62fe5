"""Our daemons as processes: leaves and hubs on repositories of one project, for figures about whole fleets."""

import contextlib
import os
import sqlite3
import subprocess
import tempfile

from brokers import Broker
from measure import Failed, free_port


EVERYTHING = "ghijknorswyz"   # capabilities of everybody: these figures are about work, not about who may do it


class Site:
    """A folder, a program, and a project that every node gets a copy of."""

    def __init__(self, work, program):
        self.work, self.program = work, program
        self.env = {**os.environ, "HOME": work, "USER": "tester", "LC_ALL": "C", "TZ": "UTC", "NO_COLOR": "1"}
        self.origin = os.path.join(work, "origin.fossil")
        self.run("repo", "new", self.origin, "--user", "tester")
        self.run("repo", "user", "update", "nobody", "--cap", EVERYTHING, "-R", self.origin)
        self.commit(self.origin, "a first file\n", "first.txt", "first")

    def run(self, *arguments, cwd=None):
        done = subprocess.run([self.program, *arguments], env=self.env, cwd=cwd or self.work, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise Failed(f"{' '.join(arguments[:3])} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def commit(self, repository, text, name, comment):
        tree = os.path.dirname(repository)
        with open(os.path.join(tree, name), "w", encoding="ascii") as file:
            file.write(text)
        # The daemons bring it to others, not the command.
        self.run("repo", "ci", "-R", repository, "-m", comment, "--user", "tester", "--allow-fork", "--allow-older", "--nosync", name,
                 cwd=tree)

    def clones(self, count):
        """Repositories of their own, each in a folder of its own."""
        targets = []
        port = free_port()
        with self.daemon("origin", ["leaf", "--repo", self.origin, "--serve-http", f"127.0.0.1:{port}"], port):
            for i in range(count):
                folder = tempfile.mkdtemp(prefix=f"node{i}-", dir=self.work)
                targets.append(os.path.join(folder, "node.fossil"))
                self.run("repo", "clone", f"http://127.0.0.1:{port}/", targets[-1], "--once")
                self.run("repo", "user", "update", "nobody", "--cap", EVERYTHING, "-R", targets[-1])
        return targets

    def daemon(self, name, arguments, port):
        """A process that is ready when it listens on the port."""
        folder = tempfile.mkdtemp(prefix=f"{name}-", dir=self.work)
        return Broker(name, [self.program, *arguments, *self.identity(name, folder)], port, folder, self.env)

    @staticmethod
    def identity(name, folder):
        return [] if name == "origin" else ["--name", name, "--data-dir", folder]

    def leaf(self, name, repository, *more):
        port = free_port()
        return self.daemon(name, ["leaf", "--repo", repository, "--serve-http", f"127.0.0.1:{port}", *more], port)

    def bridge(self, name, project, url, *more):
        port = free_port()
        return self.daemon(name, ["bridge", "serve", "--project", project, "--fossil-url", url, "--serve-http", f"127.0.0.1:{port}", *more], port)

    def hub(self, name, repository, upstream=None, *more):
        """A hub; `.http_port`, `.leaf_port` and `.monitor_port` say where."""
        client, leaf, http, monitor = (free_port() for _ in range(4))
        arguments = ["hub", "serve", "-R", repository, "--http-port", str(http), "--nats-client-port", str(client),
                     "--nats-leaf-port", str(leaf), "--nats-monitor-port", str(monitor), "--nobody-caps", EVERYTHING, *more]
        if upstream:
            arguments += ["--leaf-upstream", f"nats-leaf://127.0.0.1:{upstream}"]
        node = self.daemon(name, arguments, http)   # the last port to open
        node.leaf_port, node.http_port, node.monitor_port = leaf, http, monitor
        return node


@contextlib.contextmanager
def reading(repository):
    database = sqlite3.connect(f"file:{repository}?mode=ro", uri=True, isolation_level=None, timeout=10)
    try:
        yield database
    finally:
        database.close()


def check_ins(database):
    return database.execute("select count(*) from event where type='ci'").fetchone()[0]
