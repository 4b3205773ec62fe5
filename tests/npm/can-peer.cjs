// An agent that speaks can-sync/2 alone, over a real iroh endpoint, with protobuf of npm; for the interop tests:
//   node can-peer.cjs FOLDER-OF-NODE_MODULES listen|dial ticket_file=PATH peer=PATH assets=N commands=PATH
// Tickets are files, that of the peer as the original writes it. It keeps its assets in memory, says what comes as one
// JSON object a line, and reads commands from the lines of a file:
//   put TEXT      a user adds an asset, which is told live
//   trash HASH    a user changes it, which is told at the next connection
//   again         closes the connection
"use strict";
const { createHash } = require("node:crypto");
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const [, , folder, verb, ...words] = process.argv;
const load = createRequire(`${folder}/`);
const { Endpoint, EndpointAddr, EndpointId, EndpointTicket, RelayMode } = load("@number0/iroh/index.js");
const protobuf = load("protobufjs");

const given = Object.fromEntries(words.map((w) => [w.slice(0, w.indexOf("=")), w.slice(w.indexOf("=") + 1)]));
const ALPN = [...Buffer.from("can-sync/2")];
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const textOf = (error) => `${error?.message ?? error}`.split("\n\nStack")[0];
const { root } = protobuf.parse(`syntax = "proto3"; package can.sync.v1;
  message AssetDigest { string hash = 1; int64 timestamp = 2; int64 size = 3; bool is_trashed = 4; int64 meta_updated_at = 5; }
  message HashesResponse { repeated AssetDigest assets = 1; }
  message AssetBundle { string hash = 1; int64 timestamp = 2; string mime_type = 3; optional string application = 4; optional string user = 5;
    optional string description = 6; optional string human_filename = 7; optional string human_path = 8; repeated string tags = 9;
    bool is_trashed = 10; int64 size = 11; bytes content = 12; int64 meta_updated_at = 13; }
  message MetaUpdate { string hash = 1; optional string description = 2; repeated string tags = 3; bool is_trashed = 4; int64 meta_updated_at = 5; }`,
  { keepCase: true });
const [HashesResponse, AssetBundle, MetaUpdate] = ["HashesResponse", "AssetBundle", "MetaUpdate"].map((name) => root.lookupType(`can.sync.v1.${name}`));
const HASH_SET = 1, ASSET_BUNDLE = 2, META_UPDATE = 3, DONE = 4;
const read = (type, bytes) => type.toObject(type.decode(bytes), { longs: Number, defaults: false });

const assets = new Map();
const hashOf = (timestamp, content) => createHash("sha256").update(`${timestamp}`).update(content).digest("hex");
let clock = 1_700_000_000_000;
const add = (content, more = {}) => {
  const timestamp = clock++;
  const asset = { hash: hashOf(timestamp, content), timestamp, mime_type: "text/plain", tags: ["there"], description: "of the peer", is_trashed: false,
    size: content.length, content, meta_updated_at: timestamp, ...more };
  assets.set(asset.hash, asset);
  return asset;
};

const frame = (type, payload = Buffer.alloc(0)) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(type);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
};
const write = async (send, bytes) => { for (let at = 0; at < bytes.length; at += 65536) await send.writeAll([...bytes.subarray(at, at + 65536)]); };
const bundle = (asset) => frame(ASSET_BUNDLE, AssetBundle.encode(AssetBundle.fromObject(asset)).finish());
const meta = ({ hash, description, tags, is_trashed, meta_updated_at }) =>
  frame(META_UPDATE, MetaUpdate.encode(MetaUpdate.fromObject({ hash, description, tags, is_trashed, meta_updated_at })).finish());

// Frames of a stream, until it ends.
const frames = async function* (recv) {
  let pending = Buffer.alloc(0);
  for (;;) {
    while (pending.length >= 5 && pending.length >= 5 + pending.readUInt32BE(1)) {
      const end = 5 + pending.readUInt32BE(1);
      yield [pending.readUInt8(), pending.subarray(5, end)];
      pending = pending.subarray(end);
    }
    const piece = await recv.read(65536);
    if (!piece.length) { if (pending.length) say("broken_off"); return; }
    pending = Buffer.concat([pending, Buffer.from(piece)]);
  }
};

const take = (type, payload, known) => {
  if (type === ASSET_BUNDLE) {
    const came = read(AssetBundle, payload), content = Buffer.from(came.content ?? []);
    known.add(came.hash);
    const ok = hashOf(came.timestamp ?? 0, content) === came.hash && Number(came.size ?? 0) === content.length, again = assets.has(came.hash);
    if (ok && !again) assets.set(came.hash, { tags: [], is_trashed: false, ...came, content });
    say("asset", { hash: came.hash, ok, again, bytes: content.length, name: came.human_filename, tags: came.tags ?? [], trashed: !!came.is_trashed });
  } else if (type === META_UPDATE) {
    const came = read(MetaUpdate, payload), asset = assets.get(came.hash), applied = asset && came.meta_updated_at > asset.meta_updated_at;
    if (applied) Object.assign(asset, { description: came.description, tags: came.tags ?? [], is_trashed: !!came.is_trashed, meta_updated_at: came.meta_updated_at });
    say("meta", { hash: came.hash, applied: !!applied, tags: came.tags ?? [], trashed: !!came.is_trashed });
  }
};

let live;
const talk = async (connection, isDialler) => {
  const known = new Set(), { send, recv } = isDialler ? await connection.openBi() : await connection.acceptBi();
  const digests = [...assets.values()].map(({ hash, timestamp, size, is_trashed, meta_updated_at }) => ({ hash, timestamp, size, is_trashed, meta_updated_at }));
  const told = write(send, frame(HASH_SET, HashesResponse.encode(HashesResponse.fromObject({ assets: digests })).finish()));
  told.catch(() => {});   // the connection is over, which the reading side says
  const first = frames(recv), [type, payload] = (await first.next()).value;
  if (type !== HASH_SET) throw new Error(`the first frame is ${type}`);
  const theirs = new Map((read(HashesResponse, payload).assets ?? []).map((d) => [d.hash, d]));
  say("hashes", { count: theirs.size });
  const sending = (async () => {
    await told;
    for (const asset of [...assets.values()].sort((a, b) => a.timestamp - b.timestamp)) {
      const their = theirs.get(asset.hash);
      if (!their) await write(send, bundle(asset));
      else if (asset.meta_updated_at > (their.meta_updated_at ?? 0)) await write(send, meta(asset));
    }
    await write(send, frame(DONE));
    await send.finish();
  })();
  sending.catch(() => {});
  for await (const [kind, body] of first) { if (kind === DONE) break; take(kind, body, known); }
  await sending;
  for (const hash of theirs.keys()) known.add(hash);
  for (const asset of assets.values()) known.add(asset.hash);
  live = async (asset) => {
    if (known.has(asset.hash)) return;
    known.add(asset.hash);
    const batch = await connection.openBi();
    await write(batch.send, Buffer.concat([bundle(asset), frame(DONE)]));
    await batch.send.finish();
  };
  say("live", { assets: assets.size });
  for (;;) {
    const batch = await connection.acceptBi();
    (async () => {
      for await (const [kind, body] of frames(batch.recv)) { if (kind === DONE) break; take(kind, body, known); }
      await batch.send.finish();
      say("batch");
    })().catch((error) => say("batch_failed", { error: textOf(error) }));
  }
};

const peer = () => {
  const { id, addrs } = JSON.parse(readFileSync(given.peer, "utf8"));
  return new EndpointAddr(EndpointId.fromBytes([...Buffer.from(id, "hex")]), undefined, addrs.map((a) => a.Ip).filter(Boolean));
};

(async () => {
  for (let i = 0; i < Number(given.assets ?? 0); i++) add(Buffer.from(`there ${i} `.repeat(i === 0 ? 100_000 : 1)));
  const builder = Endpoint.builder();
  builder.applyMinimal();
  builder.relayMode(RelayMode.disabled());
  builder.bindAddr("127.0.0.1:0");
  builder.alpns([ALPN]);
  const endpoint = await builder.bind();
  const ticket = EndpointTicket.fromAddr(new EndpointAddr(endpoint.id(), undefined, endpoint.boundSockets().filter((s) => !s.startsWith("[::]")))).toString();
  writeFileSync(`${given.ticket_file}.new`, ticket);
  renameSync(`${given.ticket_file}.new`, given.ticket_file);
  say("listening", { id: endpoint.id().toString(), ticket });
  let connection;
  let done = 0;
  setInterval(() => {
    const lines = readFileSync(given.commands, "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(done)) {
      const [command, word] = line.split(" ");
      if (command === "put") { const asset = add(Buffer.from(line.slice(4)), { human_filename: `${line.slice(4)}.txt` }); live(asset); }
      if (command === "trash") Object.assign(assets.get(word), { is_trashed: true, meta_updated_at: Date.now() + 1 });
      if (command === "again") connection.close(0n, []);
    }
    done = lines.length;
  }, 50);
  for (;;) {
    try {
      connection = verb === "dial"
        ? await endpoint.connect(peer(), ALPN)
        : await (async () => (await (await endpoint.acceptNext()).accept()).connect())();
      await talk(connection, verb === "dial");
    } catch (error) {
      say("closed", { error: textOf(error) });
    }
    if (verb === "dial") await new Promise((done) => setTimeout(done, 500));
  }
})().catch((error) => { say("failed", { error: textOf(error) }); process.exit(1); });
