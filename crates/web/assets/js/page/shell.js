// @ts-check
/** What every page does. */

import { find, isEditing } from './dom.js';
import { prepareSession } from './session.js';
import { prepareTheme } from './theme.js';
import { prepareToasts } from './toast.js';

export function prepareShell() {
  prepareToasts();
  prepareTheme();
  prepareSession();
  document.addEventListener('keydown', (event) => {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const filter = find('[data-filter]');
    if (event.key === '/' && isPlain && filter && !isEditing(event.target)) {
      event.preventDefault();
      filter.focus();
    }
  });
}
