// @ts-check
/** Finding text in output: how often it is there, and going from one place to the next. */

import { element, icon, iconButton } from '../page/dom.js';

/** @typedef {import('./search.js').Searchable} Searchable */
/** @typedef {import('./search.js').Match} Match */

/** More are counted as `100,000+`. */
const MOST_MATCHES = 100_000;
/** Work at a time, in milliseconds: typing and scrolling go on. */
const SLICE_MS = 8;
const ALL = 'find';
const CURRENT = 'find-current';

export class FindBar {
  /** @param {() => void} closed what happens when it is closed */
  constructor(closed) {
    this.closed = closed;
    /** @type {Searchable | null} */
    this.source = null;
    /** @type {Match[]} */
    this.matches = [];
    this.current = -1;
    /** The place up to which was searched. */
    this.done = 0;
    this.isSearching = false;
    this.isExact = false;
    /** Whether the first match after the window is to be shown. */
    this.wantsFirst = false;
    this.timer = 0;
    this.input = element('input', {
      class: 'input',
      type: 'search',
      'aria-label': 'Find in output',
      placeholder: 'Find in output',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      'data-testid': 'find',
      input: () => this.start(true),
      keydown: (event) => this.onKey(event),
    });
    this.count = element('span', { class: 'find-count', role: 'status' });
    this.exact = element('button', { class: 'icon-button find-case', type: 'button', 'aria-pressed': 'false', 'aria-label': 'Match case', title: 'Match case', click: () => this.toggleCase() }, 'Aa');
    this.previous = iconButton('up', 'Previous match (Shift+Enter)', () => this.go(-1));
    this.next = iconButton('down', 'Next match (Enter)', () => this.go(1));
    const close = iconButton('close', 'Close (Escape)', () => this.close());
    const field = element('div', { class: 'find-field' }, icon('search'), this.input);
    this.root = element('search', { class: 'find-bar', hidden: true }, field, this.count, this.exact, this.previous, this.next, close);
    this.onChange = () => this.search();
    this.onFilter = () => this.start(false);
    this.onLayout = () => this.paint();
  }

  get isOpen() {
    return !this.root.hidden;
  }

  /** Where to look from now on. @param {Searchable | null} source */
  setSource(source) {
    if (source === this.source) return;
    this.listen('removeEventListener');
    this.source = source;
    this.listen('addEventListener');
    if (this.isOpen) this.start(false);
  }

  /** @param {'addEventListener' | 'removeEventListener'} what */
  listen(what) {
    this.source?.events[what]('change', this.onChange);
    this.source?.events[what]('filter', this.onFilter);
    this.source?.events[what]('layout', this.onLayout);
  }

  open() {
    this.root.hidden = false;
    this.input.focus();
    this.input.select();
    this.start(false);
  }

  close() {
    this.root.hidden = true;
    this.clear();
    this.closed();
  }

  clear() {
    clearTimeout(this.timer);
    this.matches = [];
    this.current = -1;
    this.isSearching = false;
    if (!('highlights' in CSS)) return;
    CSS.highlights.delete(ALL);
    CSS.highlights.delete(CURRENT);
  }

  toggleCase() {
    this.isExact = !this.isExact;
    this.exact.setAttribute('aria-pressed', String(this.isExact));
    this.start(true);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.isComposing) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      this.go(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    }
  }

  /** Searches from the beginning. @param {boolean} wantsFirst whether to go to the first match */
  start(wantsFirst) {
    this.clear();
    this.done = 0;
    this.wantsFirst = wantsFirst;
    const query = this.input.value;
    const literal = query.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
    this.pattern = query === '' ? null : new RegExp(literal, this.isExact ? 'gu' : 'giu');
    this.search();
  }

  /** Searches what has not been searched, a little at a time. */
  search() {
    if (!this.isOpen || !this.source || this.isSearching) return;
    const { source, pattern } = this;
    this.matches = this.matches.filter(({ place }) => source.isThere(place));
    if (this.current >= this.matches.length) this.current = -1;
    if (!pattern) {
      this.show();
      return;
    }
    const until = performance.now() + SLICE_MS;
    let count = 0;
    for (const place of source.places(this.done)) {
      count += 1;
      if (count % 200 === 0 && performance.now() > until) {
        this.isSearching = true;
        break;
      }
      this.done = place.order;
      if (this.matches.length >= MOST_MATCHES) continue;
      for (const match of place.text.matchAll(pattern)) this.matches.push({ place, at: match.index, length: match[0].length });
    }
    if (this.isSearching) {
      this.timer = setTimeout(() => {
        this.isSearching = false;
        this.search();
      });
    }
    if (this.wantsFirst) this.goFirst();
    this.show();
  }

  /** Goes to the first match that is in the window or below it. */
  goFirst() {
    const { source, matches } = this;
    const from = source?.first() ?? 0;
    const below = matches.findIndex(({ place }) => place.order >= from);
    if (below < 0 && (this.isSearching || matches.length === 0)) return;
    this.wantsFirst = false;
    this.current = Math.max(0, below);
    this.reveal();
  }

  /** @param {1 | -1} step */
  go(step) {
    const { length } = this.matches;
    if (length === 0) return;
    this.wantsFirst = false;
    const from = this.current < 0 && step < 0 ? 0 : this.current;
    this.current = (from + step + length) % length;
    this.reveal();
    this.show();
  }

  reveal() {
    const match = this.matches[this.current];
    if (!match || !this.source) return;
    this.source.reveal(match);
    const range = this.source.range(match);
    if (range) intoView(range);
  }

  show() {
    const { matches, current, pattern } = this;
    const total = `${matches.length.toLocaleString('en')}${matches.length >= MOST_MATCHES ? '+' : ''}`;
    let text = '';
    if (pattern && matches.length === 0) text = this.isSearching ? '…' : 'Not found';
    else if (pattern && current < 0) text = total;
    else if (pattern) text = `${(current + 1).toLocaleString('en')} of ${total}`;
    if (this.count.textContent !== text) this.count.textContent = text;
    this.root.toggleAttribute('data-none', text === 'Not found');
    this.previous.disabled = this.next.disabled = matches.length === 0;
    this.paint();
  }

  /** Marks the matches that are in the page. */
  paint() {
    const { source, matches, current } = this;
    if (!this.isOpen || !source || !this.root.isConnected || !('highlights' in CSS)) return;
    /** @type {Range[]} */
    const ranges = [];
    for (const match of matches) {
      const range = source.range(match);
      if (range) ranges.push(range);
    }
    const here = matches[current] && source.range(/** @type {Match} */ (matches[current]));
    CSS.highlights.set(ALL, new Highlight(...ranges));
    const mark = new Highlight(...(here ? [here] : []));
    mark.priority = 1;
    CSS.highlights.set(CURRENT, mark);
  }
}

/** Scrolls the boxes around a range so far that it can be seen. @param {Range} range */
function intoView(range) {
  const start = range.startContainer.parentElement;
  for (let box = start; box && box !== document.body; box = box.parentElement) {
    const style = getComputedStyle(box);
    if (!/auto|scroll/.test(style.overflowX + style.overflowY)) continue;
    const window = box.getBoundingClientRect();
    const mark = range.getBoundingClientRect();
    if (mark.top < window.top || mark.bottom > window.bottom) box.scrollTop += mark.top - window.top - box.clientHeight * 0.4;
    if (mark.left < window.left || mark.right > window.right) box.scrollLeft += mark.left - window.left - box.clientWidth * 0.4;
  }
}
