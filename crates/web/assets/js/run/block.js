// @ts-check
/** Lines that enter and leave the page together. Outside it they are an empty box of their height. */

import { element } from '../page/dom.js';
import { painted } from './paint.js';

/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('./record.js').StreamName} StreamName */
/**
 * @typedef {{
 *   order: number, numbers: { all: number, own: number }, stream: StreamName | null, line: Line, text: string, time: number,
 *   block: Block | null, row: HTMLElement | null,
 * }} Entry a line of a stream, or what the page itself says (its stream is `null`)
 * @typedef {(entry: Entry) => boolean} Shows whether a line is wanted
 * @typedef {(entry: Pick<Entry, 'numbers' | 'time'>) => { number: number, time: string }} Beside what stands beside a line
 * @typedef {{ columns: number, height: number }} Metrics columns that fit (without wrapping: no end), height of a line
 */

/** Lines of a block. */
export const BLOCK_LINES = 100;

export class Block {
  constructor() {
    /** @type {Entry[]} */
    this.entries = [];
    this.element = element('div', { class: 'lines' });
    this.isFilled = false;
    this.characters = 0;
  }

  get isFull() {
    return this.entries.length >= BLOCK_LINES;
  }

  /** @param {Entry} entry @param {Shows} shows @param {Beside} beside */
  add(entry, shows, beside) {
    entry.block = this;
    this.entries.push(entry);
    this.characters += entry.text.length;
    if (this.isFilled && shows(entry)) this.append(entry, beside);
  }

  /** Makes the rows of the lines that are wanted. @param {Shows} shows @param {Beside} beside */
  fill(shows, beside) {
    if (this.isFilled) return;
    this.isFilled = true;
    this.element.style.height = '';
    for (const entry of this.entries) if (shows(entry)) this.append(entry, beside);
  }

  /** @param {Entry} entry @param {Beside} beside */
  append(entry, beside) {
    const row = rowOf(entry, beside(entry));
    entry.row = row;
    if (entry.stream !== 'stderr') {
      this.element.append(row);
      return;
    }
    let group = this.element.lastElementChild;
    if (!group?.matches('.errors')) {
      group = element('div', { class: 'errors', role: 'group', 'aria-label': 'Standard error', 'data-stream': 'stderr' });
      this.element.append(group);
    }
    group.append(row);
  }

  /** Takes the rows out of the page. @param {number | null} height that they had; `null`: unknown */
  release(height) {
    this.isFilled = false;
    for (const entry of this.entries) entry.row = null;
    this.element.replaceChildren();
    if (height !== null) this.element.style.height = `${height}px`;
  }

  /** Gives the empty box about the height that its lines would have. @param {Shows} shows @param {Metrics} metrics */
  estimate(shows, { columns, height }) {
    let rows = 0;
    for (const entry of this.entries) if (shows(entry)) rows += Math.max(1, Math.ceil(entry.text.length / columns));
    this.element.style.height = `${rows * height}px`;
  }
}

/**
 * @param {Pick<Entry, 'line' | 'stream' | 'text'>} entry
 * @param {{ number: number, time: string }} beside
 */
export function rowOf({ line, stream, text }, { number, time }) {
  if (stream === null) return element('p', { class: 'log-gap' }, text);
  const nodes = typeof line === 'string' ? painted(line, null) : line.flatMap((part) => painted(part.text, part.style));
  const row = element('div', { class: 'line', 'data-number': number, 'data-time': time || undefined }, ...nodes);
  row.append('\n');
  return row;
}
