"""A network link with a rate, a delay and loss, in this program: many kernels have no netem."""

import collections
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
MTU = 1400

# What waits for a slow link: as much as passes in this time. More is lost, as in a router.
QUEUE_S = 0.5
QUEUE_BYTES_MIN = 32 << 10

Profile = collections.namedtuple("Profile", "name megabits_s round_trip_ms loss")

# As tests/EdgeSync.Simulation/Fleet/LinkProfile.cs has them.
PROFILES = [
    Profile("lan", 100, 16, 0.001), Profile("wifi", 25, 40, 0.01), Profile("lte", 8, 90, 0.02),
    Profile("3g", 3, 200, 0.03), Profile("edge", 1.5, 300, 0.05), Profile("rural", 0.8, 450, 0.08),
    Profile("sat", 25, 600, 0.015), Profile("worst", 0.5, 450, 0.12), Profile("hell", 0.256, 800, 0.25),
]


class Link(threading.Thread):
    """
    Two devices of IP, the first in this network and the second in that of a process; what enters one leaves the other
    later, or never. Loss is drawn from a seed for each packet, in each direction, and takes the link's time as well.
    """

    def __init__(self, profile, addresses, other_pid, seed):
        super().__init__(daemon=True)
        self.profile, self.packets, self.lost = profile, 0, 0
        self._devices, self._ended = [], os.pipe()
        self._random = random.Random(seed)
        names = [f"link{os.getpid() % 100000}{side}" for side in "ab"]
        for name in names:
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
            self._devices.append(device)
        subprocess.run(["ip", "link", "set", names[1], "netns", str(other_pid)], check=True)
        for name, address, enter in zip(names, addresses, ([], ["nsenter", "-t", str(other_pid), "-n"])):
            for command in (["address", "add", address, "dev", name], ["link", "set", name, "mtu", str(MTU), "up"]):
                subprocess.run([*enter, "ip", *command], check=True)
        self.start()

    def close(self):
        os.write(self._ended[1], b"x")
        self.join()
        for file in (*self._devices, *self._ended):
            os.close(file)

    def run(self):
        bytes_s = self.profile.megabits_s * 1e6 / 8
        delay_s = self.profile.round_trip_ms / 2000
        queue_s = max(QUEUE_S, QUEUE_BYTES_MIN / bytes_s)
        free_at, coming, order = [0.0, 0.0], [], 0
        poll = select.poll()
        for file in (*self._devices, self._ended[0]):
            poll.register(file, select.POLLIN)
        while True:
            now = time.monotonic()
            while coming and coming[0][0] <= now:
                _, _, device, packet = heapq.heappop(coming)
                os.write(device, packet)
            wait_ms = max(0, (coming[0][0] - now) * 1000) if coming else None
            for file, _ in poll.poll(wait_ms):
                if file == self._ended[0]:
                    return
                side = self._devices.index(file)
                packet = os.read(file, MTU + 100)
                now = time.monotonic()
                begin = max(now, free_at[side])
                self.packets += 1
                if begin - now > queue_s:
                    self.lost += 1
                    continue
                free_at[side] = begin + len(packet) / bytes_s
                if self._random.random() < self.profile.loss:
                    self.lost += 1
                    continue
                order += 1
                heapq.heappush(coming, (free_at[side] + delay_s, order, self._devices[1 - side], packet))
