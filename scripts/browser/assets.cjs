// The pages of an asset store in Chromium. Arguments: a folder to work in, and one for pictures (or nothing).
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { chromium } = require('playwright-core');
const { checkPage } = require('./accessibility.cjs');

const [work, pictures] = process.argv.slice(2);
const program = process.env.EDGESYNC_BIN;
const hostile = '<script>window.ran=1</script><img src=x onerror="window.ran=1"><svg onload="window.ran=1">';
const started = [];
const faults = [];
const at = (...names) => path.join(work, ...names);

function check(condition, what) {
  if (!condition) faults.push(what);
}

async function serve(name, settings) {
  fs.writeFileSync(at(`${name}.yaml`), `storage_root: ${at(name)}\nport: 0\nverify_interval_hours: 0\n${settings}`);
  const child = spawn(program, ['can', 'serve', '--config', at(`${name}.yaml`), '--json'],
    { cwd: work, stdio: ['ignore', 'pipe', fs.openSync(at(`${name}.log`), 'w')] });
  started.push(child);
  let text = '';
  for await (const piece of child.stdout) {
    text += piece;
    if (text.includes('\n')) break;
  }

  return JSON.parse(text).url;
}

async function put(base, name, content, fields = {}, headers = {}) {
  const form = new FormData();
  for (const [key, value] of Object.entries(fields)) form.append(key, value);
  form.append('file', new Blob([content]), name);
  const answer = await fetch(`${base}/api/v1/can/0/ingest`, { method: 'POST', body: form, headers });
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return (await answer.json()).data.hash;
}

/** A picture with a gradient. */
function png(width, height, [r, g, b]) {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      rows.set([r * x / width, g * y / height, b], y * (1 + width * 3) + 1 + x * 3);
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const head = Buffer.alloc(4), tail = Buffer.alloc(4);
    head.writeUInt32BE(data.length);
    tail.writeUInt32BE(zlib.crc32 ? zlib.crc32(body) : crc(body));
    return Buffer.concat([head, body, tail]);
  };
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', size),
    chunk('IDAT', zlib.deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}

function crc(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }

  return ~sum >>> 0;
}

async function open(page, address, picture) {
  const answer = await page.goto(address, { waitUntil: 'load' });
  check(answer.status() === 200, `${address}: status ${answer.status()}`);
  await look(page, picture);
}

async function look(page, picture) {
  check(await page.evaluate(() => window.ran === undefined), `${page.url()}: a script of an asset ran`);
  for (const fault of await checkPage(page)) faults.push(`${page.url()}: ${fault}`);
  if (picture && pictures) {
    await page.waitForFunction(() => [...document.images].every(i => i.complete || i.loading === 'lazy'));
    await page.screenshot({ path: path.join(pictures, `${picture}.png`) });
  }
}

const card = (page, name) => page.locator('.asset', { hasText: name });

async function paste(page, items) {
  await page.evaluate(list => {
    const data = new DataTransfer();
    for (const [type, text, name] of list) {
      if (name) data.items.add(new File([Uint8Array.from(atob(text), c => c.charCodeAt(0))], name, { type }));
      else data.setData(type, text);
    }

    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, items);
}

async function drop(page, name, text) {
  await page.evaluate(([file, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([content], file));
    for (const type of ['dragover', 'drop'])
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [name, text]);
}

async function main() {
  const base = await serve('store', 'admin_token: secret-of-the-admin\n');
  for (const [name, colour] of [['harbour', [255, 180, 90]], ['lighthouse', [80, 200, 255]], ['sunset', [255, 80, 60]]])
    await put(base, `${name}.png`, png(400, 300, colour), { tags: 'vacation' });
  await put(base, 'notes.md', '# Packing\n\n- rope\n- lamp\n', { tags: 'paper', description: 'What to take along' });

  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  const context = await browser.newContext({ viewport: { width: 1000, height: 640 } });
  const page = await context.newPage();
  const outside = [];
  page.on('request', request => { if (!request.url().startsWith(base)) outside.push(request.url()); });
  page.on('pageerror', error => faults.push(`${page.url()}: ${error}`));
  page.on('dialog', dialog => { faults.push(`${page.url()}: a dialog`); return dialog.dismiss(); });
  page.on('console', line => { if (/Content Security Policy/.test(line.text())) faults.push(line.text()); });

  // Live: what another client stores, edits and moves appears by itself, and nothing twice.
  await open(page, `${base}/`, 'assets');
  check(await page.locator('.asset img').count() === 3, 'not three thumbnails');
  const other = await put(base, 'other.txt', 'of another client');
  await card(page, 'other.txt').waitFor();
  check((await page.locator('.asset').first().textContent()).includes('other.txt'), 'the newest is not the first');
  await fetch(`${base}/api/v1/can/0/asset/${other}/meta`, { method: 'PATCH', body: '{"tags":["fresh"]}' });
  await card(page, 'other.txt').getByText('fresh').waitFor();
  await fetch(`${base}/api/v1/can/0/asset/${other}`, { method: 'DELETE' });
  await card(page, 'other.txt').waitFor({ state: 'detached' });
  check(await page.locator('#count').textContent().then(t => t.startsWith('4 ')), 'the count is not current');

  // Upload by choice, drop and paste.
  await page.getByLabel('with tags').fill('mine, new');
  await page.getByLabel('Store a file').setInputFiles([
    { name: 'chosen.txt', mimeType: 'text/plain', buffer: Buffer.from('chosen') },
    { name: `${hostile.replaceAll('/', '')}.svg`, mimeType: 'image/svg+xml',
      buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="window.ran=1"><script>window.ran=1</script></svg>') },
  ]);
  await page.locator('#upload').getByRole('button', { name: 'Store', exact: true }).click();
  await card(page, 'chosen.txt').getByText('mine').waitFor();
  await drop(page, 'dropped.txt', 'dropped');
  await card(page, 'dropped.txt').waitFor();
  await paste(page, [['text/plain', 'a text that was pasted']]);
  await card(page, 'a text that was pasted').waitFor();
  await paste(page, [['image/png', png(40, 30, [0, 200, 0]).toString('base64'), 'pasted.png']]);
  await card(page, 'pasted.png').locator('img').waitFor();
  check(await page.locator('.asset').count() === 9, `${await page.locator('.asset').count()} cards, not 9`);

  // Hostile names and contents.
  const evil = await put(base, 'evil.html', '<script>window.ran=1;parent.ran=1</script>', {
    human_file_name: hostile, mime_type: 'text/html', tags: hostile.replaceAll(',', ''), description: hostile, application: hostile,
    human_readable_path: hostile });
  await card(page, '<script>').first().waitFor();
  await look(page);
  for (const address of [`/asset/${evil}`, `/?q=${encodeURIComponent(hostile)}`, `/?application=${encodeURIComponent(hostile)}`])
    await open(page, `${base}${address}`);
  await open(page, `${base}/asset/${evil}`);
  const straight = await context.newPage();
  const answer = await straight.goto(`${base}/api/v1/can/0/asset/${evil}`).catch(() => null);
  check(answer?.headers()['content-security-policy']?.includes('sandbox'), 'a page of an asset is not in a sandbox');
  check(await straight.evaluate(() => window.ran === undefined).catch(() => true), 'a script of an asset ran on its own page');
  await straight.close();

  // Search and tags, by keyboard.
  await open(page, `${base}/`);
  await page.keyboard.press('/');
  await page.keyboard.type('notes');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=notes/);
  check(await page.locator('.asset').count() === 1, 'the search does not find one');
  await page.locator('.asset > a').first().focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'notes.md', level: 1 }).waitFor();
  check((await page.locator('pre.preview').textContent()).includes('- rope'), 'the text is not shown');
  await look(page, 'asset');
  await page.getByLabel('Tags, separated by commas').fill('paper, list');
  await page.keyboard.press('Enter');
  await page.waitForLoadState();
  await page.locator('td .tag', { hasText: 'list' }).waitFor();
  await page.goto(`${base}/`);
  await page.getByRole('navigation', { name: 'Tags' }).getByText('list').click();
  await page.waitForURL(/tags=list/);
  check(await page.locator('.asset').count() === 1, 'the tag does not find one');
  await page.goto(`${base}/`);
  await page.locator('.asset > a').first().focus();
  const first = await page.evaluate(() => document.activeElement.href);
  await page.keyboard.press('ArrowRight');
  const second = await page.evaluate(() => document.activeElement.href);
  await page.keyboard.press('ArrowLeft');
  check(first !== second && await page.evaluate(() => document.activeElement.href) === first, 'arrows do not move');

  // Trash, restore, delete for good.
  await page.getByRole('button', { name: 'Move dropped.txt into the trash' }).click();
  await card(page, 'dropped.txt').waitFor({ state: 'detached' });
  await open(page, `${base}/?trashed=1`);
  await page.getByRole('button', { name: 'Restore dropped.txt' }).click();
  await card(page, 'dropped.txt').waitFor({ state: 'detached' });
  await page.goto(`${base}/?q=dropped`);
  await page.locator('.asset > a').first().click();
  await page.getByRole('link', { name: 'Log in with the admin token' }).click();
  await look(page);
  await page.getByLabel('Key').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Key').fill('secret-of-the-admin');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'dropped.txt', level: 1 }).waitFor();
  check((await context.cookies()).every(c => c.httpOnly && c.sameSite === 'Strict'), 'a cookie that scripts can read');
  check(await page.evaluate(() => document.cookie) === '', 'a script can read the cookie');
  await look(page);
  await page.getByLabel('It cannot be brought back').check();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.waitForURL(`${base}/`);
  check(await card(page, 'dropped.txt').count() === 0, 'deleted for good, and still there');

  // Endless paging: all of them, once, while others arrive.
  for (let i = 0; i < 150; i++) await put(base, `many-${i}.txt`, `${i}`, { tags: 'many' });
  await page.goto(`${base}/?tags=many`);
  let arrived = 0;
  while (await page.locator('#more').count() > 0 || arrived < 3) {
    if (arrived++ < 3) await put(base, `late-${arrived}.txt`, `late ${arrived}`, { tags: 'many' });
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await page.waitForTimeout(50);
  }

  await page.waitForFunction(() => document.querySelectorAll('.asset').length === 153);
  const order = await page.locator('.asset').evaluateAll(cards => cards.map(c => c.dataset.order.split('-').map(Number)));
  check(order.every((o, i) => i === 0 || order[i - 1][0] > o[0] || (order[i - 1][0] === o[0] && order[i - 1][1] > o[1])),
    'the cards are not in order');
  check(new Set(order.map(String)).size === 153, 'a card is there twice');

  // Without scripts, everything can be read, and the forms work.
  const plain = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
  await plain.goto(`${base}/?tags=many`);
  await plain.getByRole('link', { name: 'More' }).click();
  check(await plain.locator('.asset').count() === 60, 'no second page without scripts');
  await plain.goto(`${base}/`);
  await plain.getByLabel('Store a file').setInputFiles([{ name: 'plain.txt', mimeType: 'text/plain', buffer: Buffer.from('plain') }]);
  await plain.getByRole('button', { name: 'Store', exact: true }).click();
  await plain.getByRole('heading', { name: 'plain.txt', level: 1 }).waitFor();

  // A page of another origin reads and changes nothing.
  const stranger = await context.newPage();
  await stranger.goto('data:text/html,<title>other</title>');
  const reached = await stranger.evaluate(async address => {
    const seen = [];
    for (const [where, options] of [['/', {}], ['/api/v1/can/0/list', { credentials: 'include' }],
      ['/page/upload', { method: 'POST', body: new FormData() }], ['/api/v1/can/0/ingest/data', { method: 'POST', body: '{"data":1}' }]])
      try { seen.push(await (await fetch(address + where, options)).text()); } catch { /* as it should be */ }
    return seen.length;
  }, base);
  check(reached === 0, 'a page of another origin reads answers');
  check((await (await fetch(`${base}/api/v1/can/0/search?mime_type=application/json`)).json()).data.pagination.total === 0,
    'a page of another origin stored something');

  // The mirror: two stores, their routes, and an asset that comes by it.
  const near = 'sync: true\nsync_passphrase: correct horse battery staple harbour\nsync_discovery: off\nsync_bind: 127.0.0.1:0\n';
  const one = await serve('one', `${near}ticket_file: ${at('one.ticket')}\nsync_name: one\n`);
  const two = await serve('two', `${near}connect_ticket_file: ${at('one.ticket')}\nsync_name: two\n`);
  const mirror = await context.newPage();
  mirror.on('pageerror', error => faults.push(`${mirror.url()}: ${error}`));
  await mirror.goto(`${one}/peers`);
  await mirror.getByRole('table').getByText('in sync').waitFor({ timeout: 60000 });
  check(await mirror.getByRole('table').getByText('direct').count() === 1, 'no route is shown');
  await look(mirror, 'mirror');
  await mirror.goto(`${one}/`);
  await put(two, 'from-two.txt', 'over the mirror');
  await card(mirror, 'from-two.txt').waitFor({ timeout: 60000 });
  await mirror.close();

  // With a key, a page asks for it.
  const closed = await serve('closed', 'api_key: key-of-the-store\n');
  await put(closed, 'secret.txt', 'secret', {}, { Authorization: 'Bearer key-of-the-store' });
  const visitor = await context.newPage();
  await visitor.goto(`${closed}/?q=secret`);
  check(await visitor.getByText('secret.txt').count() === 0, 'a store with a key shows its assets');
  await visitor.getByLabel('Key').fill('key-of-the-store');
  await visitor.keyboard.press('Enter');
  await card(visitor, 'secret.txt').waitFor();
  await put(closed, 'secret-two.txt', 'more', {}, { Authorization: 'Bearer key-of-the-store' });
  await card(visitor, 'secret-two.txt').waitFor();
  await visitor.getByRole('button', { name: 'Log out' }).click();
  await visitor.getByLabel('Key').waitFor();
  await visitor.close();

  // Dark, and on a phone.
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, `${base}/?tags=vacation`, 'assets-dark');
  await page.setViewportSize({ width: 390, height: 700 });
  await page.emulateMedia({ colorScheme: 'light' });
  for (const address of ['/', '/?trashed=1', `/asset/${evil}`, '/peers', '/page/login', '/?tags=vacation']) {
    await open(page, `${base}${address}`, address === '/?tags=vacation' ? 'assets-phone' : '');
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(excess <= 1, `${address}: ${excess} pixels wider than a phone`);
  }

  check(outside.length === 0, `requests to elsewhere: ${outside.join(' ')}`);
  await browser.close();
}

main().catch(error => faults.push(error.stack)).finally(() => {
  for (const child of started) child.kill();
  for (const fault of faults) console.error(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'the pages of assets are well' : `${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);   // whatever the browser still does
});
