// @ts-check
/** A table to sort and to filter. */

import { all, element, icon } from '../page/dom.js';
import { comparable, wordsOf } from '../page/words.js';

/** Rows shown at once. */
const PAGE = 500;
/** Longer cells are folded. */
const LONG = 300;

const natural = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export class Table {
  /**
   * @param {string[][]} rows the first holds the names of the columns
   * @param {string} label
   */
  constructor(rows, label) {
    const [head = [], ...body] = rows;
    this.width = Math.max(head.length, ...body.slice(0, 1000).map((row) => row.length));
    this.head = Array.from({ length: this.width }, (_, at) => head[at] ?? `Column ${at + 1}`);
    this.rows = body;
    this.shown = body;
    this.from = 0;
    this.sortBy = -1;
    this.isDown = false;
    this.numeric = this.head.map((_, at) => isNumeric(body, at));
    this.body = element('tbody');
    this.headRow = element('tr', {}, ...this.head.map((name, at) => this.headCell(name, at)));
    const table = element('table', { class: 'table', 'data-testid': 'table' }, element('thead', {}, this.headRow), this.body);
    const scroll = { class: 'table-scroll', tabindex: 0, role: 'region', 'aria-label': label };
    this.pager = element('div', { class: 'stream-bar', hidden: true });
    this.root = element('div', {}, element('div', scroll, table), this.pager);
    this.count = element('span', { role: 'status' });
    this.filter = element('input', {
      class: 'input table-filter',
      type: 'search',
      placeholder: 'Filter rows',
      'aria-label': 'Filter rows',
      input: () => this.apply(),
    });
    this.tools = [this.filter, this.count];
    this.apply();
  }

  /**
   * @param {string} name
   * @param {number} at
   */
  headCell(name, at) {
    const button = element('button', { class: 'sort', type: 'button', click: () => this.sort(at) }, name || `Column ${at + 1}`);
    return element('th', { scope: 'col', class: this.numeric[at] ? 'number' : undefined }, button);
  }

  /** Up, down, as it was.
   * @param {number} at */
  sort(at) {
    if (this.sortBy !== at) {
      this.sortBy = at;
      this.isDown = false;
    } else if (!this.isDown) {
      this.isDown = true;
    } else {
      this.sortBy = -1;
    }
    all('th', this.headRow).forEach((cell, index) => {
      const isSorted = index === this.sortBy;
      if (isSorted) cell.setAttribute('aria-sort', this.isDown ? 'descending' : 'ascending');
      else cell.removeAttribute('aria-sort');
      cell.querySelector('.icon')?.remove();
      if (isSorted) cell.querySelector('button')?.append(icon(this.isDown ? 'sort-down' : 'sort-up'));
    });
    this.apply();
  }

  apply() {
    const words = wordsOf(this.filter.value);
    const rows = this.rows.filter((row) => {
      const text = words.length > 0 ? comparable(row.join(' ')) : '';
      return words.every((word) => text.includes(word));
    });
    if (this.sortBy >= 0) rows.sort((a, b) => this.compare(a[this.sortBy] ?? '', b[this.sortBy] ?? ''));
    this.shown = rows;
    const isAll = rows.length === this.rows.length;
    const noun = this.rows.length === 1 ? 'row' : 'rows';
    this.count.textContent = `${isAll ? '' : `${rows.length} of `}${this.rows.length} ${noun}`;
    this.show(0);
  }

  /**
   * @param {string} a
   * @param {string} b
   */
  compare(a, b) {
    const order = this.numeric[this.sortBy] ? numberOf(a) - numberOf(b) : natural.compare(a, b);
    return this.isDown ? -order : order;
  }

  /** Shows a page of rows.
   * @param {number} from */
  show(from) {
    this.from = from;
    const page = this.shown.slice(from, from + PAGE);
    this.body.replaceChildren(
      ...page.map((row) =>
        element('tr', {}, ...this.head.map((_, at) => cell(row[at] ?? '', this.numeric[at] === true))),
      ),
    );
    this.pager.hidden = this.shown.length <= PAGE;
    if (this.pager.hidden) return;
    const until = Math.min(from + PAGE, this.shown.length);
    const step = (/** @type {string} */ text, /** @type {number} */ to) =>
      element(
        'button',
        { class: 'button button-small', type: 'button', disabled: to < 0 || to >= this.shown.length, click: () => this.show(to) },
        text,
      );
    this.pager.replaceChildren(
      step('Previous', from - PAGE),
      step('Next', from + PAGE),
      element('span', {}, `Rows ${from + 1} to ${until} of ${this.shown.length}`),
    );
  }
}

/**
 * @param {string} text
 * @param {boolean} isNumber
 */
function cell(text, isNumber) {
  if (text.length <= LONG) return element('td', { class: isNumber ? 'number' : undefined }, text);
  const body = element('div', { class: 'cell-long' }, text);
  const more = element(
    'button',
    {
      class: 'cell-more',
      type: 'button',
      'aria-expanded': 'false',
      click: () => {
        const isOpen = body.classList.toggle('cell-long');
        more.setAttribute('aria-expanded', String(!isOpen));
        more.textContent = isOpen ? 'More' : 'Less';
      },
    },
    'More',
  );
  return element('td', {}, body, more);
}

/** @param {string} text */
function numberOf(text) {
  return text.trim() === '' ? -Infinity : Number(text.replace(/[%\s]/g, ''));
}

/**
 * @param {string[][]} rows
 * @param {number} at
 */
function isNumeric(rows, at) {
  const cells = rows.slice(0, 200).map((row) => (row[at] ?? '').trim()).filter(Boolean);
  return cells.length > 0 && cells.every((text) => /^-?[\d.]+(?:e[+-]?\d+)?\s?%?$/i.test(text) && !Number.isNaN(numberOf(text)));
}
