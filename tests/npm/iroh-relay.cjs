// Real iroh endpoints that meet through a relay: node iroh-relay.cjs FOLDER-OF-NODE_MODULES RELAY both|listen|echo [TICKET] [TOKEN]
//   both     two endpoints in this process: one dials the other by nothing but id and relay, and echoes streams
//   listen   prints a ticket without addresses, and serves
//   echo     dials the ticket and echoes streams
// One JSON object a line; the last one is {"event":"result","ok":…}, of listen {"event":"listening","ticket":…}.
"use strict";
const { createRequire } = require("node:module");
const [, , folder, relay, verb, ticket, token] = process.argv;
const { Endpoint, EndpointAddr, EndpointTicket, RelayMap, RelayMode } = createRequire(`${folder}/`)("@number0/iroh/index.js");

const ALPN = [...Buffer.from("edgesync-test/echo/1")];
const say = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));
const textOf = (error) => `${error?.message ?? error}`.split("\n\nStack")[0];
const within = (seconds, what, promise) => Promise.race([
  promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what}: not within ${seconds} s`)), 1000 * seconds).unref())]);

const bind = async () => {
  const builder = Endpoint.builder(), map = RelayMap.empty();
  map.insert({ url: relay, ...(token ? { authToken: token } : {}) });
  builder.applyMinimal();
  builder.relayMode(RelayMode.custom(map));
  builder.bindAddr("0.0.0.0:0");
  builder.alpns([ALPN]);
  const endpoint = await builder.bind();
  await within(30, "online", endpoint.online());
  return endpoint;
};

const onlyByRelay = (endpoint) => new EndpointAddr(endpoint.id(), endpoint.addr().relayUrl(), []);

const serve = async (endpoint) => {
  for (let incoming; (incoming = await endpoint.acceptNext());) {
    (async () => {
      const connection = await (await incoming.accept()).connect();
      for (;;) {
        const { send, recv } = await connection.acceptBi();
        (async () => {
          for (let piece; (piece = await recv.read(65536)).length;) await send.writeAll(piece);
          await send.finish();
        })().catch(() => {});
      }
    })().catch(() => {});
  }
};

const echo = async (endpoint, address) => {
  const connection = await within(30, "connect", endpoint.connect(address, ALPN));
  let echoed = 0;
  for (const size of [0, 1, 1200, 5000, 100_000]) {
    const body = Buffer.alloc(size, size & 0xff), back = [], { send, recv } = await connection.openBi();
    await send.writeAll([...body]);
    await send.finish();
    for (let piece; (piece = await within(30, "echo", recv.read(65536))).length;) back.push(Buffer.from(piece));
    if (!Buffer.concat(back).equals(body)) throw new Error(`${size} bytes came back changed`);
    echoed += size;
  }
  const paths = connection.paths().map((p) => ({ relay: p.isRelay, selected: p.isSelected }));
  connection.close(0n, []);
  return { ok: true, echoed, peer: connection.remoteId().toString(), paths };
};

const verbs = {
  both: async () => {
    const [one, two] = await Promise.all([bind(), bind()]);
    serve(two);
    return echo(one, onlyByRelay(two));
  },
  listen: async () => {
    const endpoint = await bind();
    say("listening", { id: endpoint.id().toString(), ticket: EndpointTicket.fromAddr(onlyByRelay(endpoint)).toString() });
    await serve(endpoint);
  },
  echo: async () => echo(await bind(), EndpointTicket.fromString(ticket).endpointAddr()),
};

verbs[verb]().then((result) => { say("result", result); process.exit(0); }, (error) => { say("result", { ok: false, error: textOf(error) }); process.exit(1); });
