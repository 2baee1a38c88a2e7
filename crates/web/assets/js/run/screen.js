// @ts-check
/** The screen of a terminal, as the server keeps it, and the keys that are typed on it. */

import { element } from '../page/dom.js';
import { post } from '../page/http.js';
import { Sender } from './input.js';
import { BUTTONS, sequenceOf } from './keys.js';
import { painted, visible } from './paint.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./paint.js').Span} Span */
/**
 * @typedef {{
 *   columns: number, rows: number, first: number, top: number, whole: boolean,
 *   lines: { number: number, spans: Span[] }[],
 *   cursor: { line: number, column: number } | null,
 * }} Screen
 */

const RESIZE_PAUSE_MS = 250;
/** Room for what stands below the screen, and above it before there is one, in pixels. */
const BELOW = 84;
const ABOVE = 150;
const FEWEST = { columns: 20, rows: 10 };
const MOST = { columns: 240, rows: 60 };
const AT_END = 24;
const HIDDEN_PAUSE_MS = 500;

export class TerminalScreen {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    /** Tells with `filter` that the screen shows something else. */
    this.events = new EventTarget();
    this.sender = new Sender(run);
    /** @type {Map<number, HTMLElement>} elements by the number of their line */
    this.lines = new Map();
    /** @type {Map<number, Span[]>} */
    this.spans = new Map();
    /** @type {Screen['cursor']} */
    this.cursor = null;
    /** @type {Screen[]} */
    this.waiting = [];
    this.frame = 0;
    this.timer = 0;
    this.size = { columns: 0, rows: 0 };
    this.box = element('div', { class: 'screen-lines' });
    this.view = element('div', { class: 'terminal screen', tabindex: 0, role: 'log', 'aria-live': 'off', 'aria-label': 'Terminal' }, this.box);
    this.keyboard = element('textarea', {
      class: 'screen-keyboard',
      'aria-label': 'Keyboard of the terminal. The Tab key leaves it.',
      autocapitalize: 'none',
      autocomplete: 'off',
      autocorrect: 'off',
      spellcheck: 'false',
      rows: 1,
      'data-testid': 'terminal-keyboard',
    });
    const buttons = BUTTONS.map(({ label, name, text }) =>
      element('button', { class: 'button button-small', type: 'button', 'aria-label': name, title: name, click: () => this.press(text) }, label),
    );
    const hint = element('span', { class: 'screen-hint', 'aria-hidden': 'true' }, 'Click to type');
    this.keys = element('div', { class: 'screen-keys', role: 'group', 'aria-label': 'Keys' }, ...buttons, hint);
    this.root = element('div', { class: 'screen-box' }, this.view, this.keyboard, this.keys);
    this.listen();
    run.addEventListener('screen', (event) => this.receive(/** @type {CustomEvent} */ (event).detail));
    run.addEventListener('state', () => this.update());
    this.update();
  }

  listen() {
    const { keyboard, view } = this;
    view.addEventListener('click', () => {
      if (String(getSelection()) === '' && this.mayType) keyboard.focus({ preventScroll: true });
    });
    keyboard.addEventListener('keydown', (event) => {
      const text = sequenceOf(event);
      if (text === null) return;
      event.preventDefault();
      event.stopPropagation();
      this.press(text);
    });
    keyboard.addEventListener('input', (event) => {
      if (/** @type {InputEvent} */ (event).isComposing) return;
      this.press(keyboard.value.replace(/\r?\n/g, '\r'));
      keyboard.value = '';
    });
    keyboard.addEventListener('compositionend', () => {
      this.press(keyboard.value);
      keyboard.value = '';
    });
    this.observer = new ResizeObserver(() => {
      clearTimeout(this.resizing);
      this.resizing = setTimeout(() => void this.resize(), RESIZE_PAUSE_MS);
    });
    this.observer.observe(view);
  }

  /** What is shown, with the lines above the screen. */
  get text() {
    return `${(this.box.textContent ?? '').trimEnd()}\n`;
  }

  get mayType() {
    return !this.run.isOver && this.run.record.can.input;
  }

  update() {
    const { mayType } = this;
    this.keyboard.disabled = !mayType;
    this.keys.hidden = !mayType;
    this.root.toggleAttribute('data-typing', mayType);
    if (mayType && this.size.columns === 0) void this.resize();
  }

  /** @param {string} text */
  press(text) {
    if (text === '' || !this.mayType) return;
    this.view.scrollTop = this.view.scrollHeight;
    this.sender.send(text);
  }

  /** Tells the script how much room there is, when that has changed. */
  async resize() {
    if (!this.mayType || !this.view.isConnected || this.run.record.state !== 'running') return;
    const size = roomIn(this.view);
    if (!size || (size.columns === this.size.columns && size.rows === this.size.rows)) return;
    this.size = size;
    try {
      await post(`${this.run.path}/resize`, `"columns":${size.columns},"rows":${size.rows}`);
    } catch {
      // The script keeps the size it has, which is shown as it is.
    }
  }

  /** @param {Screen} screen */
  receive(screen) {
    if (screen.whole) this.waiting = [];
    this.waiting.push(screen);
    if (this.frame) return;
    const run = () => {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.timer);
      this.frame = 0;
      this.draw();
    };
    this.frame = requestAnimationFrame(run);
    this.timer = setTimeout(run, HIDDEN_PAUSE_MS);
  }

  draw() {
    const last = this.waiting.at(-1);
    if (!last) return;
    const { view } = this;
    const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
    const before = this.cursor;
    /** @type {Set<number>} */
    const changed = new Set();
    for (const screen of this.waiting) {
      if (screen.whole) this.forgetAll();
      for (const { number, spans } of screen.lines) {
        this.spans.set(number, spans);
        changed.add(number);
      }
    }
    this.waiting = [];
    this.cursor = last.cursor;
    if (before) changed.add(before.line);
    if (last.cursor) changed.add(last.cursor.line);
    this.forgetBefore(last.first);
    for (let number = last.top; number < last.top + last.rows; number += 1) {
      if (!this.lines.has(number)) changed.add(number);
    }
    for (const number of [...changed].sort((a, b) => a - b)) {
      if (number >= last.first) this.drawLine(number);
    }
    if (isAtEnd) view.scrollTop = view.scrollHeight;
    this.events.dispatchEvent(new Event('filter'));
  }

  forgetAll() {
    this.spans.clear();
    this.lines.clear();
    this.box.replaceChildren();
    this.cursor = null;
  }

  /** @param {number} first */
  forgetBefore(first) {
    for (const [number, line] of this.lines) {
      if (number >= first) continue;
      line.remove();
      this.lines.delete(number);
      this.spans.delete(number);
    }
  }

  /** @param {number} number */
  drawLine(number) {
    let line = this.lines.get(number);
    if (!line) {
      line = element('div', { class: 'screen-line', 'data-number': number });
      this.place(line, number);
      this.lines.set(number, line);
    }
    const spans = this.spans.get(number) ?? [];
    const isHere = this.cursor?.line === number && !this.run.isOver;
    const parts = isHere ? withCursor(spans, this.cursor?.column ?? 0) : spans;
    line.replaceChildren(...parts.flatMap(({ text, style }) => painted(visible(text), style)), '\n');
  }

  /**
   * Lines stand in the order of their numbers.
   * @param {HTMLElement} line
   * @param {number} number
   */
  place(line, number) {
    let after = this.box.lastElementChild;
    while (after instanceof HTMLElement && Number(after.dataset.number) > number) after = after.previousElementSibling;
    if (after) after.after(line);
    else this.box.prepend(line);
  }

  /** Shows everything that arrived, without the cursor. */
  finish() {
    this.draw();
    const cursor = this.cursor;
    if (cursor && this.lines.has(cursor.line)) this.drawLine(cursor.line);
    this.update();
    this.dispose();
  }

  /** Ends what the screen keeps going. */
  dispose() {
    this.observer?.disconnect();
  }
}

/**
 * Spans with the place of the cursor shown in inverse.
 * @param {Span[]} spans
 * @param {number} column
 * @returns {Span[]}
 */
function withCursor(spans, column) {
  /** @type {Span[]} */
  const parts = [];
  let at = 0;
  let isShown = false;
  for (const span of spans) {
    const letters = [...span.text];
    const here = column - at;
    at += letters.length;
    if (isShown || here >= letters.length) {
      parts.push(span);
      continue;
    }
    isShown = true;
    const style = span.style ?? {};
    parts.push(
      { text: letters.slice(0, here).join(''), style },
      { text: letters[here] ?? ' ', style: { ...style, inverse: !style.inverse } },
      { text: letters.slice(here + 1).join(''), style },
    );
  }
  if (!isShown) parts.push({ text: ' '.repeat(Math.max(0, column - at)) }, { text: ' ', style: { inverse: true } });
  return parts.filter(({ text }) => text !== '');
}

/**
 * Columns and rows that fit into an element with the letters of a terminal.
 * @param {HTMLElement} view
 * @returns {{ columns: number, rows: number } | null}
 */
export function roomIn(view) {
  const probe = element('span', { class: 'screen-probe' }, 'M'.repeat(20));
  view.append(probe);
  const { width, height } = probe.getBoundingClientRect();
  const style = getComputedStyle(view);
  probe.remove();
  if (width === 0 || height === 0) return null;
  const inner = view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const isBeside = matchMedia('(min-width: 64em)').matches || view.closest('.full') !== null;
  const above = Math.max(0, view.getBoundingClientRect().top) + (view.matches('[data-output]') ? ABOVE : 0);
  const tall = isBeside ? innerHeight - above - BELOW : innerHeight * 0.6;
  return {
    columns: between(Math.floor(inner / (width / 20)), FEWEST.columns, MOST.columns),
    rows: between(Math.floor(tall / height), FEWEST.rows, MOST.rows),
  };
}

/**
 * @param {number} value
 * @param {number} least
 * @param {number} most
 */
function between(value, least, most) {
  return Math.max(least, Math.min(most, value));
}
