// @ts-check
/**
 * Lines as they arrive. However many they are, the page holds the first and the last of them, and
 * takes in what arrives once per frame.
 */

import { element } from '../page/dom.js';
import { counted } from '../page/units.js';
import { LineReader } from './lines.js';
import { painted } from './paint.js';

/** @typedef {import('./paint.js').Span} Span */
/** @typedef {import('./lines.js').Line} Line */

const HEAD_LINES = 1000;
const TAIL_LINES = 4000;
/** Lines of one element. */
const BLOCK_LINES = 100;
/** What is taken in per frame, in characters. */
const MOST_PER_FRAME = 1_000_000;
/** Marks of lines that have left the page. */
const MOST_MARKS = 5;
/** Frames do not come while nobody looks. */
const HIDDEN_PAUSE_MS = 500;
/** Nearer than this to the end is at the end, in pixels. */
const AT_END = 24;

export class Log {
  /** @param {string} label */
  constructor(label) {
    this.head = element('div', { class: 'log-head' });
    this.gap = element('p', { class: 'log-gap', hidden: true });
    /** What the page says of lines that have left it. */
    this.marks = element('div', {});
    this.tail = element('div', { class: 'log-tail' });
    this.last = element('div', { class: 'lines' });
    const attributes = { class: 'terminal', tabindex: 0, role: 'log', 'aria-live': 'off', 'aria-label': label };
    this.view = element('div', attributes, this.head, this.marks, this.gap, this.tail, this.last);
    this.jump = element('button', { class: 'button button-small log-jump', type: 'button', hidden: true, click: () => this.follow() });
    this.root = element('div', { class: 'log' }, this.view, this.jump);
    this.reader = new LineReader();
    /** @type {{ text: string, spans?: Span[] | undefined, mark?: boolean }[]} */
    this.waiting = [];
    this.frame = 0;
    this.timer = 0;
    this.headLines = 0;
    this.tailLines = 0;
    this.hidden = 0;
    /** Lines since the reader scrolled away from the end. */
    this.unseen = 0;
    this.lines = 0;
    this.isFollowing = true;
    this.view.addEventListener('scroll', () => this.onScroll(), { passive: true });
    this.view.addEventListener('keydown', (event) => {
      if (event.key === 'End') this.follow();
    });
  }

  /**
   * @param {string} text
   * @param {Span[] | undefined} spans the same text in its looks
   */
  write(text, spans) {
    this.waiting.push({ text, spans });
    this.schedule();
  }

  /** A line of the page itself, where something is missing.
   * @param {string} text */
  mark(text) {
    this.waiting.push({ text, mark: true });
    this.schedule();
  }

  schedule() {
    if (this.frame) return;
    const run = () => {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.timer);
      this.frame = 0;
      this.flush();
    };
    this.frame = requestAnimationFrame(run);
    this.timer = setTimeout(run, HIDDEN_PAUSE_MS);
  }

  /** Everything, as it is shown; `null`: a part of it is not in the page. */
  get text() {
    if (this.hidden > 0 || this.view.querySelector('.log-gap:not([hidden])')) return null;
    return [this.head, this.tail, this.last].map(({ textContent }) => textContent).join('');
  }

  /** Shows everything that arrived. */
  finish() {
    while (this.waiting.length > 0) this.flush();
  }

  flush() {
    let taken = 0;
    let count = 0;
    for (const { text, spans, mark } of this.waiting) {
      if (taken > MOST_PER_FRAME) break;
      taken += text.length;
      count += 1;
      if (mark) this.showMark(text);
      else if (spans) for (const span of spans) this.reader.read(span.text, span.style ?? null);
      else this.reader.read(text, null);
    }
    this.waiting.splice(0, count);
    this.add(this.reader.takeDone());
    this.last.replaceChildren(...nodesOf([this.reader.current]));
    if (this.isFollowing) this.view.scrollTop = this.view.scrollHeight;
    else this.showJump();
    if (this.waiting.length > 0) this.schedule();
  }

  /** @param {string} text */
  showMark(text) {
    this.add(this.reader.takeDone());
    if (this.reader.parts.length > 0) this.add([this.reader.take()]);
    const mark = element('p', { class: 'log-gap' }, text);
    (this.tailLines > 0 ? this.tail : this.head).append(mark);
  }

  /** @param {Line[]} lines */
  add(lines) {
    if (lines.length === 0) return;
    this.lines += lines.length;
    this.unseen += lines.length;
    const toHead = lines.slice(0, HEAD_LINES - this.headLines);
    this.headLines += toHead.length;
    append(this.head, toHead);
    let rest = lines.slice(toHead.length);
    if (rest.length > TAIL_LINES) {
      this.hidden += this.tailLines + rest.length - TAIL_LINES;
      for (const block of [...this.tail.children]) this.drop(block);
      this.tailLines = 0;
      rest = rest.slice(-TAIL_LINES);
    }
    this.tailLines += rest.length;
    append(this.tail, rest);
    this.trim();
  }

  /** Takes the oldest lines of the tail out of the page. */
  trim() {
    while (this.tailLines > TAIL_LINES + BLOCK_LINES) {
      const first = this.tail.firstElementChild;
      if (!first) break;
      const count = this.drop(first);
      this.tailLines -= count;
      this.hidden += count;
    }
    if (this.hidden === 0) return;
    this.gap.hidden = false;
    this.gap.textContent = `${counted(this.hidden, 'line')} not shown here. The download holds them.`;
  }

  /** Takes lines out of the page; what the page itself said stays. Answers how many lines.
   * @param {Element} block */
  drop(block) {
    block.remove();
    if (block instanceof HTMLElement && block.dataset.count !== undefined) return Number(block.dataset.count);
    const isNew = [...this.marks.children].every(({ textContent }) => textContent !== block.textContent);
    if (isNew && this.marks.childElementCount < MOST_MARKS) this.marks.append(block);
    return 0;
  }

  onScroll() {
    const { view } = this;
    this.isFollowing = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
    if (this.isFollowing) this.jump.hidden = true;
    if (this.isFollowing || this.jump.hidden) this.unseen = 0;
  }

  showJump() {
    if (this.unseen === 0) return;
    this.jump.hidden = false;
    this.jump.textContent = `↓ ${counted(this.unseen, 'new line')}`;
  }

  /** Goes to the end and stays there. */
  follow() {
    this.isFollowing = true;
    this.jump.hidden = true;
    this.unseen = 0;
    this.view.scrollTop = this.view.scrollHeight;
  }
}

/**
 * @param {HTMLElement} parent
 * @param {Line[]} lines
 */
function append(parent, lines) {
  let from = 0;
  while (from < lines.length) {
    let block = /** @type {HTMLElement | null} */ (parent.lastElementChild);
    let count = Number(block?.dataset.count ?? BLOCK_LINES);
    if (!block || count >= BLOCK_LINES) {
      block = element('div', { class: 'lines' });
      count = 0;
      parent.append(block);
    }
    const some = lines.slice(from, from + BLOCK_LINES - count);
    block.append(...nodesOf(some, '\n'));
    block.dataset.count = String(count + some.length);
    from += some.length;
  }
}

/**
 * Nodes of lines: neighbours without a look are one text.
 * @param {Line[]} lines
 * @param {string} end
 */
function nodesOf(lines, end = '') {
  /** @type {Node[]} */
  const nodes = [];
  let plain = '';
  const endPlain = () => {
    if (plain !== '') nodes.push(...painted(plain, null));
    plain = '';
  };
  for (const line of lines) {
    if (typeof line === 'string') {
      plain += line + end;
      continue;
    }
    endPlain();
    for (const { text, style } of line) nodes.push(...painted(text, style));
    plain = end;
  }
  endPlain();
  return nodes;
}
