// @ts-check
/** A button of a toolbar that opens a small panel beside it. */

import { element, icon } from '../page/dom.js';

const GAP = 4;
const MARGIN = 8;
let count = 0;

/**
 * @param {string} picture
 * @param {string} name
 * @param {() => Node[]} content asked for each time the panel opens
 * @returns {{ button: HTMLButtonElement, panel: HTMLElement }}
 */
export function menuButton(picture, name, content) {
  count += 1;
  const id = `tool-menu-${count}`;
  const panel = element('div', { class: 'tool-menu', id, popover: 'auto', role: 'group', 'aria-label': name });
  const attributes = { class: 'icon-button', type: 'button', 'aria-label': name, title: name, popovertarget: id };
  const button = element('button', attributes, icon(picture));
  const close = () => panel.hidePopover();
  panel.addEventListener('beforetoggle', (event) => {
    const isOpening = /** @type {ToggleEvent} */ (event).newState === 'open';
    if (isOpening) panel.replaceChildren(...content());
  });
  panel.addEventListener('toggle', (event) => {
    const isOpen = /** @type {ToggleEvent} */ (event).newState === 'open';
    const listen = isOpen ? addEventListener : removeEventListener;
    listen('resize', close);
    listen('scroll', close);
    if (isOpen) place(panel, button);
  });
  return { button, panel };
}

/**
 * @param {HTMLElement} panel
 * @param {HTMLElement} button
 */
function place(panel, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = panel.getBoundingClientRect();
  const left = Math.min(at.right - width, innerWidth - width - MARGIN);
  const isBelow = at.bottom + GAP + height < innerHeight || at.top < height;
  panel.style.left = `${Math.max(MARGIN, left)}px`;
  panel.style.top = `${isBelow ? at.bottom + GAP : at.top - GAP - height}px`;
}
