// @ts-check
/** Pages that are only read: errors, documentation, about. */

import { all } from './page/dom.js';
import { prepareShell } from './page/shell.js';

prepareShell();
for (const button of all('[data-back]')) {
  button.hidden = history.length < 2;
  button.addEventListener('click', () => history.back());
}
