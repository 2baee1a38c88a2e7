// @ts-check
/** The choice between dark and light, kept in a cookie so that the server paints it at once. */

import { all } from './dom.js';
import { rootPath } from './site.js';

const YEAR_S = 31_536_000;

export function prepareTheme() {
  for (const radio of /** @type {HTMLInputElement[]} */ (all('[data-theme-choice] input'))) {
    // Browsers restore what was chosen before a reload; the page knows better.
    radio.checked = radio.value === document.documentElement.dataset.theme;
    radio.addEventListener('change', () => choose(radio.value));
  }
}

/** @param {string} theme */
function choose(theme) {
  document.documentElement.dataset.theme = theme;
  const scheme = theme === 'system' ? 'light dark' : theme;
  document.querySelector('meta[name="color-scheme"]')?.setAttribute('content', scheme);
  const age = theme === 'system' ? 0 : YEAR_S;
  document.cookie = `ws_ui=${theme}; Path=${rootPath}; Max-Age=${age}; SameSite=Lax`;
}
