"""A served asset store with a mirror, for figures and for the longer proofs."""

import json
import os
import subprocess
import urllib.request


class Store:
    """A program of its own, which may be ended and started again at another port with the same folder and key."""

    def __init__(self, binary, folder, settings):
        self.binary, self.folder, self.process, self.url = binary, folder, None, None
        os.makedirs(os.path.join(folder, "data"), exist_ok=True)
        with open(os.path.join(folder, "config.yaml"), "w", encoding="utf-8") as file:
            file.write("storage_root: data\nsync: true\nsync_passphrase: only for figures and proofs\n"
                       "sync_discovery: off\nsync_bind: 127.0.0.1:0\nverify_interval_hours: 0\n" + settings)

    def start(self):
        with open(os.path.join(self.folder, "log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.binary, "can", "serve", "--port", "0", "--json"], cwd=self.folder,
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]

    def end(self, kills=False):
        if self.process is None:
            return
        self.process.kill() if kills else self.process.terminate()
        self.process.wait()
        self.process = None

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as reply:
            return json.load(reply)["data"]

    def put_file(self, path):
        """As curl does: in pieces, so that the memory of the client is not what is measured."""
        reply = subprocess.run(["curl", "-sS", "-F", f"file=@{path}", self.url + "/api/v1/can/0/ingest"],
                               stdout=subprocess.PIPE, check=True)
        return json.loads(reply.stdout)["data"]["hash"]
