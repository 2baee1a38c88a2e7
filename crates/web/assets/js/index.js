// @ts-check
/** The list of scripts: a filter that answers while typing. */

import { all, element, find, need } from './page/dom.js';
import { prepareShell } from './page/shell.js';
import { at } from './page/site.js';
import { comparable, hits, wordsOf } from './page/words.js';

prepareShell();

/** @type {HTMLInputElement | null} */
const filter = find('[data-filter]');
const sections = all('[data-section]').map((section) => {
  const category = section.dataset.section ?? '';
  const entries = all('[data-entry]', section).map((entry) => {
    /** @type {HTMLAnchorElement} */
    const link = need('.entry-link', entry);
    const description = need('.entry-text', entry);
    const texts = [link, description].map((node) => ({ node, text: node.textContent ?? '' }));
    const words = texts.map(({ text }) => text);
    const text = comparable([...words, entry.dataset.entry ?? '', category].join(' '));
    return { entry, link, texts, text };
  });
  const isUncategorised = section.dataset.uncategorised !== undefined;
  return { section, category, isUncategorised, entries, count: need('[data-section-count]', section) };
});
let category = find('[data-chips] [aria-current]')?.dataset.category ?? '';

if (filter) prepareFilter(filter);

/** @param {HTMLInputElement} input */
function prepareFilter(input) {
  input.addEventListener('input', () => apply(input.value));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && input.value) {
      event.preventDefault();
      input.value = '';
      apply('');
    } else if (event.key === 'Enter' && input.value.trim()) {
      shownLinks()[0]?.click();
    }
  });
  for (const chip of all('[data-chips] [data-category]')) {
    chip.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      category = chip.dataset.category ?? '';
      apply(input.value);
    });
  }
  find('[data-clear]')?.addEventListener('click', (event) => {
    event.preventDefault();
    input.value = '';
    category = '';
    apply('');
    input.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') move(event, input);
  });
  if (input.value || category) apply(input.value);
}

function shownLinks() {
  const entries = sections.filter(({ section }) => !section.hidden).flatMap((each) => each.entries);
  return entries.filter(({ entry }) => !entry.hidden).map(({ link }) => link);
}

/**
 * Arrow keys lead from the filter through the list.
 * @param {KeyboardEvent} event
 * @param {HTMLInputElement} input
 */
function move(event, input) {
  const stops = [input, ...shownLinks()];
  const now = stops.findIndex((stop) => stop === document.activeElement);
  if (now < 0) return;
  const next = stops[now + (event.key === 'ArrowDown' ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** @param {string} query */
function apply(query) {
  const words = wordsOf(query);
  let total = 0;
  for (const { section, category: name, isUncategorised, entries, count } of sections) {
    // Scripts without a category are shown when they are looked for (web-ui.md B6.2).
    const isLookedFor = !isUncategorised || words.length > 0 || category === name;
    let shown = 0;
    for (const { entry, texts, text } of entries) {
      const isShown =
        isLookedFor &&
        (category === '' || category === name) &&
        words.every((word) => text.includes(word));
      entry.hidden = !isShown;
      if (!isShown) continue;
      shown += 1;
      for (const { node, text: original } of texts) mark(node, original, words);
    }
    section.hidden = shown === 0;
    count.textContent = String(shown);
    total += shown;
  }
  const isFiltered = words.length > 0 || category !== '';
  need('[data-no-match]').hidden = total > 0;
  need('[data-query]').textContent = query.trim() || category;
  need('[data-filter-status]').textContent = isFiltered ? `${total} scripts` : '';
  for (const chip of all('[data-chips] [data-category]')) {
    if (chip.dataset.category === category) chip.setAttribute('aria-current', 'true');
    else chip.removeAttribute('aria-current');
  }
  remember(query.trim());
}

/**
 * @param {HTMLElement} node
 * @param {string} text
 * @param {string[]} words
 */
function mark(node, text, words) {
  const parts = words.length > 0 ? hits(text, words) : [{ text, isHit: false }];
  node.replaceChildren(
    ...parts.map((part) => (part.isHit ? element('mark', { class: 'hit' }, part.text) : part.text)),
  );
}

/** The address keeps the filter, for reloads and links.
 * @param {string} query */
function remember(query) {
  const address = new URL(at('web/'));
  if (query) address.searchParams.set('q', query);
  if (category) address.searchParams.set('category', category);
  history.replaceState(history.state, '', address);
}
