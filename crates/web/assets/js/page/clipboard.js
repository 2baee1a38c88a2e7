// @ts-check
/** Copying text, and saying honestly whether it worked. */

import { element } from './dom.js';
import { openDialog } from './dialog.js';
import { toast } from './toast.js';

/**
 * @param {string} text
 * @param {string} what a word for the text, such as `Output`
 */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    await showForCopying(text, what);
  }
}

/**
 * Where the browser refuses, the reader copies by hand.
 * @param {string} text
 * @param {string} what
 */
async function showForCopying(text, what) {
  const area = element('textarea', {
    class: 'input area',
    rows: 6,
    readonly: true,
    autofocus: true,
    'aria-label': what,
    focus: () => area.select(),
  });
  area.value = text;
  await openDialog('Copy by hand', (close) => [
    element('p', {}, 'The browser does not let this page copy. The text is selected: press Ctrl+C.'),
    area,
    element(
      'div',
      { class: 'actions' },
      element('button', { class: 'button', type: 'button', click: () => close('') }, 'Close'),
    ),
  ]);
}

/**
 * Offers text as a file.
 * @param {string} name
 * @param {string[]} parts
 * @param {string} type
 */
export function download(name, parts, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = element('a', { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
