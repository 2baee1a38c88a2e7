// @ts-check
/** JSON as a tree to open and close. */

import { element } from '../page/dom.js';

/** Parts of a node that are built at once. */
const STEP = 200;

/** A number whose digits a browser cannot hold. */
class Digits {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }
}

/**
 * The tree of a text, or `null` when it is not JSON.
 * @param {string} text
 * @param {string} label
 */
export function jsonTree(text, label) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(text, exact);
  } catch {
    return null;
  }
  return element('div', { class: 'tree', tabindex: 0, role: 'region', 'aria-label': label }, node(null, value, 0));
}

/**
 * Keeps the digits of numbers, where the browser tells them.
 * @this {any}
 * @param {string} _key
 * @param {any} value
 * @param {{ source?: string }} [context]
 */
function exact(_key, value, context) {
  const source = context?.source;
  return typeof value === 'number' && source && String(value) !== source ? new Digits(source) : value;
}

/**
 * @param {string | null} key
 * @param {unknown} value
 * @param {number} depth
 * @returns {HTMLElement}
 */
function node(key, value, depth) {
  const name = key === null ? [] : [element('span', { class: 'key' }, key), ': '];
  if (value === null || typeof value !== 'object' || value instanceof Digits) {
    return element('div', {}, ...name, leaf(value));
  }
  const isList = Array.isArray(value);
  const entries = isList
    ? value.map((each, index) => /** @type {[string, unknown]} */ ([String(index), each]))
    : Object.entries(value);
  if (entries.length === 0) return element('div', {}, ...name, isList ? '[]' : '{}');
  const size = `${isList ? '[' : '{'}${entries.length}${isList ? ']' : '}'}`;
  const list = element('ul');
  const details = element(
    'details',
    {},
    element('summary', {}, ...name, element('span', { class: 'size' }, size)),
    list,
  );
  const fill = () => {
    if (list.childElementCount === 0) append(list, entries, 0, depth + 1);
  };
  details.addEventListener('toggle', fill);
  if (depth < 2) {
    details.open = true;
    fill();
  }
  return details;
}

/**
 * @param {HTMLElement} list
 * @param {[string, unknown][]} entries
 * @param {number} from
 * @param {number} depth
 */
function append(list, entries, from, depth) {
  const part = entries.slice(from, from + STEP);
  list.append(...part.map(([key, value]) => element('li', {}, node(key, value, depth))));
  const rest = entries.length - from - STEP;
  if (rest <= 0) return;
  const more = element(
    'button',
    {
      class: 'cell-more',
      type: 'button',
      click: () => {
        row.remove();
        append(list, entries, from + STEP, depth);
      },
    },
    `${rest} more`,
  );
  const row = element('li', {}, more);
  list.append(row);
}

/** @param {unknown} value */
function leaf(value) {
  if (typeof value === 'string') return element('span', { class: 'text' }, JSON.stringify(value));
  if (value instanceof Digits) return element('span', { class: 'num' }, value.text);
  return element('span', { class: typeof value === 'number' ? 'num' : 'word' }, String(value));
}
