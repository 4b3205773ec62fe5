// Drives a public NATS client against a broker: node clients.cjs CLIENT URL FOLDER-OF-NODE_MODULES
// CLIENT is nats (2.x), nats-io (3.x) or websocket (3.x, as in a browser). One line a step: "ok NAME" or "not ok NAME: why".
"use strict";
const assert = require("node:assert/strict");
const { createRequire } = require("node:module");
const [, , client, url, folder] = process.argv;
const load = createRequire(`${folder}/`);
const lib = load(client === "nats" ? "nats" : "@nats-io/transport-node");
if (client === "websocket") globalThis.WebSocket = load("ws");

const user = process.env.NATS_TEST_USER;
const pass = process.env.NATS_TEST_PASSWORD;
const open = (more = {}) => (client === "websocket" ? lib.wsconnect : lib.connect)({
  servers: url, name: `interop-${client}`, timeout: 10_000, maxReconnectAttempts: 50, reconnectTimeWait: 50, ...(user ? { user, pass } : {}), ...more,
});

const take = async (subscription, count) => {
  const taken = [];
  for await (const message of subscription) {
    taken.push(message);
    if (taken.length === count) break;
  }
  return taken;
};
const within = (promise, what) => Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what}: not within 20 s`)), 20_000).unref())]);
const named = (error, ...names) => names.some((n) => error?.name === n || error?.code === n || error?.cause?.name === n || error?.cause?.code === n);

const steps = {
  async "publish and subscribe with wildcards"(nc) {
    const one = nc.subscribe("a.*.c"), all = nc.subscribe("a.>"), other = nc.subscribe("b", { max: 1 });
    const both = Promise.all([take(one, 1), take(all, 2)]);
    await nc.flush();
    nc.publish("a.b.c", "first");
    nc.publish("a.b.c.d", new Uint8Array([0, 255, 13, 10]));
    const [single, every] = await both;
    assert.equal(single[0].string(), "first");
    assert.deepEqual([...every[1].data], [0, 255, 13, 10]);
    assert.equal(every[1].subject, "a.b.c.d");
    assert.equal(other.getReceived(), 0);
    other.unsubscribe();
  },
  async "queue groups share"(nc) {
    const seen = [], members = [0, 1, 2].map((member) => {
      const subscription = nc.subscribe("work", { queue: "crew" });
      (async () => { for await (const m of subscription) seen.push([member, m.string()]); })();
      return subscription;
    });
    await nc.flush();
    for (let i = 0; i < 300; i++) nc.publish("work", `${i}`);
    await nc.flush();
    await nc.request("_sync", "").catch(() => {});
    assert.equal(seen.length, 300);
    assert.equal(new Set(seen.map((s) => s[1])).size, 300);
    assert.equal(new Set(seen.map((s) => s[0])).size, 3);
    members.forEach((m) => m.unsubscribe());
  },
  async "requests are answered"(nc) {
    const service = nc.subscribe("echo.*");
    (async () => { for await (const m of service) m.respond(`${m.subject}:${m.string()}`); })();
    await nc.flush();
    const replies = await Promise.all([...Array(50).keys()].map((i) => nc.request(`echo.${i}`, `n${i}`, { timeout: 10_000 })));
    assert.deepEqual(replies.map((r) => r.string()), [...Array(50).keys()].map((i) => `echo.${i}:n${i}`));
    const alone = await nc.request("echo.x", "y", { timeout: 10_000, noMux: true });
    assert.equal(alone.string(), "echo.x:y");
    service.unsubscribe();
  },
  async "nobody there is said at once"(nc) {
    const begin = Date.now();
    await assert.rejects(nc.request("nobody.home", "", { timeout: 10_000 }), (e) => named(e, "503", "NoRespondersError") || /no responders/.test(e.message));
    assert.ok(Date.now() - begin < 5_000);
  },
  async "a request can time out"(nc) {
    const silent = nc.subscribe("silent");
    await nc.flush();
    await assert.rejects(nc.request("silent", "", { timeout: 200 }), (e) => named(e, "TIMEOUT", "TimeoutError"));
    silent.unsubscribe();
  },
  async "headers arrive as they were sent"(nc) {
    const subscription = nc.subscribe("with.headers", { max: 1 });
    const coming = take(subscription, 1);
    const headers = lib.headers();
    headers.append("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    headers.append("Many", "one");
    headers.append("Many", "two");
    nc.publish("with.headers", "body", { headers });
    const [message] = await coming;
    assert.deepEqual(message.headers.values("Many"), ["one", "two"]);
    assert.equal(message.headers.get("Traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert.equal(message.string(), "body");
  },
  async "a subscription ends after its number of messages"(nc) {
    const subscription = nc.subscribe("few", { max: 3 });
    const got = take(subscription, 100);
    for (let i = 0; i < 10; i++) nc.publish("few", `${i}`);
    await nc.flush();
    assert.equal((await got).length, 3);
  },
  async "large messages pass and too large ones do not"(nc) {
    const max = nc.info.max_payload;
    const subscription = nc.subscribe("large", { max: 1 });
    const coming = take(subscription, 1);
    const body = new Uint8Array(max).fill(7);
    nc.publish("large", body);
    const [message] = await coming;
    assert.equal(message.data.length, max);
    assert.throws(() => nc.publish("large", new Uint8Array(max + 1)));
  },
  async "the round trip is measured"(nc) {
    assert.ok(await nc.rtt() >= 0);
    assert.equal(nc.info.headers, true);
    assert.ok(nc.getServer().length > 0);
  },
  async "own messages stay away without echo"() {
    const nc = await open({ noEcho: true });
    const subscription = nc.subscribe("mirror");
    nc.publish("mirror", "me");
    await nc.flush();
    assert.equal(subscription.getReceived(), 0);
    await nc.close();
  },
  async "after a reconnect subscriptions stand"(nc) {
    const subscription = nc.subscribe("again");
    const coming = take(subscription, 1);
    await nc.flush();
    const back = (async () => { for await (const s of nc.status()) if (s.type === "reconnect") return; })();
    await nc.reconnect();
    await back;
    await nc.flush();
    nc.publish("again", "still here");
    assert.equal((await coming)[0].string(), "still here");
  },
  async "drain delivers what is under way, and closes"() {
    const reader = await open(), writer = await open();
    const seen = [];
    const subscription = reader.subscribe("last.words");
    const reading = (async () => { for await (const m of subscription) seen.push(m.string()); })();
    await reader.flush();
    for (let i = 0; i < 100; i++) writer.publish("last.words", `${i}`);
    await writer.flush();
    await reader.flush();
    await reader.drain();
    await reading;
    assert.equal(seen.length, 100);
    assert.equal(reader.isClosed(), true);
    await writer.drain();
  },
};

const single = {
  async nkey() {
    const seed = new TextEncoder().encode(process.env.NATS_TEST_SEED);
    const nc = await open({ authenticator: lib.nkeyAuthenticator(seed) });
    assert.equal((await nc.request("whoami", "").catch((e) => e)) instanceof Error, true);
    await nc.rtt();
    await nc.close();
  },
  async refused() {
    await assert.rejects(open({ user: "me", pass: "wrong", reconnect: false }), (e) => named(e, "AUTHORIZATION_VIOLATION", "AuthorizationError"));
  },
  async permissions() {
    const nc = await open();
    const violation = (async () => {
      for await (const s of nc.status()) if (s.type === "error" && /permission/i.test(`${s.data} ${s.error?.name} ${s.permissionContext}`)) return;
    })();
    nc.publish("forbidden.subject", "x");
    await violation;
    await nc.rtt();
    await nc.close();
  },
};

const run = async (name, step) => {
  try {
    await within(step(), name);
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`not ok ${name}: ${`${error?.stack ?? error}`.replaceAll("\n", " | ")}`);
    process.exitCode = 1;
  }
};

(async () => {
  const only = process.env.NATS_TEST_ONLY;
  if (only) {
    await run(only, single[only]);
  } else {
    const nc = await open();
    for (const [name, step] of Object.entries(steps)) await run(name, () => step(nc));
    await nc.close();
  }
  console.log("end");
  process.exit();
})();
