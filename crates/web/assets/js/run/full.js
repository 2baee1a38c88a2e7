// @ts-check
/** One region of the page fills the window; everything else waits behind it. */

import { find } from '../page/dom.js';

/** What stays usable although it stands beside the region. */
const KEPT = '.toasts, [role="status"], dialog, [popover]';

/** @type {{ region: HTMLElement, waiting: HTMLElement[] } | null} */
let full = null;

export const fullEvents = new EventTarget();

export function isFull() {
  return full !== null;
}

/** @param {HTMLElement} region */
export function toggleFull(region) {
  if (full) leaveFull();
  else enter(region);
}

export function leaveFull() {
  if (!full) return;
  full.region.classList.remove('full');
  for (const each of full.waiting) each.inert = false;
  full = null;
  document.removeEventListener('keydown', onKey);
  fullEvents.dispatchEvent(new Event('change'));
}

/** @param {HTMLElement} region */
function enter(region) {
  /** @type {HTMLElement[]} */
  const waiting = [];
  for (let inner = region; inner !== document.body && inner.parentElement; inner = inner.parentElement) {
    for (const each of inner.parentElement.children) {
      if (each === inner || !(each instanceof HTMLElement) || each.inert || each.matches(KEPT)) continue;
      each.inert = true;
      waiting.push(each);
    }
  }
  region.classList.add('full');
  full = { region, waiting };
  document.addEventListener('keydown', onKey);
  fullEvents.dispatchEvent(new Event('change'));
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.key !== 'Escape' || event.defaultPrevented || find('dialog[open], [popover]:popover-open')) return;
  event.preventDefault();
  leaveFull();
}
