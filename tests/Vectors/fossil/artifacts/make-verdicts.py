#!/usr/bin/env python3
"""Asks stock Fossil about mutated specimens, and SQLite (inside stock) about dates.

Writes verdicts.tsv: verdict (ok | line number of the refusal, 0 = before the first card), specimen, edits, z.
  edits: offset,deleted,hex of what is inserted; several joined by ';', each on the text left by the one before.
  z = 1: afterwards the 32 digits after a 'Z ' that starts 35 bytes before the end are replaced by the right MD5.
Writes dates.tsv: text of the date (percent-encoded), julianday() in milliseconds, or '-' where it is NULL.
The seed is fixed, so a second run asks the same questions. Needs: fossil 2.21 in PATH.
"""
import hashlib, os, pathlib, random, re, subprocess, tempfile, urllib.parse

here = pathlib.Path(__file__).parent
rng = random.Random(20240101)
env = dict(os.environ, HOME=tempfile.mkdtemp(), USER='tester')
specimens = {p.stem: p.read_bytes() for p in sorted((here / 'specimens').glob('*.txt'))}
small = [n for n in specimens if len(specimens[n]) < 900] + ['checkin-renames', 'checkin-branch', 'checkin-signed']


def apply(text, edits, z):
    for offset, deleted, inserted in edits:
        text = text[:offset] + inserted + text[offset + deleted:]
    if z and len(text) >= 35 and text[-35:-33] == b'Z ':
        text = text[:-33] + hashlib.md5(text[:-35]).hexdigest().encode() + text[-1:]
    return text


def judge(text):
    with tempfile.NamedTemporaryFile() as f:
        f.write(text)
        f.flush()
        run = subprocess.run(['fossil', 'test-parse-manifest', f.name], env=env, capture_output=True)
    out = run.stdout.decode('latin-1') + run.stderr.decode('latin-1')
    if run.returncode < 0:
        return None                                    # stock itself crashed: no verdict
    if 'manifest_parse() worked' in out:
        return 'ok'
    m = re.search(r'^ERROR: (?:.*\b)?line (\d+): |^ERROR: unknown error on line (\d+)', out, re.M)
    return (m.group(1) or m.group(2)) if m else '0'


questions = []


def ask(name, edits, z=1):
    questions.append((name, edits, z))


def lines(text):
    at, result = 0, []
    for line in text.splitlines(keepends=True):
        result.append((at, line))
        at += len(line)
    return result


# Every specimen as it is, and with one change by chance.
bytes_to_insert = [b' ', b'\n', b'\0', b'\t', b'\r', b'\\', b'\xff', b'x', b'0', b'*', b'/', b'..', b'  ', b'\\0', b'\\q']
for name in specimens:
    ask(name, [], 0)
for name in small:
    text = specimens[name]
    all_lines = lines(text)
    for _ in range(9):
        at, line = rng.choice(all_lines)
        kind = rng.randrange(9)
        if kind == 0:
            ask(name, [(at, len(line), b'')])                              # a line less
        elif kind == 1:
            ask(name, [(at, 0, line)])                                     # a line twice
        elif kind == 2:
            ask(name, [(rng.randrange(len(text)), 0, rng.choice(bytes_to_insert))])
        elif kind == 3:
            ask(name, [(rng.randrange(len(text)), 1, b'')])
        elif kind == 4:
            ask(name, [(rng.randrange(len(text)), 1, bytes([rng.randrange(256)]))])
        elif kind == 5:
            ask(name, [(at + len(line) - 1, 0, rng.choice([b' ', b' x', b' *', b'\r', b' ' + b'a' * 40]))])
        elif kind == 6:
            ask(name, [(at, 1, bytes([rng.randrange(65, 91)]))])           # another card letter
        elif kind == 7:
            cut = line.rfind(b' ')
            if cut > 0:
                ask(name, [(at + cut, len(line) - 1 - cut, b'')])          # the last token away
        else:
            ask(name, [(at + 1, 1, rng.choice([b'  ', b'\t', b'\n', b'', b'\0']))])
    ask(name, [(rng.randrange(len(text) - 40), 1, b'~')], 0)               # a wrong checksum
    ask(name, [(len(text) - 35, 35, b'')], 0)                              # no checksum
    ask(name, [(len(text), 0, rng.choice([b'\n', b' \n', b'x\n', b'Z\n', b'\0\n']))], 0)
    upper = [m for m in re.finditer(rb'\b[0-9a-f]{40,64}\b', text)]
    if upper:
        m = rng.choice(upper)
        ask(name, [(m.start(), len(m.group()), m.group().upper())])
        ask(name, [(m.start(), 1, b'')])
        ask(name, [(m.start(), 40, b'g' * 40)])
        ask(name, [(m.start(), len(m.group()), m.group()[:40])])


def replace(name, pattern, new, z=1):
    m = re.search(pattern.encode(), specimens[name], re.M)
    ask(name, [(m.start(1), len(m.group(1)), new)], z)


hash40, hash64 = b'0123456789abcdef0123456789abcdef01234567', b'0123456789abcdef' * 4

# File names and the other tokens of F cards.
F = r'^F (\S+) [0-9a-f]'
for name in [b'.', b'..', b'...', b'a/', b'/a', b'a//b', b'a/./b', b'a/../b', b'./a', b'../a', b'a/.', b'a/..', b'.a', b'..a',
             b'a/..b', b'a\\\\b', b'a\\sb', b'a\\nb', b'\\0', b'a\\0b', b'a\\', b'a\\qb', b'\xc3\xa4', b'\xff\xfe', b'\xf0\x9f\x98\x80', b'\xed\xa0\x80',
             b'', b'_FOSSIL_', b'.fslckout', b'0/_fossil_', b'0/.FSLCKOUT-wal', b'_FOSSIL_-journal', b'0_FOSSIL_', b'0_FOSSIL_-shm',
             b'.fslckout-wal-shm', b'-', b'*', b'C:', b'a' * 5000, b'.../..', b'\\s', b'a\\n/b', b'a\\s/..']:
    replace('checkin-renames', F, name)
FTAIL = r'^F link ([^\n]*)\n'
for tail in [b'', b' ', hash40, hash64, hash40 + b' ', hash40 + b' x', hash40 + b' xl', hash40 + b' q', hash40 + b'  a',
             hash40 + b' w a', hash40 + b' x /a', hash40 + b' x a b', hash40 + b' w ', hash40 + b' w a\\sb', hash40[:39],
             hash64 + b'0', hash40.upper(), b'g' * 40, hash40 + b' x a/../b', hash40 + b' w \\0']:
    replace('checkin-renames', FTAIL, tail)
for tail in [b'', b' ', b' ' + hash40, b' ' + hash40 + b' x', b'  ', b' x']:
    replace('checkin-private', r'^F private.txt( [0-9a-f]*)', tail)
for files in [[b'a', b'b'], [b'b', b'a'], [b'a', b'a'], [b'a.b', b'a/b', b'ab'], [b'a/b', b'a.b'], [b'a\\sb', b'a!b'],
              [b'a!b', b'a\\sb'], [b'a', b'\xc3\xa4'], [b'\xc3\xa4', b'a'], [b'A', b'a'], [b'a', b'A'], [b'a\\nb', b'a\\sb'],
              [b'a\\sb', b'a\\nb'], [b'a', b'_FOSSIL_', b'b'], [b'_FOSSIL_', b'A'], [b'a', b'a\\0'], [b'a', b'a\\0b'], [b'_FOSSIL_']]:
    cards = b''.join(b'F ' + f + b' ' + hash40 + b'\n' for f in files)
    ask('checkin-initial', [(specimens['checkin-initial'].index(b'R '), 0, cards)])
    ask('control-tag', [(specimens['control-tag'].index(b'T '), 0, cards)])

# Tags: names, targets, order.
T = r'^(T [^\n]*\n)'
cards = [b'T +a ' + hash40, b'T +x ' + hash40, b'T +x ' + hash64, b'T x ' + hash40, b'T + ' + hash40, b'T +abc ' + hash40,
         b'T +sym-abc ' + hash40, b'T +ABCDEF ' + hash40, b'T *x *', b'T -x ' + hash40 + b' value', b'T +x', b'T', b'T ',
         b'T +x ' + hash40 + b' v w', b'T +x ' + hash40 + b' ', b'T +\\sx ' + hash40, b'T \\+x ' + hash40, b'T +x ' + hash40.upper(),
         b'T +x *\nT +x ' + hash40, b'T +x ' + hash40 + b'\nT +x ' + hash40, b'T *z ' + hash40 + b'\nT +a ' + hash40 + b'\nT -a ' + hash40,
         b'T +a ' + hash40 + b'\nT *a ' + hash40, b'T -a ' + hash40 + b'\nT +a ' + hash40, b'T +x ' + hash40 + b'\nT +x ' + hash64,
         b'T +x ' + hash64 + b'\nT +x ' + hash40, b'T +\\0x ' + hash40, b'T +x\\0y ' + hash40, b'T +a\\nb ' + hash40 + b'\nT +a\\sb ' + hash40,
         b'T +0g ' + hash40, b'T +0 ' + hash40, b'T +g ' + hash40 + b'\nT +g *', b'T +g *\nT +g *']
for card in cards:
    for name in ['control-tag', 'technote', 'checkin-private']:
        m = re.search(rb'^(?:T [^\n]*\n)+', specimens[name], re.M)
        ask(name, [(m.start(), m.end() - m.start(), card + b'\n')])

# Bodies.
for size in [b'0', b'9', b'11', b'10x', b'x', b'', b'-1', b'010', b'4294967295', b'4294967296', b'4294967306', b'99999999999999999999', b'10 x', b'10 ']:
    replace('technote', r'^W (\d+)\n', size)
    replace('forum-delete', r'^W (\d+)\n', size)
for card in [b'W\n', b'W 0\n\nW 0\n\n', b'W 2\na\0\n', b'W 3\nZ a\n', b'W 36\nZ ' + b'0' * 32 + b'\n\n\n', b'W 1\n\n\n']:
    m = re.search(rb'W 48\n.*?\n\n|W \d+\n.*?\n(?=Z)', specimens['wiki-first'], re.S)
    ask('wiki-first', [(m.start(), m.end() - m.start(), card)])

# Wiki titles and attachments.
for title in [b'A', b'a' * 100, b'a' * 101, b'a\\s\\sb', b'a\\s', b'\\sa', b'a\\nb', b'\xc3\xa4', b'a\\0', b'\\0', b'', b'a\\tb', b'\x7f', b'\x1f', b'a\x1fb']:
    replace('wiki-first', r'^L (\S+)', title)
    replace('attachment', r'^A \S+ (\S+)', title)
for name in [b'a', b'a/b', b'/a', b'../a', b'a\\sb', b'a/', b'\\0', b'a/b\\sc/d']:
    replace('attachment', r'^A (\S+)', name)
for source in [b'', b' ', b' ' + hash40, b' ' + hash40 + b' x', b' x', b' ' + hash40.upper()]:
    replace('attachment', r'^A \S+ \S+( \S+)', source)
for target in [hash40, hash64, hash40[:39], b'\\a' + hash40[1:], b'x']:
    replace('attachment', r'^A \S+ (\S+)', target)

# Ticket, technote, forum, parents, cherrypicks, users, checksums.
for cards in [b'J a\n', b'J a \n', b'J  \n', b'J\n', b'J a b c\n', b'J a 1\nJ a 2\n', b'J b 1\nJ a 2\n', b'J +a 1\nJ a 2\n', b'J a\\sb x\n', b'J a\\0b x\n', b'J a x\\sy\n']:
    m = re.search(rb'^(?:J [^\n]*\n)+', specimens['ticket-new'], re.M)
    ask('ticket-new', [(m.start(), m.end() - m.start(), cards)])
for k in [hash64, hash40.upper(), b'g' * 40, hash40[:39], hash40 + b' x', b'']:
    replace('ticket-new', r'^K (\S+)', k)
for k in [hash64, hash40.upper(), b'g' * 40, hash40[:39], hash40 + b' x', b'']:
    replace('technote', r'^E \S+ (\S+)', k)
for p in [b'P\n', b'P \n', b'P ' + hash40 + b'\n', b'P ' + hash40 + b' ' + hash40 + b'\n', b'P ' + hash40 + b' \n', b'P ' + hash40.upper() + b'\n',
          b'P ' + hash40 + b'\nP ' + hash64 + b'\n', b'P x\n', b'']:
    for name in ['checkin-empty-parents', 'forum-edit', 'technote-old-order']:
        m = re.search(rb'^P[^\n]*\n', specimens[name], re.M)
        ask(name, [(m.start(), m.end() - m.start(), p)])
for q in [b'Q +' + hash40, b'Q -' + hash40, b'Q ' + hash40, b'Q +' + hash40 + b' ' + hash40, b'Q +' + hash40 + b' x', b'Q', b'Q +', b'Q ',
          b'Q +' + hash40 + b' ' + hash40 + b' x', b'Q -' + hash64 + b'\nQ +' + hash40, b'Q +' + hash40 + b' ']:
    ask('checkin-initial', [(specimens['checkin-initial'].index(b'R '), 0, q + b'\n')])
for r in [b'0' * 32, b'A' * 32, b'0' * 31, b'0' * 33, b'g' * 32, b'0' * 32 + b' x', b'', b'0' * 32 + b'\nR ' + b'0' * 32]:
    replace('checkin-initial', r'^R (\S+)', r)
for u in [b'U\n', b'U \n', b'U a\n', b'U a b\n', b'U a\nU b\n', b'U a\\sb\n', b'U \\0\n', b'']:
    for name in ['control-tag', 'checkin-initial', 'forum-root', 'ticket-new']:
        m = re.search(rb'^U[^\n]*\n', specimens[name], re.M)
        ask(name, [(m.start(), m.end() - m.start(), u)])
for c in [b'C\n', b'C \n', b'C a\\\n', b'C a b\n', b'C a\nC b\n', b'C \\0\n', b'C a\tb\rc\n', b'']:
    for name in ['checkin-initial', 'technote', 'attachment-removed']:
        m = re.search(rb'^C[^\n]*\n', specimens[name], re.M)
        ask(name, [(m.start(), m.end() - m.start(), c)])
for n in [b'N\n', b'N \n', b'N a\n', b'N a\nN b\n', b'N a\\sb\n']:
    for name in ['wiki-second', 'technote-old-order', 'checkin-delta']:
        m = re.search(rb'^N[^\n]*\n', specimens[name], re.M)
        ask(name, [(m.start(), m.end() - m.start(), n)])
for cards in [b'M ' + hash40 + b'\n', b'M ' + hash64 + b'\nM ' + hash40 + b'\n', b'M ' + hash40 + b'\nM ' + hash64 + b'\n', b'M\n', b'M \n',
              b'M ' + hash40 + b'\nM ' + hash40 + b'\n', b'M ' + b'a' * 40 + b'\nM ' + b'B' * 40 + b'\n', b'M ' + b'A' * 40 + b'\nM ' + b'b' * 40 + b'\n',
              b'M ' + hash40 + b' x\n', b'M x\n']:
    text = specimens['cluster']
    ask('cluster', [(0, len(text) - 35, cards)])
for g, i, h in [(1, 1, 0), (1, 1, 1), (1, 0, 1), (0, 1, 0), (0, 0, 0), (0, 1, 1)]:
    text = specimens['forum-root']
    at = text.index(b'H ')
    end = text.index(b'\n', at) + 1
    ask('forum-root', [(at, end - at, (b'G ' + hash40 + b'\n') * g + (b'H t\n') * h + (b'I ' + hash40 + b'\n') * i)])
for extra in [b'G x\n', b'G\n', b'G ' + hash40 + b'\nG ' + hash40 + b'\n', b'H\n', b'H \n', b'I\n', b'I ' + hash40 + b' x\n', b'G ' + hash40 + b'\nH a\nH b\n']:
    ask('forum-root', [(text.index(b'H '), end - text.index(b'H '), extra)])

# The checksum and what surrounds an artifact.
good = specimens['control-tag']
ask('control-tag', [(len(good) - 35, 0, b'Z ' + b'0' * 32 + b'\n')])
ask('control-tag', [(len(good) - 33, 32, good[-33:-1].upper())], 0)
ask('control-tag', [(len(good) - 33, 32, b'0' * 31)], 0)
ask('control-tag', [(len(good) - 1, 1, b' \n')], 0)
ask('control-tag', [(len(good) - 1, 1, b'')], 0)
ask('control-tag', [(0, len(good), b'')], 0)
ask('control-tag', [(0, len(good), b'\n')], 0)
ask('control-tag', [(0, 0, b'\n')], 0)
ask('control-tag', [(len(good), 0, b'\0\n')], 0)
ask('control-tag', [(30, 1, b'~'), (len(good), 0, b'\0\n')], 0)
ask('control-tag', [(len(good), 0, b'\0 ')], 0)
begin, end = b'-----BEGIN PGP SIGNED MESSAGE-----', b'-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n'
for before in [begin + b'\n\n', begin + b'\nHash: x\n\n', begin + b'\r\n\r\n', begin + b'\nHash: x\n', begin + b'\nA: b\n\n\n', b'-' + begin + b'\n\n',
               begin[:-1] + b'\n\n', begin + b'x\n\n', begin + b'\r\nHash: x\r\n\r\n', begin + b'\n \n']:
    for after in [end, b'', end + end, b'\n' + end, end[:-1], b'-----BEGIN PGP SIGNATURE\n', b'-----BEGIN PGP SIGNATUR\n']:
        ask('control-tag', [(0, 0, before), (len(before) + len(good), 0, after)], 0)

# Dates, in D cards and by themselves.
dates = ['2024-01-11', '2024-01-11T00:00', '2024-01-11T00:00:00', '2024-01-11 00:00:00', '2024-01-11T12:34:56.7', '2024-01-11T12:34:56.789',
         '2024-01-11T12:34:56.7894', '2024-01-11T12:34:56.7895', '2024-01-11T12:34:56.9996', '2024-01-11T12:34:56.', '2024-01-11T12:34:56.x',
         '2024-01-11T12:34:56Z', '2024-01-11T12:34:56z', '2024-01-11T12:34:56+01:00', '2024-01-11T12:34:56-01:30', '2024-01-11T12:34:56+14:59',
         '2024-01-11T12:34:56+15:00', '2024-01-11T12:34:56+1:00', '2024-01-11T12:34:56+0100', '2024-01-11T12:34:56Zx', '2024-01-11T12:34:56Z\t',
         '2024-01-11T24:00:00', '2024-01-11T24:59:59', '2024-01-11T25:00:00', '2024-01-11T12:60', '2024-01-11T12:34:60', '2024-01-11T1:00',
         '2024-01-11T', '2024-01-11TT12:00', '2024-01-11t12:00', '2024-01-11\t12:00', '2024-01-11x', '2024-13-01', '2024-00-01', '2024-01-00',
         '2024-01-32', '2024-02-30', '2024-02-31', '2023-02-29', '0000-01-01', '0001-01-01', '9999-12-31', '9999-12-31T23:59:59.999',
         '9999-12-31T23:59:59.9999', '10000-01-01', '-4713-11-24T12:00', '-4713-11-24T12:00:00.001', '-4713-11-24', '-4714-01-01', '-0001-01-01', '-2024-01-01', '--2024-01-01',
         '+2024-01-01', '24-01-01', '2024-1-1', '2024/01/01', '12:34', '12:34:56', '12:34:56.789', '12:34Z', '12:34+01:00', '24:00', '25:00',
         'Now', 'nowx', '', 'x', '2460320', '2460320.5', '2460320.5004', '.5', '5.', '1e3', '1e+3', '1e', '1e7', '-1', '+1', '0', '0.0', '1e-9',
         '5373484.49999', '5373484.5', '5373485', '1.2.3', '0x10', ' 2024-01-01', '2024-01-01 ', '\t5', '5\t', '5x', 'nan', 'inf', '1,5', '1e999',
         '2024-01-11T12:34 Z', '2024-01-11T12:34\tZ', '2024-01-11T12:34\v+01:00\f', '1858-11-17', '1582-10-15', '1600-02-29', '1900-03-01',
         '2000-02-29T12:00', '2000-03-01', '1970-01-01', '1970-01-01T00:00:00.001', '2024-12-31T23:59:59.9994', '2024-12-31T23:59:59.9995']
for _ in range(60):
    dates.append('%04d-%02d-%02dT%02d:%02d:%02d.%0*d' % (rng.randrange(0, 10000), rng.randrange(1, 13), rng.randrange(1, 32), rng.randrange(25),
                                                     rng.randrange(60), rng.randrange(60), rng.randrange(1, 9), rng.randrange(10)))
for _ in range(40):
    dates.append('%04d-%02d-%02dT%02d:%02d:%02d.%s' % (rng.randrange(1990, 2040), rng.randrange(1, 13), rng.randrange(1, 29), rng.randrange(24),
                                                     rng.randrange(60), rng.randrange(60), ''.join(rng.choice('0123456789') for _ in range(rng.randrange(1, 12)))))
for date in dates + ['now', 'NOW']:
    raw = date.encode()
    if b' ' in raw:
        continue
    replace('control-tag', r'^D (\S+)', raw)
    replace('technote', r'^E (\S+)', raw)

seen, rows = set(), []
for name, edits, z in questions:
    key = (name, tuple(edits), z)
    if key in seen:
        continue
    seen.add(key)
    verdict = judge(apply(specimens[name], edits, z))
    if verdict is None:
        continue
    rows.append('\t'.join([verdict, name, ';'.join('%d,%d,%s' % (o, d, i.hex()) for o, d, i in edits), str(z)]))
(here / 'verdicts.tsv').write_text('\n'.join(rows) + '\n')

sql = ''.join("SELECT coalesce(CAST(round(julianday(CAST(x'%s' AS TEXT)) * 86400000) AS INT), '-');\n" % d.encode().hex() for d in dates)
answers = subprocess.run(['fossil', 'sqlite3', '--no-repository', ':memory:'], input=sql.encode(), env=env, capture_output=True).stdout.decode()
answers = [a.strip("'") for a in answers.split()]
assert len(answers) == len([d for d in dates]), (len(answers), len(dates))
(here / 'dates.tsv').write_text(''.join('%s\t%s\n' % (urllib.parse.quote(d), a) for d, a in zip(dates, answers)
                                        if d.lower() != 'now'))
print(len(rows), 'verdicts,', sum(r.startswith('ok') for r in rows), 'accepted;', len(answers), 'dates')
