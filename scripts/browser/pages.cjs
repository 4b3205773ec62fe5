// The web pages of two nodes in Chromium. Arguments: a folder to work in, and one for pictures (or nothing).
'use strict';
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { checkPage } = require('./accessibility.cjs');

const [work, pictures] = process.argv.slice(2);
const program = process.env.EDGESYNC_BIN;
const hostile = '<script>window.ran=1</script><img src=x onerror="window.ran=1"><svg onload="window.ran=1">';
const started = [];
const faults = [];

const at = (...names) => path.join(work, ...names);
const run = (...words) => execFileSync(program, words, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const write = (name, text) => {
  fs.mkdirSync(path.dirname(at(name)), { recursive: true });
  fs.writeFileSync(at(name), text);
  return name;
};

function check(condition, what) {
  if (!condition) faults.push(what);
}

async function until(what, test) {
  for (let i = 0; i < 300; i++) {
    const found = await test();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw new Error(`never came: ${what}`);
}

async function node(name, ...words) {
  const urls = at(`${name}.urls`);
  const log = fs.openSync(at(`${name}.log`), 'w');
  const child = spawn(program, ['leaf', '--name', name, '--url-file', urls, '--data-dir', at(`${name}.data`),
    '--control-socket', at(`${name}.sock`), '--no-iroh', ...words], { cwd: work, stdio: ['ignore', log, log] });
  started.push(child);
  return await until(`${name} listens`, () => fs.existsSync(urls) && JSON.parse(fs.readFileSync(urls, 'utf8')));
}

function fill() {
  run('repo', 'new', 'ship.fossil', '--user', 'ann', '--project-name', 'Ship');
  const commit = (message, files, ...more) => {
    for (const [name, text] of Object.entries(files)) write(name, text);
    run('repo', 'ci', '-R', 'ship.fossil', '-u', 'ann', '-m', message, ...more, ...Object.keys(files));
  };

  const code = count => Array.from({ length: count }, (_, i) =>
    `/* step ${i} */ static int step${i}(int x) { return x + ${i}; } // "add"`).join('\n') + '\n';
  commit('Start the engine room', { 'src/engine.c': code(12), 'README.md': '# Ship\n' });
  commit('Count the steps from one', { 'src/engine.c': code(12).replace('x + 0', 'x + 1').replace('step 7', 'step seven') });
  run('repo', 'branch', 'new', 'sails', '-R', 'ship.fossil', '-u', 'bob');
  commit('Hoist the mainsail', { 'src/sails.py': 'def hoist(n):\n    # up\n    return "up" * n\n' }, '--branch', 'sails');
  commit('Log the course', { 'log/course.txt': 'north\n' });
  commit('Hoist the sails as well', { 'src/sails.py': 'def hoist(n):\n    return "up" * n\n' }, '--merge', 'sails');
  commit(hostile, { [`src/${hostile.replaceAll('/', '').replaceAll('"', '')}.c`]: hostile }, '--tag', 'v1');
  run('repo', 'wiki', 'create', 'Start', write('start.md',
    '# Welcome aboard\n\n**Bold** text, `code`, [Rules], and\n\n- a list\n- of two\n\n| Mast | Height |\n|---|--:|\n'
      + `| main | 30 m |\n\n${hostile}\n\n[x](javascript:window.ran=1)\n`), '-M', 'text/x-markdown', '-R', 'ship.fossil', '-u', 'ann');
  run('repo', 'wiki', 'create', 'Rules', write('rules.wiki',
    `<h2>Rules</h2>\n\n  *  No fire\n  *  No [Start|open] lights\n\n${hostile}<a href="javascript:window.ran=1">x</a>\n`),
    '-R', 'ship.fossil', '-u', 'ann');
  run('repo', 'technote', 'create', `Left the harbour ${hostile}`, write('note.md', 'At **dawn**.'), '-M', 'text/x-markdown',
    '-R', 'ship.fossil', '-u', 'ann');
  run('repo', 'ticket', 'add', `title=The pump leaks ${hostile}`, 'status=Open', 'type=Code_Defect', `comment=${hostile}`,
    '-R', 'ship.fossil', '-u', 'ann');
  run('repo', 'uv', 'add', 'manual.txt', write('manual.txt', 'Read me.\n'), '-R', 'ship.fossil');
  run('repo', 'uv', 'add', 'evil.html', write('evil.html', '<script>window.ran=1</script>'), '-R', 'ship.fossil');
  run('repo', 'user', 'update', 'nobody', '--cap', 'gjorz2', '-R', 'ship.fossil');
  run('notify', 'init', '-R', 'ship.fossil', '--device', 'ship');
  run('notify', 'send', `The pump leaks ${hostile}`, '--project', 'ship', '--priority', 'urgent', '--from', 'engine',
    '-R', 'ship.fossil');
  const add = (login, caps, file) =>
    JSON.parse(run('repo', 'user', 'add', login, '--cap', caps, '--json', '-R', file)).password;
  return { password: add('cook', 's', 'ship.fossil'), answering: add('ann', 'io', 'notify.fossil') };
}

async function open(page, address, picture) {
  const answer = await page.goto(address, { waitUntil: 'load' });
  check(answer.status() === 200, `${address}: status ${answer.status()}`);
  check(await page.evaluate(() => window.ran === undefined), `${address}: a script of the repository ran`);
  for (const fault of await checkPage(page)) faults.push(`${address}: ${fault}`);
  if (picture && pictures) await page.screenshot({ path: path.join(pictures, `${picture}.png`) });
}

// Users and settings, by a user who may change them.
async function administer(page, base) {
  for (const address of ['/setup_ulist', '/setup_uedit', '/setup_settings'])
    await open(page, `${base}${address}`, address === '/setup_ulist' ? 'users' : '');
  await page.goto(`${base}/setup_uedit`);
  await page.getByLabel('Login').fill('mate');
  await page.getByLabel('Check out').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('mate was added').waitFor();
  await page.getByRole('link', { name: 'mate' }).click();
  await page.getByRole('button', { name: 'Delete mate' }).click();
  await page.getByLabel('Delete mate for good').check();
  await page.getByRole('button', { name: 'Delete mate' }).click();
  await page.getByRole('link', { name: 'Add a user' }).waitFor();
  check(await page.getByRole('link', { name: 'mate' }).count() === 0, 'a deleted user is there');
}

// A script waits for an answer; a person gives it on a phone, while the page keeps itself current.
async function answer(page, base, password) {
  const outcome = { text: '', code: null };
  const script = spawn(program, ['notify', 'ask', 'Set sail now?', '--actions', 'Yes, Not yet', '--from', 'harbour',
    '-R', 'ship.fossil'], { cwd: work, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(script);
  script.stdout.on('data', data => { outcome.text += data; });
  script.on('exit', code => { outcome.code = code; });
  await open(page, `${base}/notify/login`);
  await page.getByLabel('Login').fill('ann');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('link', { name: 'Set sail now?' }).waitFor();
  await open(page, `${base}/notify`);
  await page.getByRole('link', { name: 'Set sail now?' }).click();
  await page.getByRole('button', { name: 'Yes' }).waitFor();
  const thread = page.url();
  await open(page, thread, 'notify');
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(excess <= 1, `/notify: ${excess} pixels wider than a phone`);
  await page.getByRole('textbox').fill('half a sentence');
  run('notify', 'send', 'The wind is good', '--thread', thread.match(/thread-([0-9a-f]{8})/)[1], '--from', 'bob',
    '-R', 'ship.fossil');
  await page.getByText('The wind is good').waitFor({ timeout: 60000 });
  check(await page.getByRole('textbox').inputValue() === 'half a sentence', 'what was being written is lost');
  await page.getByRole('button', { name: 'Yes' }).click();
  await page.getByText('Answered by ann').waitFor();
  await until('the script goes on', () => outcome.code !== null);
  check(outcome.code === 0 && outcome.text.includes('action:yes'), `ask ended with ${outcome.code}: ${outcome.text}`);
}

async function main() {
  const { password, answering } = fill();
  const first = await node('ship', '-R', 'ship.fossil', '--notify', '--serve-http', '127.0.0.1:0', '--nats-leaf-port', '0');
  const base = first.http;
  run('repo', 'clone', base, 'shore.fossil', '--user', 'cook', '--password', password);
  await node('shore', '-R', 'shore.fossil', '--serve-http', '127.0.0.1:0', '--nats', first['nats-leaf']);

  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],   // playwright gives each run a new profile
  });
  const context = await browser.newContext({ viewport: { width: 1000, height: 640 } });
  const page = await context.newPage();
  const outside = [];
  page.on('request', request => { if (!request.url().startsWith(base)) outside.push(request.url()); });
  page.on('pageerror', error => faults.push(`${page.url()}: ${error}`));
  page.on('dialog', dialog => { faults.push(`${page.url()}: a dialog`); return dialog.dismiss(); });

  const data = async address => await (await context.request.get(`${base}${address}`)).json();
  const ticket = (await data('/ticket?format=json')).tickets[0].id;
  const note = (await data('/technote?format=json')).technotes[0].id;
  const file = (await data('/dir?ci=tip&name=src&format=json')).entries.find(e => e.name.startsWith('<')).path;
  const step = (await data('/timeline?format=json')).entries.find(e => e.comment.startsWith('Count')).hash;

  await open(page, `${base}/`);
  await open(page, `${base}/timeline`, 'timeline');
  await open(page, `${base}/info/${step}?diff=2`, 'checkin');
  for (const address of [`/info/${step}`, '/info/tip', '/info/v1?diff=2', '/dir?ci=tip', '/dir?ci=tip&name=src', '/file?ci=tip&name=src/engine.c',
    `/file?ci=tip&name=${encodeURIComponent(file)}`, '/finfo?name=src/engine.c', '/annotate?checkin=tip&filename=src/engine.c',
    '/brlist', '/taglist', '/wiki', '/wcontent', '/wiki?name=Rules', '/whistory?name=Start', '/technote', `/technote/${note}`,
    '/ticket', '/reportlist', '/rptview?rn=1', '/forum', '/search?s=hoist', '/search?s=window', '/uvlist', '/login', '/timeline?r=sails'])
    await open(page, `${base}${address}`);
  await open(page, `${base}/wiki?name=Start`, 'wiki');
  await open(page, `${base}/tktview/${ticket}`);

  // Another node, its route, and what happened last.
  await until('the other node on /node', async () => {
    await page.goto(`${base}/node`);
    return await page.getByText('in sync').count() > 1;
  });
  await open(page, `${base}/node`, 'node');

  // A commit of the other node comes by itself.
  await open(page, `${base}/timeline`);
  write('log/course.txt', 'north\nwest\n');
  run('repo', 'ci', '-R', 'shore.fossil', '-u', 'bob', '-m', 'Turn to the west', 'log/course.txt');
  await page.getByText('Turn to the west').waitFor({ timeout: 60000 });
  check((await page.locator('#live').textContent()).startsWith('Updated'), 'the page does not say that it was updated');

  // Older entries come as they are needed, and stay while they are read.
  await page.goto(`${base}/timeline?n=3`);
  await until('all of the timeline', async () => {
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    return await page.getByText('initial empty check-in').count() === 1;
  });
  check(await page.locator('a[rel=next]').count() === 0, 'there is more than everything');

  // Without scripts, a page is whole.
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${base}/timeline`);
  check(await plain.getByText('Turn to the west').count() === 1, 'no timeline without scripts');

  // A login by keyboard alone, and its end.
  await page.goto(`${base}/login`);
  await page.getByLabel('Login').fill('cook');
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Log out cook' }).waitFor();
  await administer(page, base);
  await page.getByRole('button', { name: 'Log out cook' }).click();
  await page.getByRole('link', { name: 'Log in' }).waitFor();

  // Dark, and on a phone.
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, `${base}/info/${step}`, 'checkin-dark');
  await page.setViewportSize({ width: 390, height: 700 });
  await page.emulateMedia({ colorScheme: 'light' });
  for (const address of ['/', '/timeline', `/info/${step}?diff=2`, '/wiki?name=Start', '/node', '/file?ci=tip&name=src/engine.c']) {
    await open(page, `${base}${address}`, address === '/timeline' ? 'phone' : '');
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(excess <= 1, `${address}: ${excess} pixels wider than a phone`);
  }

  await answer(page, base, answering);

  check(outside.length === 0, `requests to elsewhere: ${outside.join(' ')}`);
  await browser.close();
}

main().catch(error => faults.push(error.stack)).finally(() => {
  for (const child of started) child.kill();
  for (const fault of faults) console.error(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'all pages are well' : `${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
});
