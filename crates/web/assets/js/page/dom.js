// @ts-check
/** Elements are built with methods of the document, never from markup. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @typedef {string | Node | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | undefined | ((event: any) => void)>} Attributes
 */

/**
 * Builds an element. A function is a listener for the event of that name, `true` an attribute
 * without value; `false` and `undefined` leave the attribute out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, '');
    else if (value !== false && value !== undefined) made.setAttribute(name, String(value));
  }
  for (const child of children) if (child) made.append(child);
  return made;
}

/**
 * A picture of the sprite, for the eye only.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${document.documentElement.dataset.sprite}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button with a picture instead of a word.
 * @param {string} picture
 * @param {string} name
 * @param {(event: MouseEvent) => void} click
 * @returns {HTMLButtonElement}
 */
export function iconButton(picture, name, click) {
  const attributes = { class: 'icon-button', type: 'button', 'aria-label': name, title: name, click };
  return element('button', attributes, icon(picture));
}

/**
 * The first element that matches, which the page always has.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {T}
 */
export function need(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return /** @type {T} */ (found);
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {T | null}
 */
export function find(selector, within = document) {
  return /** @type {T | null} */ (within.querySelector(selector));
}

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {T[]}
 */
export function all(selector, within = document) {
  return /** @type {T[]} */ ([...within.querySelectorAll(selector)]);
}

/**
 * Whether keys typed now are text.
 * @param {EventTarget | null} target
 */
export function isEditing(target) {
  return target instanceof HTMLElement && target.closest('input, textarea, select, dialog') !== null;
}
