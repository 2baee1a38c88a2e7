// @ts-check
/** Text as a terminal shows it: colours, carriage returns, no other control sequence. */

import { element } from '../page/dom.js';

/** What is shown at most; the download is always complete. */
const MOST_CHARACTERS = 4_000_000;

const TOKEN =
  // Sequences with parameters, strings of the operating system, other strings, short sequences,
  // single controls, plain text.
  /\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-OQ-WYZ\\`-~]|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+/gy;
/** A sequence whose end has not arrived yet. */
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,2000}\x1b?|[PX^_][^\x1b]{0,2000}\x1b?|[ -/]*)$/;
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;

/** @typedef {{ fg: number, flags: Set<string> }} Style */

export class Terminal {
  /**
   * @param {string} label
   * @param {(percent: number | null) => void} progress
   */
  constructor(label, progress = () => {}) {
    this.root = element('pre', { class: 'terminal', tabindex: 0, 'aria-label': label, role: 'log', 'aria-live': 'off' });
    this.tail = element('span', {});
    this.root.append(this.tail);
    this.progress = progress;
    this.pending = '';
    this.shown = 0;
    this.isCut = false;
    /** @type {{ char: string, style: string }[]} */
    this.line = [];
    this.column = 0;
    /** @type {Style} */
    this.style = { fg: -1, flags: new Set() };
    this.styleClass = '';
  }

  /** @param {string} text */
  write(text) {
    const { root } = this;
    const isAtEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 24;
    this.read(text);
    this.showTail();
    if (isAtEnd) root.scrollTop = root.scrollHeight;
  }

  /** @param {string} added */
  read(added) {
    let text = this.pending + added;
    const unfinished = UNFINISHED.exec(text);
    this.pending = unfinished ? unfinished[0] : '';
    if (unfinished) text = text.slice(0, unfinished.index);
    let from = 0;
    if (this.line.length === 0 && this.styleClass === '') from = this.readPlain(text);
    TOKEN.lastIndex = from;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) this.token(match[0]);
  }

  /** The lines up to the first that needs more care, all at once.
   * @param {string} text */
  readPlain(text) {
    const special = text.search(/[\x00-\x09\x0b-\x1f\x7f]/);
    const until = text.lastIndexOf('\n', special < 0 ? text.length : special) + 1;
    if (until > 0) this.commit(text.slice(0, until), '');
    return until;
  }

  /** @param {string} token */
  token(token) {
    const code = token.charCodeAt(0);
    if (code === 0x1b) this.sequence(token);
    else if (token === '\n') this.endLine();
    else if (token === '\r') this.column = 0;
    else if (token === '\b') this.column = Math.max(0, this.column - 1);
    else if (token === '\t' || (code >= 0x20 && code !== 0x7f)) this.put(token);
    else if (code !== 0x07) this.put(String.fromCharCode(code === 0x7f ? 0x2421 : 0x2400 + code));
  }

  /** @param {string} text */
  put(text) {
    const style = this.styleClass;
    for (const char of text) {
      this.line[this.column] = { char, style };
      this.column += 1;
    }
  }

  endLine() {
    this.commitLine();
    this.commit('\n', '');
    this.line = [];
    this.column = 0;
  }

  commitLine() {
    for (const { text, style } of runs(this.line)) this.commit(text, style);
  }

  /**
   * @param {string} text
   * @param {string} style
   */
  commit(text, style) {
    if (this.isCut) return;
    this.shown += text.length;
    this.tail.before(piece(text, style));
    if (this.shown > MOST_CHARACTERS) {
      this.isCut = true;
      this.tail.before('\n… The rest is not shown here. The download is complete.\n');
    }
  }

  showTail() {
    this.tail.replaceChildren(
      ...(this.isCut ? [] : runs(this.line).map(({ text, style }) => piece(text, style))),
    );
  }

  /** @param {string} sequence */
  sequence(sequence) {
    const progress = /^\x1b\]9;4;(\d)(?:;(\d{1,3}))?/.exec(sequence);
    if (progress) this.progress(progress[1] === '0' ? null : Math.min(100, Number(progress[2] ?? 0)));
    const styles = /^\x1b\[([\d;:]*)m$/.exec(sequence);
    if (styles) this.restyle(styles[1] ?? '');
    const erase = /^\x1b\[([012]?)K$/.exec(sequence);
    if (erase) this.eraseLine(erase[1] || '0');
    const moved = /^\x1b\[(\d*)([CDG])$/.exec(sequence);
    if (moved) this.moveTo(Number(moved[1] || 1), moved[2] ?? '');
  }

  /** @param {string} part */
  eraseLine(part) {
    if (part !== '1') this.line.length = Math.min(this.line.length, part === '2' ? 0 : this.column);
    for (let at = 0; part === '1' && at < this.column; at += 1) this.line[at] = { char: ' ', style: '' };
  }

  /**
   * @param {number} count
   * @param {string} kind
   */
  moveTo(count, kind) {
    const column = kind === 'G' ? count - 1 : this.column + (kind === 'C' ? count : -count);
    this.column = Math.min(Math.max(0, column), 2000);
  }

  /** Sets colours and weights (ECMA-48 SGR).
   * @param {string} parameters */
  restyle(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] ?? 0;
      if (code === 38 || code === 48) {
        const isPalette = codes[at + 1] === 5;
        const rest = codes.slice(at + 2, at + (isPalette ? 3 : 5));
        if (code === 38) this.style.fg = isPalette ? nearestOfPalette(rest[0] ?? 0) : nearest(rest);
        at += isPalette ? 2 : 4;
      } else {
        restyleOne(this.style, code);
      }
    }
    const { fg, flags } = this.style;
    const names = [...flags].map((flag) => `ansi-${flag}`);
    this.styleClass = [...names, ...(fg >= 0 ? [`ansi-${fg}`] : [])].join(' ');
  }
}

/** @type {Record<number, string>} */
const ON = { 1: 'b', 2: 'd', 3: 'i', 4: 'u', 7: 'r', 9: 's' };
/** @type {Record<number, string[]>} */
const OFF = { 22: ['b', 'd'], 23: ['i'], 24: ['u'], 27: ['r'], 29: ['s'] };

/**
 * @param {Style} style
 * @param {number} code
 */
function restyleOne(style, code) {
  const on = ON[code];
  if (code === 0) {
    style.fg = -1;
    style.flags.clear();
  } else if (on) style.flags.add(on);
  else if (OFF[code]) for (const flag of OFF[code] ?? []) style.flags.delete(flag);
  else if (code >= 30 && code <= 37) style.fg = code - 30;
  else if (code >= 90 && code <= 97) style.fg = code - 82;
  else if (code === 39) style.fg = -1;
}

/** @param {number} index */
function nearestOfPalette(index) {
  if (index < 16) return index;
  if (index >= 232) return nearest(Array(3).fill((index - 232) * 10 + 8));
  const level = (/** @type {number} */ value) => (value === 0 ? 0 : value * 40 + 55);
  const at = index - 16;
  return nearest([level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6)]);
}

/** The colour of the theme that is closest in hue: contrast stays good on both grounds.
 * @param {number[]} rgb */
function nearest(rgb) {
  const [red = 0, green = 0, blue = 0] = rgb;
  const most = Math.max(red, green, blue);
  const least = Math.min(red, green, blue);
  if (most - least < 40) return most > 200 ? 15 : most > 110 ? 7 : 8;
  const middle = (most + least) / 2;
  const bits = (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0);
  return bits + (most > 200 ? 8 : 0);
}

/**
 * Neighbours of one style as one text.
 * @param {{ char: string, style: string }[]} line
 */
function runs(line) {
  /** @type {{ text: string, style: string }[]} */
  const found = [];
  for (let at = 0; at < line.length; at += 1) {
    const { char, style } = line[at] ?? { char: ' ', style: '' };
    const last = found.at(-1);
    if (last && last.style === style) last.text += char;
    else found.push({ text: char, style });
  }
  return found;
}

/**
 * @param {string} text
 * @param {string} style
 */
function piece(text, style) {
  const visible = text.replace(DIRECTION, (char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase()}⟩`);
  return style ? element('span', { class: style }, visible) : document.createTextNode(visible);
}
