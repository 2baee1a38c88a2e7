// @ts-check
/** Short messages that go away by themselves; never the only sign of an error. */

import { element } from './dom.js';

const SHOWN_MS = 5000;
const MOST = 3;

/** @type {HTMLElement | null} */
let box = null;

/** Makes the room for messages, so that assistive technology knows it before the first one. */
export function prepareToasts() {
  box = element('div', { class: 'toasts', role: 'status', 'data-testid': 'toast' });
  document.body.append(box);
}

/** @param {string} text */
export function toast(text) {
  if (!box) prepareToasts();
  const message = element('p', { class: 'toast' }, text);
  box?.append(message);
  while (box && box.childElementCount > MOST) box.firstElementChild?.remove();
  let timer = setTimeout(() => message.remove(), SHOWN_MS);
  message.addEventListener('pointerenter', () => clearTimeout(timer));
  message.addEventListener('pointerleave', () => {
    timer = setTimeout(() => message.remove(), SHOWN_MS);
  });
}
