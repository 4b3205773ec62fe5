// Simple checks of a page: names of controls and links, headings, language, landmarks, ids, contrast of text.
'use strict';

/** The faults of the page that is open, as sentences. */
exports.checkPage = page => page.evaluate(() => {
  const faults = [];
  const fault = (text, element) => faults.push(`${text}: ${element.outerHTML.slice(0, 120)}`);
  const nameOf = element => (element.getAttribute('aria-label') || element.textContent || element.getAttribute('alt') || '').trim();

  if (!document.documentElement.lang) faults.push('the page has no language');
  if (!document.title.trim()) faults.push('the page has no title');
  if (document.querySelectorAll('main').length !== 1) faults.push('the page has not one main part');
  if (document.querySelectorAll('h1').length !== 1) faults.push('the page has not one heading of the first level');
  if (!document.querySelector('meta[name=viewport]')) faults.push('the page has no viewport');

  let level = 0;
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const now = Number(heading.tagName[1]);
    if (now > level + 1 && !heading.closest('.markup')) fault('a heading skips a level', heading);
    if (!nameOf(heading)) fault('a heading is empty', heading);
    level = now;
  }

  for (const element of document.querySelectorAll('a[href], button')) if (!nameOf(element)) fault('no name', element);
  for (const input of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!input.labels?.length && !input.getAttribute('aria-label')) fault('no label', input);
  for (const image of document.querySelectorAll('img')) if (!image.hasAttribute('alt')) fault('no alternative text', image);
  for (const drawing of document.querySelectorAll('svg'))
    if (drawing.getAttribute('aria-hidden') !== 'true' && !drawing.getAttribute('aria-label')) fault('no name', drawing);
  for (const table of document.querySelectorAll('table'))
    for (const head of table.querySelectorAll('th')) if (!head.closest('.markup') && !head.scope) fault('no scope', head);
  const ids = new Set();
  for (const element of document.querySelectorAll('[id]')) {
    if (ids.has(element.id)) fault('an id twice', element);
    ids.add(element.id);
  }

  // WCAG 2.2 §1.4.3: 4.5 to 1 for text.
  const parse = text => (text.match(/[\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const paperOf = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    if (!element.checkVisibility()) continue;
    const [text, paper] = [parse(getComputedStyle(element).color), paperOf(element)];
    const key = `${text}/${paper}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const [high, low] = [light(text), light(paper)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) fault(`contrast ${ratio.toFixed(1)}`, element);
  }

  return faults;
});
