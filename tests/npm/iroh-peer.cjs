// A real iroh endpoint for the interop tests: node iroh-peer.cjs FOLDER-OF-NODE_MODULES VERB [TICKET] [NAME=VALUE...]
// One JSON object a line; the last one of a dialling verb is {"event":"result","ok":…}. Verbs:
//   listen                 serves oracle/{echo,sink,source,close,reset}/1 as src/EdgeSync.Node/Iroh/Diagnostics does; retry=1
//   echo uni               count=N streams of size=BYTES, parallel=P at once, which must come back
//   datagram               count=N of size=BYTES
//   sink source            bytes=N there or back, checked by hash or pattern
//   close reset            code=N reason=TEXT: what arrives of them
//   dial                   connects with alpn=NAME, says what came of it
//   gossip                 joins the topic 80 81 … 9f, tells "hello", and waits for a message; listen serves this, too
//   hold                   echoes until the path in use is a direct one, for at most seconds=N (60)
//   address                says when it was online, and its addresses once one begins with outer=TEXT (seconds=N at most)
// library=FILE loads that native file. quic=PORT is the relay's port of address discovery.
// relay=URL uses that relay; ways=relay or ways=both says what the listener's ticket names (default: addresses alone).
"use strict";
const { createHash } = require("node:crypto");
const { createRequire } = require("node:module");
const [, , folder, verb, ...words] = process.argv;
const ticket = words[0]?.includes("=") ? undefined : words[0];
const given = Object.fromEntries(words.filter((w) => w.includes("=")).map((w) => [w.slice(0, w.indexOf("=")), w.slice(w.indexOf("=") + 1)]));
if (given.library) process.env.NAPI_RS_NATIVE_LIBRARY_PATH = given.library;
const { Endpoint, EndpointAddr, EndpointTicket, RelayMap, RelayMode } = createRequire(`${folder}/`)("@number0/iroh/index.js");

const number = (name, otherwise) => Number(given[name] ?? otherwise);
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const textOf = (error) => `${error?.message ?? error}`.split("\n\nStack")[0];
const bytesOf = (text) => [...Buffer.from(text)];
const u64 = (value) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(value)); return [...b]; };
const PIECE = 65536;

// Byte i is (31 i + 7 floor(i / 256)) mod 256.
const pattern = (offset, length) => Buffer.from(Uint8Array.from({ length }, (_, k) => ((offset + k) * 31 + Math.floor((offset + k) / 256) * 7) & 0xff));
const numbered = (i, size) => { const body = pattern(i, Math.max(4, size)); body.writeUInt32BE(i); return body; };
const readAll = async (recv, each) => {
  let total = 0;
  for (;;) {
    const piece = await recv.read(PIECE);
    if (!piece.length) return total;
    each?.(Buffer.from(piece), total);
    total += piece.length;
  }
};

const bind = async (alpns = []) => {
  const builder = Endpoint.builder();
  builder.applyMinimal();
  const relays = RelayMap.empty();
  if (given.relay) relays.insert({ url: given.relay, quicPort: given.quic ? Number(given.quic) : undefined });
  builder.relayMode(given.relay ? RelayMode.custom(relays) : RelayMode.disabled());
  builder.bindAddr(given.bind ?? "127.0.0.1:0");
  if (alpns.length) builder.alpns(alpns.map(bytesOf));
  const endpoint = await builder.bind();
  if (given.relay) await endpoint.online();
  return endpoint;
};

// iroh-gossip's streams, by hand: a frame is a length and a body, the first one is the topic.
const TOPIC = Buffer.from(Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i));
const HELLO = Buffer.from("0100ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f0568656c6c6f0000", "hex");
const frame = (body) => { const head = Buffer.alloc(4); head.writeUInt32BE(body.length); return [...head, ...body]; };
const readFrame = async (recv) => Buffer.from(await recv.readExact(Buffer.from(await recv.readExact(4)).readUInt32BE()));
const gossip = async (connection, isContact) => {
  const send = await connection.openUni(), seen = [];
  await send.writeAll(frame(TOPIC));
  if (!isContact) await send.writeAll(frame([0, 0, 0]));
  const recv = await connection.acceptUni();
  if (!(await readFrame(recv)).equals(TOPIC)) throw new Error("another topic");
  for (;;) {
    const body = await readFrame(recv);
    seen.push(body.subarray(0, 2).toString("hex"));
    if (body[0] === 0 && body[1] === 0) await send.writeAll(frame([0, 4, 0, 0]));
    if (body[0] === 0 && (body[1] === 0 || body[1] === 4)) await send.writeAll(frame(HELLO));
    if (body[0] !== 1 || body[1] !== 0) continue;
    const content = body.subarray(35, 35 + body[34]).toString();
    await send.writeAll(frame([0, 5, 0, 0]));
    await send.finish();
    await send.stopped();   // all has arrived
    return { ok: true, seen, content };
  }
};

const serveStream = async (connection, alpn, { send, recv }) => {
  if (alpn === "oracle/sink/1") {
    const hash = createHash("sha256"), bytes = await readAll(recv, (d) => hash.update(d));
    await send.writeAll(bytesOf(JSON.stringify({ bytes, sha256: hash.digest("hex") })));
  } else if (alpn === "oracle/source/1") {
    const total = Number(Buffer.from(await recv.readExact(8)).readBigUInt64BE());
    for (let at = 0; at < total; at += PIECE) await send.writeAll([...pattern(at, Math.min(PIECE, total - at))]);
  } else if (alpn === "oracle/close/1") {
    const request = Buffer.from(await recv.readToEnd(4096));
    return connection.close(request.readBigUInt64BE(), [...request.subarray(8)]);
  } else if (alpn === "oracle/reset/1") {
    const code = Buffer.from(await recv.readExact(8)).readBigUInt64BE();
    await send.reset(code);
    return recv.stop(code);
  } else {
    for (let piece; (piece = await recv.read(PIECE)).length;) await send.writeAll(piece);
  }
  await send.finish();
};

const serve = async (connection) => {
  const alpn = Buffer.from(connection.alpn()).toString();
  say("accepted", { alpn, peer: connection.remoteId().toString() });
  const ignore = () => {};
  if (alpn === "/iroh-gossip/1") { return say("gossip", await gossip(connection, true)); }
  const until = async (once) => { try { for (;;) await once(); } catch { /* the connection is over */ } };
  until(async () => { serveStream(connection, alpn, await connection.acceptBi()).catch(ignore); });
  until(async () => {
    const recv = await connection.acceptUni();
    (async () => { const body = await recv.readToEnd(1 << 26), send = await connection.openUni(); await send.writeAll(body); await send.finish(); })().catch(ignore);
  });
  until(async () => connection.sendDatagram(await connection.readDatagram()));
  say("closed", { reason: await connection.closed() });
};

const listen = async () => {
  const endpoint = await bind(["/iroh-gossip/1", ...["echo", "sink", "source", "close", "reset"].map((name) => `oracle/${name}/1`)]);
  const direct = given.ways === "relay" ? [] : endpoint.boundSockets().filter((s) => !s.startsWith("[::]"));
  const relay = given.ways ? endpoint.addr().relayUrl() : undefined;
  say("listening", { id: endpoint.id().toString(), ticket: EndpointTicket.fromAddr(new EndpointAddr(endpoint.id(), relay, direct)).toString() });
  for (let incoming; (incoming = await endpoint.acceptNext());) {
    if (given.retry && !(await incoming.remoteAddrValidated())) { say("retry"); incoming.retry(); continue; }
    (async () => serve(await (await incoming.accept()).connect()))().catch((error) => say("handshake-error", { error: textOf(error) }));
  }
};

const many = async (once) => {
  const count = number("count", 1), errors = new Set();
  let next = 0, failed = 0;
  const times = [], now = () => Number(process.hrtime.bigint()) / 1e6;
  const work = async () => {
    while (next < count) {
      const i = next++, begin = now();
      try { await once(i); } catch (error) { failed++; errors.add(textOf(error)); }
      times.push(now() - begin);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, number("parallel", 1)) }, work));
  times.sort((a, b) => a - b);
  const at = (percent) => times[Math.min(count - 1, Math.floor((count * percent) / 100))];
  return { ok: failed === 0, count, failed, errors: [...errors].slice(0, 5), p50_ms: at(50), p99_ms: at(99) };
};
const require_ = (is, what) => { if (!is) throw new Error(what); };

const verbs = {
  gossip: (c) => gossip(c, false),
  dial: async (c) => ({ ok: true, peer: c.remoteId().toString(), max_datagram: c.maxDatagramSize() }),
  hold: async (c) => {
    const begin = Date.now(), most = 1000 * number("seconds", 60), isDirect = () => c.paths().some((p) => p.isSelected && !p.isRelay);
    while (!isDirect() && Date.now() - begin < most) {
      const { send, recv } = await c.openBi();
      await send.writeAll([1, 2, 3]);
      await send.finish();
      require_((await recv.readToEnd(3)).length === 3, "the answer differs");
      await new Promise((done) => setTimeout(done, 20));
    }
    return { ok: isDirect() };
  },
  echo: async (c) => {
    const size = number("size", 100);
    return many(async (i) => {
      const body = pattern(i, size), back = [], { send, recv } = await c.openBi();
      const reading = readAll(recv, (d) => back.push(d));
      for (let at = 0; at < size; at += PIECE) await send.writeAll([...body.subarray(at, at + PIECE)]);
      await send.finish();
      await reading;
      require_(Buffer.concat(back).equals(body), "the answer differs");
    });
  },
  uni: async (c) => {
    const waiting = new Map();
    (async () => { for (;;) { const recv = await c.acceptUni(); recv.readToEnd(1 << 26).then((d) => { const b = Buffer.from(d); waiting.get(b.readUInt32BE())?.(b); }); } })().catch(() => {});
    return many(async (i) => {
      const body = numbered(i, number("size", 100)), answer = new Promise((done) => waiting.set(i, done)), send = await c.openUni();
      await send.writeAll([...body]);
      await send.finish();
      require_((await answer).equals(body), "the answer differs");
    });
  },
  datagram: async (c) => {
    const count = number("count", 10), size = number("size", 100), seen = new Set();
    let wrong = 0;
    for (let i = 0; i < count; i++) {
      await c.sendDatagramWait([...numbered(i, size)]);
      const answer = Buffer.from(await c.readDatagram());
      if (answer.equals(numbered(answer.readUInt32BE(), size))) seen.add(answer.readUInt32BE()); else wrong++;
    }
    return { ok: wrong === 0 && seen.size === count, received: seen.size, wrong };
  },
  sink: async (c) => {
    const total = number("bytes", 0), hash = createHash("sha256"), { send, recv } = await c.openBi();
    for (let at = 0; at < total; at += PIECE) { const piece = pattern(at, Math.min(PIECE, total - at)); hash.update(piece); await send.writeAll([...piece]); }
    await send.finish();
    const answer = JSON.parse(Buffer.from(await recv.readToEnd(4096)).toString());
    return { ok: answer.bytes === total && answer.sha256 === hash.digest("hex"), bytes: total };
  },
  source: async (c) => {
    const total = number("bytes", 0), { send, recv } = await c.openBi();
    await send.writeAll(u64(total));
    await send.finish();
    let right = true;
    const got = await readAll(recv, (d, at) => { right &&= d.equals(pattern(at, d.length)); });
    return { ok: right && got === total, bytes: got };
  },
  close: async (c) => {
    const { send } = await c.openBi();
    await send.writeAll([...u64(given.code), ...bytesOf(given.reason ?? "")]);
    await send.finish();
    const reason = await c.closed();
    return { ok: reason.includes(given.code) && reason.includes(given.reason ?? ""), reason };
  },
  reset: async (c) => {
    const { send, recv } = await c.openBi();
    await send.writeAll(u64(given.code));
    const read = await recv.readToEnd(64).then(() => "no error", textOf), stopped = Number(await send.stopped());
    return { ok: read.includes(given.code) && stopped === Number(given.code), read, stopped };
  },
};

const dial = async () => {
  const endpoint = await bind();
  try {
    const own = ["echo", "sink", "source", "close", "reset"].includes(verb) ? verb : "echo";
    const begin = process.hrtime.bigint();
    const connection = await endpoint.connect(EndpointTicket.fromString(ticket).endpointAddr(), bytesOf(given.alpn ?? (verb === "gossip" ? "/iroh-gossip/1" : `oracle/${own}/1`)));
    const connect_ms = Number(process.hrtime.bigint() - begin) / 1e6;
    say("result", { verb, connect_ms, ...await verbs[verb](connection) });
    connection.close(0n, []);
  } catch (error) {
    say("result", { verb, ok: false, error: textOf(error) });
  }
  await endpoint.close();
};

// How long it takes to be online, and whether it learns the address that a NAT gives it.
const address = async () => {
  const begin = Date.now(), endpoint = await bind(), online_ms = Date.now() - begin, most = 1000 * number("seconds", 10);
  const direct = () => endpoint.addr().directAddresses(), isThere = () => direct().some((a) => a.startsWith(given.outer));
  while (!isThere() && Date.now() - begin < most) await new Promise((done) => setTimeout(done, 20));
  say("result", { verb, ok: isThere(), online_ms, address_ms: Date.now() - begin, direct: direct() });
  await endpoint.close();
};

(verb === "listen" ? listen() : verb === "address" ? address() : dial()).then(() => process.exit(0), (error) => { say("result", { verb, ok: false, error: textOf(error) }); process.exit(1); });
