// @ts-check
/**
 * Lines as they arrive, both outputs in one. A hundred thousand of them can be scrolled through;
 * the page holds those that are looked at, and takes in what arrives once per frame.
 */

import { element } from '../page/dom.js';
import { counted } from '../page/units.js';
import { Block, rowOf } from './block.js';
import { LineReader } from './lines.js';
import { look } from './look.js';
import { measure, timeText } from './measure.js';

/** @typedef {import('./paint.js').Span} Span */
/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('./record.js').StreamName} StreamName */
/** @typedef {import('./block.js').Entry} Entry */
/** @typedef {'all' | StreamName} Filter */

const HEAD_BLOCKS = 10;
const TAIL_BLOCKS = 990;
/** Characters of the tail: lines may be long. */
const MOST_CHARACTERS = 40_000_000;
/** What is taken in per frame, in characters. */
const MOST_PER_FRAME = 1_000_000;
/** What the page says of lines that it does not hold any more. */
const MOST_MARKS = 5;
/** Frames do not come while nobody looks. */
const HIDDEN_PAUSE_MS = 500;
/** Nearer than this to the end is at the end, in pixels. */
const AT_END = 24;
/** Blocks are made this many windows before they come into view, and released when twice as far. */
const AHEAD = 1;

/** Tells with `change` that lines came, went or are shown in another way, with `layout` that others are in the page. */
export class Log extends EventTarget {
  /**
   * @param {string} label
   * @param {() => number} start of the run, in milliseconds since 1970
   */
  constructor(label, start) {
    super();
    this.start = start;
    this.head = element('div');
    this.gap = element('p', { class: 'log-gap', hidden: true });
    this.tail = element('div');
    this.last = element('div', { class: 'lines' });
    const attributes = { class: 'terminal', tabindex: 0, role: 'log', 'aria-live': 'off', 'aria-label': label };
    this.view = element('div', attributes, this.head, this.gap, this.tail, this.last);
    this.jump = element('button', { class: 'button button-small log-jump', type: 'button', hidden: true, click: () => this.follow() });
    this.root = element('div', { class: 'log' }, this.view, this.jump);
    this.readers = { stdout: new LineReader(), stderr: new LineReader() };
    /** @type {{ stream: StreamName, text: string, spans?: Span[] | undefined, time: number, mark?: boolean }[]} */
    this.waiting = [];
    this.frame = 0;
    this.timer = 0;
    /** @type {Block[]} */
    this.blocks = [];
    /** @type {Set<Block>} */
    this.filled = new Set();
    this.count = 0;
    this.numbers = { all: 0, stdout: 0, stderr: 0 };
    /** Lines that the page does not hold any more. */
    this.dropped = 0;
    this.isMarked = false;
    this.characters = 0;
    /** Lines since the reader scrolled away from the end. */
    this.unseen = 0;
    this.isFollowing = true;
    /** How far down the end was when it was shown last, in pixels. */
    this.endTop = 0;
    /** @type {Filter} */
    this.filter = 'all';
    this.metrics = { columns: 80, height: 19 };
    this.shows = (/** @type {Entry} */ { stream }) => this.filter === 'all' || stream === null || stream === this.filter;
    /** @type {import('./block.js').Beside} */
    this.beside = ({ numbers, time }) => ({
      number: this.filter === 'all' ? numbers.all : numbers.own,
      time: timeText(look.times, this.start(), time),
    });
    this.listen();
  }

  listen() {
    const { view } = this;
    view.addEventListener('scroll', () => this.onScroll(), { passive: true });
    view.addEventListener('keydown', (event) => {
      if (event.key === 'End') this.follow();
    });
    this.onLook = () => this.restyle();
    look.addEventListener('change', this.onLook);
    this.onPrint = () => this.fillAll();
    addEventListener('beforeprint', this.onPrint);
    let width = 0;
    this.observer = new ResizeObserver(() => {
      if (view.clientWidth !== width && view.clientWidth > 0) {
        width = view.clientWidth;
        this.restyle();
      } else {
        this.toEnd();
        this.layout();
      }
    });
    this.observer.observe(view);
    this.applyLook();
  }

  /** Ends what the log keeps going. */
  dispose() {
    look.removeEventListener('change', this.onLook ?? null);
    if (this.onPrint) removeEventListener('beforeprint', this.onPrint);
    this.observer?.disconnect();
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
  }

  /**
   * @param {StreamName} stream
   * @param {string} text
   * @param {Span[] | undefined} spans the same text in its looks
   * @param {number} time milliseconds since the start of the run
   */
  write(stream, text, spans, time) {
    this.waiting.push({ stream, text, spans, time });
    this.schedule();
  }

  /** A line of the page itself, where something is missing. @param {string} text */
  mark(text) {
    this.waiting.push({ stream: 'stdout', text, time: 0, mark: true });
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

  /** Everything that is shown, as text; `null`: the page does not hold a part of it. */
  get text() {
    if (this.dropped > 0 || this.isMarked) return null;
    const lines = [...this.entries(-1)].filter(this.shows).map(({ text }) => `${text}\n`);
    return lines.join('') + this.unfinished().map(({ text }) => text).join('\n');
  }

  /** The lines after one of them, in order, wanted or not. @param {number} after its order */
  *entries(after) {
    for (const { entries } of this.blocks) {
      if ((entries.at(-1)?.order ?? -1) <= after) continue;
      for (const entry of entries) if (entry.order > after) yield entry;
    }
  }

  /** Takes in everything that arrived. */
  finish() {
    while (this.waiting.length > 0) this.flush();
  }

  flush() {
    let taken = 0;
    let count = 0;
    for (const { stream, text, spans, time, mark } of this.waiting) {
      if (taken > MOST_PER_FRAME) break;
      taken += text.length;
      count += 1;
      const reader = this.readers[stream];
      if (mark) this.addMark(text);
      else if (spans) for (const span of spans) reader.read(span.text, styleOf(span), time);
      else reader.read(text, null, time);
      for (const { line, time: began } of reader.takeDone()) this.add(stream, line, began);
    }
    this.waiting.splice(0, count);
    this.trim();
    this.showLast();
    this.toEnd();
    this.layout();
    this.toEnd();
    if (!this.isFollowing) this.showJump();
    if (this.waiting.length > 0) this.schedule();
    this.dispatchEvent(new Event('change'));
  }

  /** @param {string} text */
  addMark(text) {
    for (const stream of /** @type {StreamName[]} */ (['stdout', 'stderr'])) {
      const reader = this.readers[stream];
      const { began } = reader;
      if (reader.parts.length > 0) this.add(stream, reader.take(), began);
    }
    this.isMarked = true;
    this.add(null, text, 0);
  }

  /**
   * @param {StreamName | null} stream
   * @param {Line} line
   * @param {number} time
   */
  add(stream, line, time) {
    const text = typeof line === 'string' ? line : line.map((part) => part.text).join('');
    const numbers = stream ? { all: (this.numbers.all += 1), own: (this.numbers[stream] += 1) } : { all: 0, own: 0 };
    this.count += 1;
    /** @type {Entry} */
    const entry = { order: this.count, numbers, stream, line, text, time, block: null, row: null };
    let block = this.blocks.at(-1);
    if (!block || block.isFull) {
      block?.isFilled || block?.estimate(this.shows, this.metrics);
      block = new Block();
      (this.blocks.length < HEAD_BLOCKS ? this.head : this.tail).append(block.element);
      this.blocks.push(block);
    }
    block.add(entry, this.shows, this.beside);
    this.characters += text.length;
    if (stream && this.shows(entry)) this.unseen += 1;
  }

  /** Lets go of the oldest lines of the tail. */
  trim() {
    const last = this.blocks.at(-1);
    if (last && !last.isFilled) last.estimate(this.shows, this.metrics);
    const isTooMuch = () => this.blocks.length > HEAD_BLOCKS + TAIL_BLOCKS || this.characters > MOST_CHARACTERS;
    const before = this.dropped;
    while (this.blocks.length > HEAD_BLOCKS + 1 && isTooMuch()) {
      const [block] = this.blocks.splice(HEAD_BLOCKS, 1);
      if (block) this.drop(block);
    }
    if (this.dropped === before) return;
    this.gap.hidden = false;
    this.gap.textContent = `${counted(this.dropped, 'line')} not shown here. The download holds them.`;
  }

  /** What the page itself said there stays. @param {Block} block */
  drop(block) {
    this.filled.delete(block);
    block.element.remove();
    this.characters -= block.characters;
    for (const entry of block.entries) {
      entry.block = null;
      if (entry.stream) this.dropped += 1;
      else this.keepMark(entry.text);
    }
  }

  /** @param {string} text */
  keepMark(text) {
    const kept = [...this.head.querySelectorAll('.log-kept')];
    if (kept.length >= MOST_MARKS || kept.some(({ textContent }) => textContent === text)) return;
    this.head.append(element('p', { class: 'log-gap log-kept' }, text));
  }

  /** Lines that have not ended. */
  unfinished() {
    const streams = /** @type {StreamName[]} */ (['stdout', 'stderr']);
    let { all } = this.numbers;
    return streams.flatMap((stream) => {
      const { parts, left, current, began } = this.readers[stream];
      const isWanted = this.filter === 'all' || this.filter === stream;
      if (!isWanted || (parts.length === 0 && left === 0)) return [];
      const text = typeof current === 'string' ? current : current.map((part) => part.text).join('');
      return [{ stream, line: current, text, time: began, numbers: { all: (all += 1), own: this.numbers[stream] + 1 } }];
    });
  }

  showLast() {
    const rows = this.unfinished().map((entry) => {
      const row = rowOf(entry, this.beside(entry));
      row.classList.toggle('line-error', entry.stream === 'stderr');
      if (row.lastChild) row.lastChild.remove();
      return row;
    });
    this.last.replaceChildren(...rows.flatMap((row, at) => (at > 0 ? ['\n', row] : [row])));
  }

  /** @param {Filter} filter */
  show(filter) {
    if (filter === this.filter) return;
    this.filter = filter;
    this.restyle();
    this.dispatchEvent(new Event('filter'));
  }

  applyLook() {
    const { view } = this;
    view.toggleAttribute('data-nowrap', !look.wrap);
    view.toggleAttribute('data-numbers', look.numbers);
    view.toggleAttribute('data-times', look.times !== 'off');
  }

  /** Makes everything anew in another look; what was in the middle stays there. */
  restyle() {
    const anchor = this.isFollowing ? null : this.firstShown();
    this.applyLook();
    if (this.view.clientWidth === 0) return;
    const { columns, height } = measure(this.view);
    this.metrics = { columns: look.wrap ? columns : Infinity, height };
    for (const block of this.blocks) {
      if (block.isFilled) block.release(null);
      block.estimate(this.shows, this.metrics);
    }
    this.filled.clear();
    this.showLast();
    this.toEnd();
    this.layout();
    this.toEnd();
    if (anchor && this.shows(anchor)) this.scrollTo(anchor, 0);
  }

  /** The first line in view. */
  firstShown() {
    const { scrollTop } = this.view;
    for (const block of this.blocks) {
      if (!block.isFilled || block.element.offsetTop + block.element.offsetHeight < scrollTop) continue;
      const entry = block.entries.find(({ row }) => row !== null && row.offsetTop + row.offsetHeight > scrollTop);
      if (entry) return entry;
    }
    return null;
  }

  /** Puts the lines near the window into the page and takes out those far away. */
  layout() {
    const { view } = this;
    const { scrollTop, clientHeight } = view;
    if (clientHeight === 0) return;
    const far = 2 * AHEAD * clientHeight;
    const sizes = [...this.filled].map((block) => [block, block.element.offsetTop, block.element.offsetHeight]);
    for (const [block, top, height] of /** @type {[Block, number, number][]} */ (sizes)) {
      if (top + height >= scrollTop - far && top <= scrollTop + clientHeight + far) continue;
      block.release(height);
      this.filled.delete(block);
    }
    // A box may turn out smaller than estimated: then the next one comes into view.
    for (let pass = 0; pass < 4 && this.fillNear(); pass += 1);
    this.dispatchEvent(new Event('layout'));
  }

  /** Answers whether something was filled. */
  fillNear() {
    const { view, blocks } = this;
    const from = view.scrollTop - AHEAD * view.clientHeight;
    const until = view.scrollTop + (1 + AHEAD) * view.clientHeight;
    let at = this.firstBelow(from);
    const near = [];
    for (; at < blocks.length; at += 1) {
      const block = blocks[at];
      if (!block || block.element.offsetTop > until) break;
      if (!block.isFilled) near.push(block);
    }
    for (const block of near) this.fill(block);
    return near.length > 0;
  }

  /** The first block that ends below a height. @param {number} height */
  firstBelow(height) {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const box = blocks[middle]?.element;
      if (box && box.offsetTop + box.offsetHeight < height) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {Block} block */
  fill(block) {
    block.fill(this.shows, this.beside);
    this.filled.add(block);
  }

  fillAll() {
    for (const block of this.blocks) this.fill(block);
  }

  /** Brings a line into view. @param {Entry} entry @param {number} place 0: at the top, 0.5: in the middle */
  scrollTo(entry, place) {
    const { block } = entry;
    if (!block) return;
    this.isFollowing = false;
    this.fill(block);
    for (let pass = 0; pass < 3 && entry.row; pass += 1) {
      this.view.scrollTop = entry.row.offsetTop - this.view.clientHeight * place;
      this.layout();
    }
    this.onScroll();
  }

  toEnd() {
    const { view } = this;
    view.toggleAttribute('data-following', this.isFollowing);
    if (!this.isFollowing) return;
    view.scrollTop = view.scrollHeight;
    this.endTop = view.scrollTop;
  }

  onScroll() {
    const { view } = this;
    const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END;
    // Where lines arrived since, the end is elsewhere: only going up is the will of the reader.
    const isUp = view.scrollTop < this.endTop - AT_END;
    this.isFollowing = isAtEnd || (this.isFollowing && !isUp);
    if (this.isFollowing) this.jump.hidden = true;
    if (this.isFollowing || this.jump.hidden) this.unseen = 0;
    this.layout();
    this.toEnd();
    this.dispatchEvent(new Event('follow'));
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
    this.toEnd();
    this.layout();
    this.toEnd();
    this.dispatchEvent(new Event('follow'));
  }

  /** Stays where the reader is. */
  pause() {
    this.isFollowing = false;
    this.toEnd();
    this.unseen = 0;
    this.dispatchEvent(new Event('follow'));
  }
}

/** @param {Span} span */
function styleOf({ style, link }) {
  return link ? { ...style, link } : (style ?? null);
}
