// @ts-check
/**
 * Text with its look, as the server read it from the escape sequences of a script, becomes
 * elements. Nothing here knows escape sequences.
 */

import { element } from '../page/dom.js';
import { coloursOf } from './colours.js';

/**
 * @typedef {{
 *   fg?: number | string, bg?: number | string,
 *   bold?: boolean, faint?: boolean, italic?: boolean, underline?: boolean, strike?: boolean,
 *   inverse?: boolean, link?: string,
 * }} Style how text looks, and the page to which it leads
 * @typedef {{ text: string, style?: Style | null, link?: string }} Span
 */

/** Controls and marks of direction, which would hide or reorder what is shown. */
const INVISIBLE = /[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]/;
const EACH_INVISIBLE = new RegExp(INVISIBLE.source, 'g');
const ADDRESS = /https?:\/\/[^\s<>"'`]{1,2000}/g;
/** What ends a sentence rather than an address. */
const AFTER_ADDRESS = /[.,;:!?)\]}]+$/;
/** Looks that are remembered. */
const MOST_LOOKS = 2000;

/** @typedef {{ classes: string, letters: string, ground: string }} Look */

/** @type {Map<string, Look>} */
const looks = new Map();

/** Text in which nothing is hidden.
 * @param {string} text */
export function visible(text) {
  if (!INVISIBLE.test(text)) return text;
  return text.replace(EACH_INVISIBLE, (char) => {
    const code = char.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '\u2421' : `⟨U+${code.toString(16).toUpperCase()}⟩`;
  });
}

/** A key for equal looks; empty: plain.
 * @param {Style | null | undefined} style */
export function keyOf(style) {
  if (!style) return '';
  const { fg, bg, bold, faint, italic, underline, strike, inverse, link = '' } = style;
  const flags = [bold, faint, italic, underline, strike, inverse].map(Number).join('');
  return fg === undefined && bg === undefined && link === '' && !/1/.test(flags) ? '' : `${fg ?? ''}/${bg ?? ''}/${flags}/${link}`;
}

/** @param {Style} style @returns {Look} */
function lookOf(style) {
  const key = keyOf(style);
  let look = looks.get(key);
  if (!look) {
    look = newLook(style);
    if (looks.size >= MOST_LOOKS) looks.clear();
    looks.set(key, look);
  }
  return look;
}

/** @param {Style} style @returns {Look} */
function newLook({ fg, bg, bold, faint, italic, underline, strike, inverse }) {
  const classes = [bold && 'ansi-b', faint && 'ansi-d', italic && 'ansi-i', underline && 'ansi-u', strike && 'ansi-s'];
  const isOfTheme = bg === undefined && !inverse && (fg === undefined || (typeof fg === 'number' && fg < 16));
  if (isOfTheme && fg !== undefined) classes.push(`ansi-${fg}`);
  const names = classes.filter(Boolean).join(' ');
  if (isOfTheme) return { classes: names, letters: '', ground: '' };
  return { classes: names, ...coloursOf(fg, bg, inverse === true) };
}

/**
 * Nodes for text of one look. Addresses become links.
 * @param {string} text
 * @param {Style | null | undefined} style
 * @returns {Node[]}
 */
export function painted(text, style) {
  const nodes = style?.link ? [linkTo(style.link, text)] : text.includes('://') ? withLinks(text) : [document.createTextNode(text)];
  if (!style || keyOf(style) === '') return nodes;
  const { classes, letters, ground } = lookOf(style);
  const span = element('span', { class: classes || undefined }, ...nodes);
  if (letters) span.style.color = letters;
  if (ground) span.style.backgroundColor = ground;
  return [span];
}

/** @param {string} text */
function withLinks(text) {
  /** @type {Node[]} */
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(AFTER_ADDRESS, '');
    if (!URL.canParse(address)) continue;
    nodes.push(document.createTextNode(text.slice(from, match.index)));
    nodes.push(linkTo(address, address));
    from = (match.index ?? 0) + address.length;
  }
  nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/**
 * A link to another site, which learns nothing of this one.
 * @param {string} address
 * @param {string} text
 * @returns {Node}
 */
function linkTo(address, text) {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) return document.createTextNode(text);
  const title = address === text ? undefined : address;
  return element('a', { href: address, title, rel: 'noopener noreferrer nofollow', target: '_blank' }, text);
}
