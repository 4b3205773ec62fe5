// A leaf in a page, in Chromium, beside a leaf of the program and a stock Fossil. Arguments: a folder to work in, the folder
// with the built page, and the number of check-ins of the large history.
'use strict';
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { chromium } = require('playwright-core');

const [work, built, largeText = '300'] = process.argv.slice(2);
const program = process.env.EDGESYNC_BIN;
const stock = process.env.EDGESYNC_FOSSIL || 'fossil';
const started = [];
const faults = [];
const figures = [];

const at = (...names) => path.join(work, ...names);
const exec = (file, words, cwd = work) =>
  execFileSync(file, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 });
const run = (...words) => exec(program, words);
const write = (name, text) => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), text);
  return name;
};

function check(condition, what) {
  if (!condition) faults.push(what);
}

async function until(what, test, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = await test();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`never came: ${what}`);
}

// The built page as any web server gives it: the compressed files where the browser takes them.
function serve() {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css' };
  const totals = { bytes: 0 };
  const server = http.createServer((request, response) => {
    const name = path.normalize(decodeURIComponent(request.url.split('?')[0])).replace(/\/$/, '/index.html');
    if (name === '/test.html') { response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><title>Test</title>'); return; }
    const file = path.join(built, name);
    const isPacked = /\bbr\b/.test(request.headers['accept-encoding'] || '') && fs.existsSync(`${file}.br`);
    if (!fs.existsSync(file)) { response.writeHead(404).end(); return; }
    const body = fs.readFileSync(isPacked ? `${file}.br` : file);
    totals.bytes += body.length;
    response.writeHead(200, {
      'content-type': types[path.extname(file)] || 'application/octet-stream',
      'cache-control': 'no-cache',
      ...(isPacked ? { 'content-encoding': 'br' } : {}),
    }).end(body);
  });
  return new Promise(resolve => server.listen(0, '127.0.0.1', () =>
    resolve({ base: `http://127.0.0.1:${server.address().port}`, totals, close: () => server.close() })));
}

function freePort() {
  const probe = net.createServer();
  return new Promise(resolve => probe.listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  }));
}

async function node(name, ...words) {
  const urls = at(`${name}.urls`);
  fs.rmSync(urls, { force: true });
  const log = fs.openSync(at(`${name}.log`), 'a');
  const child = spawn(program, ['leaf', '--name', name, '--url-file', urls, '--data-dir', at(`${name}.data`),
    '--control-socket', at(`${name}.sock`), '--no-iroh', ...words], { cwd: work, stdio: ['ignore', log, log] });
  started.push(child);
  const addresses = await until(`${name} listens`, () => fs.existsSync(urls) && JSON.parse(fs.readFileSync(urls, 'utf8')));
  return { child, ...addresses };
}

async function stop({ child }) {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await new Promise(resolve => child.once('exit', resolve));
}

function fill() {
  run('repo', 'new', 'ship.fossil', '--user', 'ann', '--project-name', 'Ship');
  const commit = (message, files, ...more) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    run('repo', 'ci', '-R', 'ship.fossil', '-u', 'ann', '-m', message, ...more, ...Object.keys(files));
  };
  commit('Start the log', { 'log/course.txt': 'north\n', 'README.md': '# Ship\n' });
  commit('Turn east', { 'log/course.txt': 'north\neast\n' }, '--tag', 'v1');
  commit('Hoist the mainsail', { 'sails.txt': 'main\n' }, '--branch', 'sails');
  run('repo', 'user', 'update', 'nobody', '--cap', '', '-R', 'ship.fossil');
  return JSON.parse(run('repo', 'user', 'add', 'cook', '--cap', 'giojk', '--json', '-R', 'ship.fossil')).password;
}

// Each check-in changes one of twenty files, of a hundred lines each.
function large() {
  exec(stock, ['new', '--admin-user', 'ann', 'large.fossil']);
  fs.mkdirSync(at('large'));
  exec(stock, ['open', '../large.fossil'], at('large'));
  // A file that keeps its size within a second is changed, too.
  exec(stock, ['settings', 'mtime-changes', 'off'], at('large'));
  const lines = Array.from({ length: 20 }, (_, i) => Array.from({ length: 100 }, (_, j) => `file ${i} line ${j}`));
  for (let step = 0; step < largeText; step++) {
    lines[step % 20][(step * 7) % 100] = `changed in step ${step}`;
    for (let i = 0; i < 20; i++)
      if (step === 0 || i === step % 20) fs.writeFileSync(at('large', `file${i}.txt`), lines[i].join('\n') + '\n');
    if (step === 0) exec(stock, ['add', '.'], at('large'));
    exec(stock, ['commit', '--no-warnings', '-m', `Step ${step}`, '--user', 'ann', '--nosync'], at('large'));
  }
  exec(stock, ['user', 'capabilities', 'nobody', 'gjorz', '-R', '../large.fossil'], at('large'));
}

// The functions of a page, called from here: names and arguments go to the one agent that the page has open.
const call = (page, name, ...args) => page.evaluate(
  async ([method, values]) => {
    try {
      return { value: await window.agent[method](...values) };
    } catch (error) {
      return { error: { code: error.code, message: error.message, hint: error.hint } };
    }
  }, [name, args]);

async function ask(page, name, ...args) {
  const { value, error } = await call(page, name, ...args);
  if (error) throw new Error(`${name}: ${error.code}: ${error.message}`);
  return value;
}

const open = (page, options) => page.evaluate(async values => {
  const library = await import('./edgesync.js');
  try {
    window.agent = await library.newAgent(values);
    await window.agent.start();
    return null;
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}, options);

const clone = (page, options) => page.evaluate(async values => {
  const library = await import('./edgesync.js');
  const from = performance.now();
  const result = await library.clone(values);
  return { ...result, ms: performance.now() - from };
}, options);

const text = async (page, file, version) => ask(page, 'readText', file, version);
const messages = async (page, options) => (await ask(page, 'timeline', options ?? {})).map(entry => entry.comment);

// Messages between a terminal and a page. The node keeps them beside its repository; the page has a clone of them.
let post;

async function messagesOfThePage(page, site) {
  fs.mkdirSync(at('post'));
  run('repo', 'new', 'post/crew.fossil', '--user', 'ann', '--project-name', 'Crew');
  const notify = (...words) => run('notify', ...words, '-R', 'post/notify.fossil');
  run('notify', 'init', '-R', 'post/crew.fossil', '--device', 'terminal');
  const password = JSON.parse(run('repo', 'user', 'add', 'cook', '--cap', 'gio', '--json', '-R', 'post/notify.fossil')).password;
  run('repo', 'user', 'update', 'nobody', '--cap', '', '-R', 'post/notify.fossil');
  notify('send', 'Before the page', '--project', 'crew', '--from', 'ann');
  const crew = await node('crew', '-R', 'post/crew.fossil', '--notify', '--nats-websocket-port', '0',
    '--nats-websocket-origin', site.base);
  const projectCode = JSON.parse(run('repo', 'info', '--json', '-R', 'post/crew.fossil')).project_code;
  const options = { repoPath: 'crew', natsUrl: crew.websocket, pollSeconds: 60, user: 'cook', password, name: 'phone' };
  post = { ...options, projectCode };
  await clone(page, { ...options, projectCode, notify: true });

  // Opens the messages, and keeps what comes.
  const openNotify = () => page.evaluate(async values => {
    const library = await import('./edgesync.js');
    window.agent = await library.newAgent(values);
    window.notify = await window.agent.openNotify({ device: 'phone', from: 'bob' });
    window.came = [];
    window.notify.addEventListener('message', event => window.came.push(event.detail));
    await window.agent.start();
  }, options);
  const came = () => page.evaluate(() => window.came.map(message => message.body));
  const notified = (name, ...args) => page.evaluate(([method, values]) => window.notify[method](...values), [name, args]);
  await openNotify();
  await until('the link for messages', async () => (await ask(page, 'status')).connected);
  let [thread] = await notified('threads');
  check(thread.unread === 1 && thread.lastMessage === 'Before the page' && thread.lastFromName === 'ann', `a thread: ${JSON.stringify(thread)}`);
  check((await notified('thread', thread.threadShort))[0].from === 'terminal', 'the sender of a message');

  // What a terminal sends appears, and counts as unread until it is read.
  let from = Date.now();
  notify('send', 'Land in sight', '--thread', thread.threadShort, '--from', 'ann');
  await until('a message in the page', async () => (await came()).includes('Land in sight'));
  figures.push(`a message of a terminal is in the page after ${Date.now() - from} ms, with the start of the command`);
  [thread] = await notified('threads');
  check(thread.unread === 2, `unread: ${thread.unread}`);
  check(await notified('markRead', ...(await notified('thread', thread.thread)).map(m => m.id)) === 2, 'how many were unread');

  // A script waits for an answer, and the page gives it.
  const asking = spawn(program, ['notify', 'ask', 'Anchor here?', '--actions', 'Yes, No', '--timeout', '2m', '--json', '-R', 'post/notify.fossil'],
    { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(asking);
  let answered = '';
  asking.stdout.on('data', data => { answered += data; });
  const ended = new Promise(resolve => asking.once('exit', resolve));
  const question = await until('the question', () => page.evaluate(() => window.came.find(message => message.body === 'Anchor here?')));
  check(question.actions.map(action => action.label).join() === 'Yes,No' && question.priority === 'action_required', 'the answers of a question');
  from = Date.now();
  const choice = await notified('act', question.id, 'Yes');
  check(await ended === 0, `ask ended with ${asking.exitCode}`);
  figures.push(`a script that waits in ask goes on ${Date.now() - from} ms after the answer in the page`);
  check(answered.includes(choice.id) && answered.includes('"action_response":true'), `the answer at the terminal: ${answered}`);
  check(notify('log', question.threadShort).includes('from:bob action:yes'), 'the log of the question');

  // Offline, and after a reload: everything is there once, and what was written is sent later.
  await stop(crew);
  await until('the link for messages is gone', async () => !(await ask(page, 'status')).connected);
  await notified('reply', thread.threadShort, 'Which side?');
  check((await came()).join() === 'Land in sight,Anchor here?,yes,Which side?', `what came: ${await came()}`);
  await page.reload();
  await openNotify();
  check((await notified('arrived')).map(m => m.body).join() === 'Before the page,Land in sight,Anchor here?,yes,Which side?', 'messages after a reload');
  check((await notified('threads')).every(t => t.unread === 0), 'what was read is unread after a reload');
  const words = ['-R', 'post/crew.fossil', '--notify', '--nats-websocket-port', new URL(crew.websocket).port, '--nats-websocket-origin', site.base];
  post.natsUrl = (await node('crew', ...words)).websocket;
  await until('the reply of the page', () => notify('log', thread.threadShort).includes('Which side?'));
  exec(stock, ['test-integrity', '-R', 'post/notify.fossil']);
  check(exec(stock, ['timeline', '-R', 'post/notify.fossil', '-n', '20']).includes(`notify: ${choice.id}`), 'stock shows the answer');
  check((await came()).length === 0, 'old messages came again');
  await ask(page, 'close');
}

async function messagesOfTheDemo(demo, site) {
  await demo.goto(`${site.base}/`);
  await demo.getByLabel('Repository').fill('crew-demo');
  await demo.getByLabel('NATS').fill(post.natsUrl);
  await demo.getByLabel('Project code').fill(post.projectCode);
  await demo.getByLabel('Messages of the project').check();
  await demo.getByLabel('User').fill('cook');
  await demo.getByLabel('Password').fill(post.password);
  await demo.getByRole('button', { name: 'Open' }).click();
  await demo.getByRole('button', { name: 'Which side?' }).click();
  await demo.getByLabel('Message', { exact: true }).fill('Starboard');
  await demo.getByRole('button', { name: 'Send' }).click();
  await until('the message of the demo', () => run('notify', 'threads', '-R', 'post/notify.fossil').includes('Starboard'));
  run('notify', 'send', 'Sails down?', '--project', 'crew', '--actions', 'Now,Later', '-R', 'post/notify.fossil');
  await demo.getByRole('button', { name: 'Sails down?' }).click();
  await demo.getByRole('button', { name: 'Later' }).click();
  await until('the choice of the demo', () => run('notify', 'threads', '-R', 'post/notify.fossil').includes('later'));
  await demo.close();
}

async function main() {
  const password = fill();
  const site = await serve();
  const port = await freePort();   // the same one after the leaf's restart
  const words = ['-R', 'ship.fossil', '--serve-http', '127.0.0.1:0', '--nats-websocket-port', String(port), '--nats-websocket-origin', site.base];
  let ship = await node('ship', ...words);
  const code = JSON.parse(run('repo', 'info', '--json', '-R', 'ship.fossil')).project_code;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  const context = await browser.newContext();
  const watch = page => {
    page.on('pageerror', error => faults.push(`page: ${error}`));
    return page;
  };
  const page = watch(await context.newPage());
  await page.goto(`${site.base}/test.html`);
  const options = { repoPath: 'ship', natsUrl: ship.websocket, pollSeconds: 2, user: 'cook', password, name: 'deck' };

  // Nothing is there before a clone; a wrong password clones nothing.
  check((await open(page, options))?.code === 'not_found', 'an agent without a repository');
  const refused = await clone(page, { ...options, password: 'wrong', projectCode: code }).catch(error => error);
  check(/login failed|not authorized/.test(String(refused.message)), `a wrong password: ${refused.message}`);
  const first = await clone(page, { ...options, projectCode: code });
  check(first.checkIns === 4, `the clone has ${first.checkIns} check-ins`);
  figures.push(`page, program and clone of a small project: ${Math.round(first.ms)} ms`);
  const again = await clone(page, { ...options, projectCode: code }).catch(error => error);
  check(/already holds/.test(String(again.message)), `a second clone: ${again.message}`);

  check(await open(page, options) === null, 'the agent does not open');
  check((await messages(page, { branch: 'sails' })).join() === 'Hoist the mainsail', 'the timeline of a branch');
  check((await ask(page, 'timeline'))[1].tags.join() === 'v1', 'the tag of a check-in');
  check(await text(page, 'log/course.txt', 'v1') === 'north\neast\n', 'a file of a tagged version');
  check(await text(page, 'log/course.txt', 'sails') === 'north\neast\n', 'a file of another branch');
  check((await call(page, 'read', 'none.txt', 'trunk')).error?.code === 'not_found', 'a file that is not there');

  // A commit in the page reaches a stock clone, and one of the stock clone comes by itself.
  await until('the link', async () => (await ask(page, 'status')).connected);
  const origin = () => ship.http.replace('//', `//cook:${password}@`);
  const shore = (...rest) => exec(stock, [...rest, '-R', '../shore.fossil'], at('shore'));
  exec(stock, ['clone', origin(), 'shore.fossil']);
  fs.mkdirSync(at('shore'));
  exec(stock, ['open', '../shore.fossil', '--nosync'], at('shore'));
  exec(stock, ['settings', 'autosync', 'off'], at('shore'));
  let from = Date.now();
  const made = await ask(page, 'commit', {
    comment: 'From the page', user: 'cook', files: { 'log/course.txt': 'north\neast\nsouth\n', 'a/ö.txt': 'new\n', 'README.md': null } });
  await until('the commit of the page', () => run('repo', 'timeline', '-R', 'ship.fossil').includes('From the page'));
  figures.push(`a commit of the page is in the leaf's file after ${Date.now() - from} ms, with the time to look`);
  shore('pull', origin(), '--once');
  exec(stock, ['update'], at('shore'));
  check(fs.readFileSync(at('shore', 'log/course.txt'), 'utf8') === 'north\neast\nsouth\n', 'stock has the file of the page');
  check(fs.existsSync(at('shore', 'a/ö.txt')) && !fs.existsSync(at('shore', 'README.md')), 'stock has the new file alone');
  exec(stock, ['test-integrity', '-R', 'shore.fossil']);
  fs.writeFileSync(at('shore', 'log/course.txt'), 'north\neast\nsouth\nwest\n');
  exec(stock, ['commit', '--user', 'cook', '--no-warnings', '-m', 'From stock'], at('shore'));
  shore('push', origin(), '--once');
  from = Date.now();
  await until('the commit of stock', async () => (await messages(page)).includes('From stock'));
  figures.push(`a commit of stock is in the page ${Date.now() - from} ms after stock has pushed it`);
  check(await text(page, 'log/course.txt', 'trunk') === 'north\neast\nsouth\nwest\n', 'the page has the file of stock');

  // What it must refuse.
  const stale = await call(page, 'commit', { comment: 'x', user: 'cook', parent: made.hash, files: { 'b.txt': 'b' } });
  check(stale.error?.code === 'conflict', `a commit on an old parent: ${JSON.stringify(stale)}`);
  const outside = await call(page, 'commit', { comment: 'x', user: 'cook', files: { '../b.txt': 'b' } });
  check(outside.error?.code === 'usage', `a file outside: ${JSON.stringify(outside)}`);

  // A second tab is refused, or waits until the first one is gone.
  const second = watch(await context.newPage());
  await second.goto(`${site.base}/test.html`);
  check((await open(second, options))?.code === 'busy', 'two tabs have the repository');
  const waiting = open(second, { ...options, wait: true });
  await page.reload();
  check(await waiting === null, 'the second tab does not get the repository');
  check((await messages(second)).includes('From stock'), 'the second tab has the repository');
  check((await open(page, options))?.code === 'busy', 'two tabs have the repository after a reload');
  await second.close();

  // After a reload everything is there at once, and offline too.
  check(await open(page, options) === null, 'the page does not open after a reload');
  check((await messages(page)).includes('From stock'), 'a reload loses check-ins');
  await until('the link after a reload', async () => (await ask(page, 'status')).connected);
  await stop(ship);
  await until('the link is gone', async () => !(await ask(page, 'status')).connected);
  await ask(page, 'commit', { comment: 'Offline in the page', user: 'cook', files: { 'offline.txt': 'page\n' } });
  check((await call(page, 'syncNow')).error?.code === 'unavailable', 'sync while offline');
  write('offline-leaf.txt', 'leaf\n');
  run('repo', 'ci', '-R', 'ship.fossil', '-u', 'ann', '-m', 'Meanwhile at the leaf', 'offline-leaf.txt');
  await page.reload();
  check(await open(page, options) === null, 'the page does not open offline');
  check((await messages(page))[0] === 'Offline in the page', 'a reload offline loses the commit');
  check((await ask(page, 'status')).unsent === 2, 'the commit is not marked as unsent');
  ship = await node('ship', ...words);
  from = Date.now();
  await until('both commits on both sides', async () =>
    run('repo', 'timeline', '-R', 'ship.fossil').includes('Offline in the page')
      && (await messages(page)).includes('Meanwhile at the leaf'));
  figures.push(`both sides have the other's offline commits ${Date.now() - from} ms after the leaf is back`);
  const synced = await ask(page, 'syncNow');
  check(synced.errors.length === 0 && synced.sessions > 0, `syncNow: ${JSON.stringify(synced)}`);
  await until('nothing is unsent', async () => (await ask(page, 'status')).unsent === 0);
  shore('sync', origin(), '--once');
  check(exec(stock, ['timeline', '-R', 'shore.fossil', '-n', '20']).includes('Offline in the page'), 'stock lacks the offline commit');
  await ask(page, 'close');

  await messagesOfThePage(page, site);

  // A long history: time and bytes of the first sync, and of opening it again.
  large();
  const big = await node('big', '-R', 'large.fossil', '--serve-http', '127.0.0.1:0', '--nats-websocket-port', '0',
    '--nats-websocket-origin', site.base);
  const bigCode = JSON.parse(run('repo', 'info', '--json', '-R', 'large.fossil')).project_code;
  const bigOptions = { repoPath: 'large', natsUrl: big.websocket };
  const whole = await clone(page, { ...bigOptions, projectCode: bigCode });
  figures.push(`clone of ${whole.artifacts} artifacts, ${whole.checkIns} check-ins, ${fs.statSync(at('large.fossil')).size} bytes of `
    + `file: ${Math.round(whole.ms)} ms, ${whole.rounds} rounds, ${whole.bytes} bytes of contents`);
  from = Date.now();
  check(await open(page, bigOptions) === null, 'the long history does not open');
  figures.push(`it opens in ${Date.now() - from} ms`);
  check((await messages(page, { limit: 3 }))[0] === `Step ${largeText - 1}`, 'the newest check-in of a long history');
  check((await text(page, 'file1.txt', 'trunk')).length > 0, 'a file of a long history');
  await ask(page, 'close');
  await page.evaluate(async () => { await (await import('./edgesync.js')).remove('large'); });
  check((await open(page, bigOptions))?.code === 'not_found', 'a removed repository is there');

  await messagesOfTheDemo(watch(await context.newPage()), site);

  // The demo page: it clones, shows the timeline, and commits.
  const demo = watch(await context.newPage());
  await demo.goto(`${site.base}/`);
  await demo.getByLabel('Repository').fill('demo');
  await demo.getByLabel('NATS').fill(ship.websocket);
  await demo.getByLabel('Project code').fill(code);
  await demo.getByLabel('User').fill('cook');
  await demo.getByLabel('Password').fill(password);
  await demo.getByRole('button', { name: 'Open' }).click();
  await demo.getByText('Offline in the page').waitFor();
  await demo.getByLabel('File').fill('demo.txt');
  await demo.getByLabel('Content').fill('from the demo');
  await demo.getByLabel('Comment').fill('From the demo');
  await demo.getByRole('button', { name: 'Commit' }).click();
  await until('the commit of the demo', () => run('repo', 'timeline', '-R', 'ship.fossil').includes('From the demo'));

  figures.push(`${site.totals.bytes} bytes were loaded from the web server by all pages together`);
  await browser.close();
  site.close();
}

main().catch(error => faults.push(String(error.stack || error))).finally(async () => {
  for (const child of started) if (child.exitCode === null) { child.kill('SIGTERM'); await new Promise(r => child.once('exit', r)); }
  for (const figure of figures) console.log(figure);
  for (const fault of faults) console.error(fault);
  process.exit(faults.length ? 1 : 0);
});
