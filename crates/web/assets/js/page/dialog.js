// @ts-check
/** Questions and messages that need an answer before anything else. */

import { element } from './dom.js';

/**
 * Opens a dialog; the promise ends with what `close` was given, or `null` when it was dismissed.
 * @param {string} title
 * @param {(close: (value: string) => void) => Node[]} content
 * @returns {Promise<string | null>}
 */
export function openDialog(title, content) {
  const before = document.activeElement;
  return new Promise((resolve) => {
    const dialog = element('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' });
    dialog.append(
      element('h2', { id: 'dialog-title' }, title),
      ...content((value) => dialog.close(value)),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (before instanceof HTMLElement) before.focus();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Asks before something happens. With `word`, that word must be typed.
 * @param {{ title: string, text: string, action: string, danger?: boolean, word?: string }} question
 * @returns {Promise<boolean>}
 */
export async function confirm({ title, text, action, danger = false, word = '' }) {
  const answer = await openDialog(title, (close) => {
    const accept = element(
      'button',
      {
        class: `button ${danger ? 'button-danger' : 'button-primary'}`,
        type: 'button',
        click: () => isTyped() && close('yes'),
      },
      action,
    );
    const cancel = element(
      'button',
      { class: 'button', type: 'button', autofocus: word === '', click: () => close('') },
      'Cancel',
    );
    const input = element('input', {
      class: 'input',
      id: 'dialog-word',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      autofocus: true,
      input: () => update(),
      keydown: (event) => {
        if (event.key === 'Enter' && isTyped()) close('yes');
      },
    });
    const isTyped = () => word === '' || input.value.trim() === word;
    const update = () => {
      accept.disabled = !isTyped();
    };
    update();
    const ask = element(
      'div',
      { class: 'field' },
      element('label', { class: 'label', for: 'dialog-word' }, 'Type the name of the script: ', element('code', {}, word)),
      input,
    );
    return [
      ...(text ? [element('p', {}, text)] : []),
      ...(word ? [ask] : []),
      element('div', { class: 'actions' }, cancel, accept),
    ];
  });
  return answer === 'yes';
}
