// @ts-check
/** Text in pieces becomes lines: carriage returns and backspaces are carried out. */

import { keyOf, visible } from './paint.js';

/** @typedef {import('./paint.js').Style} Style */
/** @typedef {{ text: string, style: Style | null }} Part */
/** @typedef {string | Part[]} Line plain text, or parts of different looks */
/** @typedef {{ line: Line, time: number }} Timed a line, and when its text began to arrive */

/** What is shown of a line at most. */
const LONGEST_LINE = 20_000;
const EDIT = /[\r\b]/;

export class LineReader {
  constructor() {
    /** @type {Part[]} of the line that has not ended */
    this.parts = [];
    this.length = 0;
    this.left = 0;
    /** Whether what comes next replaces the line. */
    this.isReturned = false;
    /** How many characters what comes next replaces. */
    this.back = 0;
    /** When the line that has not ended began; -1: nothing of it is there. */
    this.began = -1;
    /** @type {Timed[]} */
    this.done = [];
  }

  /**
   * @param {string} text
   * @param {Style | null} style
   * @param {number} time at which it arrived
   */
  read(text, style, time) {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      if (end > from) this.put(text.slice(from, end), style, time);
      this.done.push({ time: this.began < 0 ? time : this.began, line: this.take() });
      from = end + 1;
    }
    if (from < text.length) this.put(text.slice(from), style, time);
  }

  /** Lines that have ended since the last call. */
  takeDone() {
    const { done } = this;
    this.done = [];
    return done;
  }

  /** The line that has not ended. @returns {Line} */
  get current() {
    const [only] = this.parts;
    const isPlain = this.parts.length <= 1 && keyOf(only?.style) === '' && this.left === 0;
    if (isPlain) return only?.text ?? '';
    const cut = this.left > 0 ? [{ text: `… ${this.left} more characters`, style: { italic: true } }] : [];
    return [...this.parts, ...cut];
  }

  take() {
    const line = this.current;
    this.parts = [];
    this.length = 0;
    this.left = 0;
    this.isReturned = false;
    this.back = 0;
    this.began = -1;
    return line;
  }

  /**
   * @param {string} text without line ends
   * @param {Style | null} style
   * @param {number} time
   */
  put(text, style, time) {
    if (!EDIT.test(text)) {
      this.append(text, style, time);
      return;
    }
    for (const [piece] of text.matchAll(/\r|\x08|[^\r\x08]+/g)) {
      if (piece === '\r') this.isReturned = true;
      else if (piece === '\b') this.back += 1;
      else this.append(piece, style, time);
    }
  }

  /**
   * @param {string} text
   * @param {Style | null} style
   * @param {number} time
   */
  append(text, style, time) {
    if (this.isReturned) this.take();
    if (this.began < 0) this.began = time;
    if (this.back > 0) this.erase();
    const room = Math.max(0, LONGEST_LINE - this.length);
    this.left += Math.max(0, text.length - room);
    const shown = visible(text.length > room ? text.slice(0, room) : text);
    if (shown === '') return;
    this.length += shown.length;
    const last = this.parts.at(-1);
    if (last && keyOf(last.style) === keyOf(style)) last.text += shown;
    else this.parts.push({ text: shown, style });
  }

  erase() {
    for (let last = this.parts.at(-1); last && this.back > 0; last = this.parts.at(-1)) {
      const count = Math.min(this.back, last.text.length);
      last.text = last.text.slice(0, last.text.length - count);
      this.length -= count;
      this.back -= count;
      if (last.text === '') this.parts.pop();
    }
    this.back = 0;
  }
}
