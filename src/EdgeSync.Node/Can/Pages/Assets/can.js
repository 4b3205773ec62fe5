// The pages of an asset store: uploads by drop, paste and choice; changes appear by themselves; more assets
// come while the page is scrolled. Without this script, the pages can be read, and their forms work.
(() => {
  'use strict';
  const main = document.querySelector('main');
  const grid = document.getElementById('assets');
  const note = document.getElementById('live');
  const token = { 'X-Csrf-Token': main.dataset.csrf };
  const say = text => { note.textContent = text; };

  async function page(address) {
    const answer = await fetch(address, { headers: { Accept: 'text/html' } });
    if (answer.redirected) { location.reload(); throw new Error('the session is over'); }
    if (!answer.ok && answer.status !== 404) throw new Error(`${answer.status}`);
    return new DOMParser().parseFromString(await answer.text(), 'text/html');
  }

  async function reasonOf(text) {
    try { return JSON.parse(text).error; } catch { return text.slice(0, 200); }
  }

  // ---- changes ----

  const changed = new Set();
  let position = main.dataset.position, source = null, timer = 0, isBusy = false;

  function noteChange(event) {
    position = event.lastEventId;
    const hash = JSON.parse(event.data).hash;
    if (main.dataset.asset && main.dataset.asset !== hash) return;
    changed.add(hash);
    schedule(200);
  }

  function schedule(pause) {
    if (!timer) timer = setTimeout(show, pause);
  }

  async function show() {
    timer = 0;
    if (isBusy || changed.size === 0) return;
    isBusy = true;
    try {
      if (!grid) await showAsset();
      else if (changed.size > 300) location.reload();
      else await showCards();
      say(`Updated ${new Date().toLocaleTimeString()}`);
    } catch {
      schedule(3000);   // the store does not answer
    } finally {
      isBusy = false;
      if (changed.size > 0) schedule(200);
    }
  }

  // The page of one asset: it keeps what is being typed.
  async function showAsset() {
    changed.clear();
    const fresh = (await page(location.href)).querySelector('main');
    const typed = [...main.querySelectorAll('input, textarea')].some(i => i.type !== 'hidden'
      && (i.type === 'checkbox' ? i.checked !== i.defaultChecked : i.value !== i.defaultValue));
    if (typed) { say('This asset was changed elsewhere. Saving replaces that.'); return; }
    const focus = main.contains(document.activeElement) ? document.activeElement.name : null;
    main.replaceChildren(...fresh.childNodes);
    if (focus) main.querySelector(`[name="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  }

  const orderOf = card => card.dataset.order.split('-').map(Number);
  const isBefore = (one, other) => one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]);

  function addressOf(only) {
    const parameters = new URLSearchParams(location.search);
    parameters.delete('cursor');
    parameters.set('only', only.join(','));
    return `${location.pathname}?${parameters}`;
  }

  async function showCards() {
    const hashes = [...changed].slice(0, 50);
    const fresh = await page(addressOf(hashes));
    for (const hash of hashes) {
      changed.delete(hash);
      const [old, card] = [document.getElementById(`a-${hash}`), fresh.getElementById(`a-${hash}`)];
      if (old && card) replace(old, card);
      else if (card) insert(card);
      else if (old) remove(old);
    }

    const count = fresh.getElementById('count');
    if (count) document.getElementById('count').textContent = count.textContent;
  }

  function replace(old, card) {
    const hasFocus = old.contains(document.activeElement);
    old.replaceWith(card);
    if (hasFocus) card.querySelector('a').focus({ preventScroll: true });
  }

  function insert(card) {
    const order = orderOf(card);
    const next = [...grid.children].find(other => isBefore(order, orderOf(other)));
    // Behind the last card that is shown it comes with the next page. A page that began at a cursor has a begin, too.
    if (next ? next === grid.firstElementChild && new URLSearchParams(location.search).has('cursor')
      : document.getElementById('more')) return;
    grid.insertBefore(card, next ?? null);
  }

  function remove(card) {
    const near = card.nextElementSibling ?? card.previousElementSibling;
    const hasFocus = card.contains(document.activeElement);
    card.remove();
    if (hasFocus) (near?.querySelector('a') ?? document.getElementById('q')).focus({ preventScroll: true });
  }

  // A browser has few connections for a host: only the page that is seen takes one.
  function connect() {
    if (source || document.hidden || !main.dataset.events) return;
    source = new EventSource(`${main.dataset.events}?last_event_id=${position}`);
    for (const name of ['new_asset', 'asset_updated', 'asset_trashed', 'asset_deleted'])
      source.addEventListener(name, noteChange);
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connect();
    else if (source) { source.close(); source = null; }
  });

  // ---- more ----

  let isLoading = false;
  async function loadMore() {
    const more = document.getElementById('more');
    if (!more || isLoading) return;
    isLoading = true;
    try {
      const fresh = await page(more.href);
      for (const card of [...fresh.querySelectorAll('#assets > li')])
        if (!document.getElementById(card.id)) grid.append(card);
      const next = fresh.getElementById('more');
      if (next) more.href = next.href;
      else more.parentElement.remove();
    } catch {
      say('The next assets do not come: the store does not answer.');
    } finally {
      isLoading = false;
    }

    const left = document.getElementById('more');
    if (left) { watcher.unobserve(left); watcher.observe(left); }   // it may still be in view
  }

  const watcher = new IntersectionObserver(
    entries => { if (entries.some(e => e.isIntersecting)) loadMore(); }, { rootMargin: '600px' });
  const first = document.getElementById('more');
  if (first) watcher.observe(first);

  // ---- forms that leave the page as it is ----

  document.addEventListener('submit', async event => {
    const form = event.target;
    if (!grid || !form.classList.contains('quick')) return;
    event.preventDefault();
    try {
      const answer = await fetch(form.action, { method: 'POST', headers: token, body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) say(await reasonOf(await answer.text()));
      else { changed.add(form.elements.hash.value); schedule(0); }
    } catch {
      say('The store does not answer.');
    }
  });

  // ---- uploads ----

  const waiting = [];
  let running = 0;
  const form = document.getElementById('upload');

  function upload(file, application) {
    const item = document.createElement('li');
    const [name, bar, state] = ['bdi', 'progress', 'span'].map(tag => document.createElement(tag));
    name.textContent = file.name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute('aria-label', `Upload of ${file.name}`);
    item.append(name, ' ', bar, ' ', state);
    document.getElementById('uploads').append(item);
    waiting.push({ file, application, item, bar, state, tags: document.getElementById('file-tags').value });
    send();
  }

  function send() {
    while (running < 2 && waiting.length > 0) {
      running++;
      sendOne(waiting.shift());
    }
  }

  function sendOne(job) {
    const data = new FormData();
    if (job.tags) data.append('tags', job.tags);
    if (job.application) data.append('application', job.application);
    if (job.file.type) data.append('mime_type', job.file.type);
    data.append('file', job.file, job.file.name);
    const request = new XMLHttpRequest();
    request.open('POST', form.action);
    request.setRequestHeader('X-Csrf-Token', main.dataset.csrf);
    request.upload.addEventListener('progress', e => { if (e.lengthComputable) job.bar.value = e.loaded / e.total; });
    request.addEventListener('loadend', async () => {
      running--;
      send();
      job.bar.remove();
      if (request.status === 200) {
        changed.add(JSON.parse(request.responseText).data.hash);
        schedule(0);
        say(`${job.file.name} is stored`);
        job.item.remove();
      } else {
        job.item.className = 'bad';
        job.state.textContent = request.status === 0 ? 'not stored: the store does not answer'
          : `not stored: ${await reasonOf(request.responseText)}`;
      }
    });
    request.send(data);
  }

  if (form) {
    const input = document.getElementById('file');
    input.multiple = true;
    form.addEventListener('submit', event => {
      event.preventDefault();
      for (const file of input.files) upload(file, '');
      input.value = '';
    });

    const hasFiles = event => [...(event.dataTransfer?.types ?? [])].includes('Files');
    document.addEventListener('dragover', event => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      document.body.classList.add('dropping');
    });
    document.addEventListener('dragleave', event => {
      if (!event.relatedTarget) document.body.classList.remove('dropping');
    });
    document.addEventListener('drop', event => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      document.body.classList.remove('dropping');
      for (const file of event.dataTransfer.files) upload(file, '');
    });

    document.addEventListener('paste', event => {
      const files = [...event.clipboardData.files];
      const isField = event.target.closest?.('input, textarea, select');
      if (files.length > 0) {
        event.preventDefault();
        for (const file of files) upload(file, 'paste');
      } else if (!isField) {
        const text = event.clipboardData.getData('text/plain');
        if (!text) return;
        const moment = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
        upload(new File([text], `paste-${moment}.txt`, { type: 'text/plain' }), 'paste');
      }
    });
  }

  // ---- keyboard ----

  document.addEventListener('keydown', event => {
    if (!grid || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, textarea, select')) return;
    if (event.key === '/') {
      event.preventDefault();
      document.getElementById('q').focus();
      return;
    }

    const card = document.activeElement.closest?.('.asset');
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
    if (!step || !card) return;
    const next = grid.children[[...grid.children].indexOf(card) + step];
    if (!next) return;
    event.preventDefault();
    next.querySelector('a').focus();
  });

  function columns() {
    return getComputedStyle(grid).gridTemplateColumns.split(' ').length;
  }

  connect();
})();
