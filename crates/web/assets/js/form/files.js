// @ts-check
/** Files: chosen or dropped, their size shown, sent in Base64. */

import { all, element, need } from '../page/dom.js';

/** @param {HTMLFormElement} form */
export function prepareFiles(form) {
  for (const box of all('[data-drop]', form)) {
    /** @type {HTMLInputElement} */
    const input = need('input', box);
    input.addEventListener('change', () => showState(box, input));
    form.addEventListener('reset', () => setTimeout(() => showState(box, input)));
    box.addEventListener('dragover', (event) => {
      event.preventDefault();
      box.dataset.over = '';
    });
    box.addEventListener('dragleave', () => delete box.dataset.over);
    box.addEventListener('drop', (event) => {
      event.preventDefault();
      delete box.dataset.over;
      const files = event.dataTransfer?.files;
      if (!files || files.length === 0) return;
      input.files = input.multiple ? files : only(files);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      showState(box, input);
    });
    showState(box, input);
  }
}

/** The first file of several.
 * @param {FileList} files */
function only(files) {
  const transfer = new DataTransfer();
  if (files[0]) transfer.items.add(files[0]);
  return transfer.files;
}

/**
 * @param {HTMLElement} box
 * @param {HTMLInputElement} input
 */
function showState(box, input) {
  const files = [...(input.files ?? [])];
  const place = need('[data-file-state]', box);
  if (files.length === 0) {
    place.replaceChildren(matchMedia('(pointer: coarse)').matches ? '' : 'Or drop it here.');
    return;
  }
  const names = files.map((file) => `${file.name}, ${sizeText(file.size)}`).join('; ');
  const remove = element(
    'button',
    {
      class: 'button button-small',
      type: 'button',
      click: () => {
        input.value = '';
        input.dispatchEvent(new Event('input', { bubbles: true }));
        showState(box, input);
        input.focus();
      },
    },
    'Remove',
  );
  place.replaceChildren(element('span', {}, names), remove);
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const units = ['bytes', 'kB', 'MB', 'GB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}

/**
 * The bytes of a file in Base64, as the interface wants them.
 * @param {File} file
 * @returns {Promise<string>}
 */
export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('error', () => reject(new Error(`${file.name} cannot be read.`)));
    reader.addEventListener('load', () => {
      const address = String(reader.result);
      resolve(address.slice(address.indexOf(',') + 1));
    });
    reader.readAsDataURL(file);
  });
}
