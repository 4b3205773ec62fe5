// Keeps a page current: when the node says that something has changed, the page is fetched again, and
// its main part replaces the one that is shown; where a part of it is marked (data-fresh), that part
// alone, so that a text that is being written stays. Without this script a page is what it was when it came.
(() => {
  'use strict';
  const main = document.querySelector('main[data-live]');
  const note = document.getElementById('live');
  if (!main || !window.EventSource) return;
  let source = null, isBusy = false, isWanted = false, pages = 0;

  const part = root => root.querySelector('[data-fresh]') || root;

  // What is seen counts as read.
  function seen() {
    const form = main.querySelector('form[data-seen]');
    if (!form || document.hidden) return;
    fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual' })
      .catch(() => {});
  }

  // Older pages that were added below stay while they are read: at the top the page is current again.
  async function refresh() {
    if (isBusy || (pages > 0 && window.scrollY > 100)) { isWanted = true; return; }
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
      pages = 0;
      seen();
      watchEnd();
      if (focus) for (const link of main.querySelectorAll('a')) {
        if (link.getAttribute('href') === focus) { link.focus({ preventScroll: true }); break; }
      }
      if (note) note.textContent = 'Updated ' + new Date().toLocaleTimeString();
    } catch {
      // The node does not answer; the stream tries again by itself.
    } finally {
      isBusy = false;
      if (isWanted && pages === 0) { isWanted = false; refresh(); }
    }
  }

  // The link to older entries, once it comes near, is replaced by the page that it leads to.
  const pagesMax = 200;
  const end = window.IntersectionObserver && new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) older();
  }, { rootMargin: '800px' });

  function watchEnd() {
    if (!end) return;
    end.disconnect();
    const link = main.querySelector('a[rel=next]');
    if (link && pages < pagesMax) end.observe(link);
  }

  async function older() {
    const link = main.querySelector('a[rel=next]');
    if (!link || isBusy) return;
    isBusy = true;
    try {
      const answer = await fetch(link.href, { headers: { Accept: 'text/html' } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const fresh = page.querySelector('main');
      if (!fresh) return;
      const hasFocus = document.activeElement === link;
      const nodes = [...fresh.children].filter(node => node.tagName !== 'H1');
      link.parentElement.replaceWith(...nodes);
      pages++;
      if (hasFocus && nodes[0].querySelector('a')) nodes[0].querySelector('a').focus({ preventScroll: true });
      watchEnd();
    } catch {
      // The link stays.
    } finally {
      isBusy = false;
    }
  }

  window.addEventListener('scroll', () => {
    if (isWanted && pages > 0 && !isBusy && window.scrollY <= 100) { isWanted = false; refresh(); }
  }, { passive: true });

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
  watchEnd();
})();
