// Keeps a page current: when the node says that something has changed, the page is fetched again, and
// its main part replaces the one that is shown; where a part of it is marked (data-fresh), that part
// alone, so that a text that is being written stays. Without this script a page is what it was when it came.
(() => {
  'use strict';
  const main = document.querySelector('main[data-live]');
  const note = document.getElementById('live');
  if (!main || !window.EventSource) return;
  let source = null, isBusy = false, isWanted = false;

  const part = root => root.querySelector('[data-fresh]') || root;

  // What is seen counts as read.
  function seen() {
    const form = main.querySelector('form[data-seen]');
    if (!form || document.hidden) return;
    fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual' })
      .catch(() => {});
  }

  async function refresh() {
    if (isBusy) { isWanted = true; return; }
    isBusy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('main');
      const old = part(main);
      if (!fresh || part(fresh).innerHTML === old.innerHTML) return;
      const focus = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
      old.replaceChildren(...part(fresh).childNodes);
      seen();
      if (focus) for (const link of main.querySelectorAll('a')) {
        if (link.getAttribute('href') === focus) { link.focus({ preventScroll: true }); break; }
      }
      if (note) note.textContent = 'Updated ' + new Date().toLocaleTimeString();
    } catch {
      // The node does not answer; the stream tries again by itself.
    } finally {
      isBusy = false;
      if (isWanted) { isWanted = false; refresh(); }
    }
  }

  // A browser has few connections for a host: only the page that is seen takes one.
  function connect() {
    if (source || document.hidden) return;
    source = new EventSource(main.dataset.live);
    source.addEventListener('change', refresh);
  }

  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) { connect(); seen(); refresh(); }
    else if (source) { source.close(); source = null; }
  });
  connect();
  seen();
})();
