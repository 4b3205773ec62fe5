#!/usr/bin/env python3
"""Makes the golden deltas beside this file with stock's `fossil test-delta-create`. Same seed, same files."""
import os
import random
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CHANCE = random.Random(20210)


def line(number):
    return b"line %02d of the sample file\n" % number


def spec_pairs():
    """The six pairs of the format notes: tiny, empty target, edited line, swapped halves, binary, equal."""
    yield b"hello\n", b"hello world\n"
    yield b"0123456789abcdef" * 2, b""
    sample = [line(n) for n in range(1, 11)]
    edited = list(sample)
    edited[4] = b"line 05 was edited here\nand a new line\n"
    yield b"".join(sample), b"".join(edited)
    fox, box = b"The quick brown fox jumps over the lazy dog. ", b"PACK MY BOX with five dozen liquor jugs!"
    yield fox + box + b"\n", box + b" " + fox + b"\n"
    ramp = bytes((7 * i + 3) % 256 for i in range(256))
    yield ramp, ramp[:100] + b"\x00\xff\x80" + ramp[100:]
    yield b"0123456789abcdef" * 4, b"0123456789abcdef" * 4


def text(length, alphabet):
    return bytes(CHANCE.choice(alphabet) for _ in range(length))


def words(count):
    some = [b"artifact", b"leaf", b"the", b"sync", b"of", b"repository", b"a", b"delta", b"manifest", b"card"]
    return b" ".join(CHANCE.choice(some) for _ in range(count)) + b"\n"


def edit(source, alphabet, edits):
    target = bytearray(source)
    for _ in range(edits):
        at = CHANCE.randrange(len(target) + 1)
        count = CHANCE.randrange(120)
        kind = CHANCE.randrange(4)
        if kind == 0:
            target[at:at] = text(CHANCE.randrange(60), alphabet)
        elif kind == 1:
            del target[at:at + count]
        elif kind == 2:
            target += target[at:at + count]
        else:
            target[at:at + 3] = text(3, alphabet)
    return bytes(target)


def seeded_pairs():
    low, letters, binary = b"ab", bytes(range(97, 123)) + b" \n", bytes(range(256))
    high = bytes(range(0x70, 0x90))   # around the sign of a byte: the rolling hash sums signed bytes
    for alphabet in (low, letters, binary, high):
        for size in (15, 16, 17, 31, 32, 33, 100, 700, 3000):
            source = text(size, alphabet)
            yield source, edit(source, alphabet, 1 + CHANCE.randrange(6))
    for _ in range(6):
        source = b"".join(words(1 + CHANCE.randrange(12)) for _ in range(60))
        yield source, edit(source, letters, 4)
    # One bucket with far more than 250 candidates, and matches that only the chain's far end would give.
    same = b"0123456789abcdef" * 400
    yield same, edit(same, letters, 3)
    yield b"unique beginning" + same, b"unique beginning" + same[:50]
    yield b"\x00" * 5000, b"\x00" * 4000 + b"\x01" + b"\x00" * 1500
    # Manifest-like: many lines that differ in a hash only.
    cards = [b"F src/file%03d.c %s\n" % (n, text(40, b"0123456789abcdef")) for n in range(60)]
    changed = list(cards)
    changed[7] = b"F src/file007.c %s\n" % text(40, b"0123456789abcdef")
    del changed[30]
    changed.insert(45, b"F src/new.c %s\n" % text(40, b"0123456789abcdef"))
    yield b"".join(cards), b"".join(changed)
    yield b"".join(changed), b"".join(cards)
    # Backward growth must stop one byte short of the source's first byte.
    block = text(64, letters)
    yield block, b"XY" + block[1:] + b"tail of it all, some more"
    yield block, block
    yield b"", b"something from nothing at all"
    yield b"x" * 100, b""
    yield binary * 4, binary[::-1] * 2 + binary * 2


def main():
    for name in os.listdir(HERE):
        if name.endswith((".source", ".target", ".delta")):
            os.remove(os.path.join(HERE, name))
    pairs = list(spec_pairs()) + list(seeded_pairs())
    with tempfile.TemporaryDirectory() as home:
        for number, (source, target) in enumerate(pairs, 1):
            stem = os.path.join(HERE, "%02d" % number)
            for suffix, content in (("source", source), ("target", target)):
                with open(f"{stem}.{suffix}", "wb") as file:
                    file.write(content)
            subprocess.run(
                ["fossil", "test-delta-create", f"{stem}.source", f"{stem}.target", f"{stem}.delta"],
                check=True, env={**os.environ, "HOME": home, "USER": "tester"})
    print(len(pairs), "pairs")


if __name__ == "__main__":
    main()
