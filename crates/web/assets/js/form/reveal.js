// @ts-check
/** A button in password fields that shows what was typed. */

import { all, icon, iconButton } from '../page/dom.js';

/** @param {ParentNode} form */
export function prepareReveal(form) {
  for (const box of all('.with-button', form)) {
    const input = box.querySelector('input');
    if (!input) continue;
    const label = box.closest('[data-field]')?.getAttribute('data-label')?.toLowerCase() ?? '';
    const button = iconButton('eye', `Show ${label}`, () => {
      const isShown = input.type === 'password';
      input.type = isShown ? 'text' : 'password';
      const name = `${isShown ? 'Hide' : 'Show'} ${label}`;
      button.setAttribute('aria-label', name);
      button.title = name;
      button.replaceChildren(icon(isShown ? 'eye-off' : 'eye'));
    });
    box.append(button);
  }
}
