// @ts-check
/** Lists of free values: rows to add, remove and move. */

import { all, element, icon, iconButton, need } from '../page/dom.js';

/** @param {HTMLFormElement} form */
export function prepareRows(form) {
  for (const list of all('[data-rows]', form)) new Rows(list);
}

class Rows {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    this.field = /** @type {HTMLElement} */ (list.closest('[data-field]'));
    this.label = this.field.dataset.label ?? '';
    this.initial = this.inputs.map((input) => input.value);
    const pattern = /** @type {HTMLInputElement} */ (this.inputs[0]?.cloneNode());
    pattern.removeAttribute('value');
    this.pattern = pattern;
    this.fill(this.initial);
    list.after(
      element(
        'button',
        { class: 'button button-small row-add', type: 'button', click: () => this.add('') },
        icon('plus'),
        'Add value',
      ),
    );
    list.addEventListener('keydown', (event) => this.onKey(event));
    list.addEventListener('paste', (event) => this.onPaste(event));
    this.field.addEventListener('rows', (event) => {
      this.fill(/** @type {CustomEvent<string[]>} */ (event).detail);
    });
    list.closest('form')?.addEventListener('reset', () => this.fill(this.initial));
  }

  get inputs() {
    return /** @type {HTMLInputElement[]} */ (all('input', this.list));
  }

  /** @param {string[]} values */
  fill(values) {
    this.list.replaceChildren(...(values.length > 0 ? values : ['']).map((text) => this.row(text)));
    this.number();
  }

  /** @param {string} text */
  row(text) {
    const input = /** @type {HTMLInputElement} */ (this.pattern.cloneNode());
    input.value = text;
    const row = element(
      'li',
      { class: 'row' },
      input,
      iconButton('up', 'Move up', () => this.move(row, -1)),
      iconButton('down', 'Move down', () => this.move(row, 1)),
      iconButton('close', 'Remove', () => this.remove(row)),
    );
    return row;
  }

  /** Names the controls by their place. */
  number() {
    const rows = all('li', this.list);
    rows.forEach((row, index) => {
      const place = index + 1;
      need('input', row).setAttribute('aria-label', `${this.label}, value ${place}`);
      const [up, down, remove] = /** @type {HTMLButtonElement[]} */ (all('button', row));
      if (!up || !down || !remove) return;
      up.setAttribute('aria-label', `Move value ${place} up`);
      down.setAttribute('aria-label', `Move value ${place} down`);
      remove.setAttribute('aria-label', `Remove value ${place}`);
      up.disabled = index === 0;
      down.disabled = place === rows.length;
      for (const button of [up, down]) button.hidden = rows.length === 1;
      remove.hidden = rows.length === 1;
    });
  }

  changed() {
    this.number();
    this.field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /**
   * @param {string} text
   * @param {Element | null} after
   */
  add(text, after = this.list.lastElementChild) {
    const row = this.row(text);
    if (after) after.after(row);
    else this.list.append(row);
    this.changed();
    need('input', row).focus();
    return row;
  }

  /** @param {HTMLElement} row */
  remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    this.changed();
    next?.querySelector('input')?.focus();
  }

  /**
   * @param {HTMLElement} row
   * @param {number} by
   */
  move(row, by) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    if (by < 0) row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    this.changed();
    if (focused?.matches(':disabled')) need('input', row).focus();
    else focused?.focus();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.isComposing;
    if (event.key !== 'Enter' || !isPlain || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    if (event.target.value !== '') this.add('', event.target.closest('li'));
  }

  /** Several lines become several rows.
   * @param {ClipboardEvent} event */
  onPaste(event) {
    const lines = (event.clipboardData?.getData('text/plain') ?? '').split(/\r?\n/).filter(Boolean);
    const input = event.target;
    if (lines.length < 2 || !(input instanceof HTMLInputElement)) return;
    event.preventDefault();
    const [first = '', ...rest] = lines;
    input.setRangeText(first, input.selectionStart ?? 0, input.selectionEnd ?? 0, 'end');
    /** @type {Element | null} */
    let row = input.closest('li');
    for (const line of rest) row = this.add(line, row);
  }
}
