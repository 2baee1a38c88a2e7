// @ts-check
/** The history of runs: filters that act at once, rows that stay up to date. */

import { showActivity } from './history/activity.js';
import { RunTable } from './history/table.js';
import { find, need } from './page/dom.js';
import { prepareShell } from './page/shell.js';

const TYPING_PAUSE_MS = 500;

prepareShell();
prepareFilters();
new RunTable(need('[data-runs]'));
void showActivity(need('[data-activity]'));

/** What is chosen goes into the address; the server answers with the rows. */
function prepareFilters() {
  need('[data-search]').hidden = false;
  /** @type {[string, HTMLInputElement | HTMLSelectElement | null][]} */
  const controls = [
    ['script', find('[data-filter-script]')],
    ['user', find('[data-filter-user]')],
    ['q', find('[data-filter]')],
  ];
  let timer = 0;
  const go = () => {
    clearTimeout(timer);
    const address = new URL(location.href);
    address.searchParams.delete('cursor');
    for (const [name, control] of controls) {
      const value = control?.value.trim() ?? '';
      if (value) address.searchParams.set(name, value);
      else if (control) address.searchParams.delete(name);
    }
    if (address.search !== location.search) location.assign(address);
  };
  for (const [, control] of controls) {
    control?.addEventListener('change', go);
    if (!(control instanceof HTMLInputElement)) continue;
    control.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(go, TYPING_PAUSE_MS);
    });
    control.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') go();
    });
  }
  keepFocus();
}

const FOCUS_KEY = 'ws.runs-focus';

/** Typing goes on after the page with the result has come. */
function keepFocus() {
  addEventListener('pagehide', () => {
    const id = document.activeElement?.id ?? '';
    try {
      if (id.startsWith('filter')) sessionStorage.setItem(FOCUS_KEY, id);
    } catch {
      // Without storage the focus is lost.
    }
  });
  try {
    const id = sessionStorage.getItem(FOCUS_KEY);
    sessionStorage.removeItem(FOCUS_KEY);
    const control = id ? document.getElementById(id) : null;
    control?.focus();
    if (control instanceof HTMLInputElement) control.setSelectionRange(control.value.length, control.value.length);
  } catch {
    // As above.
  }
}
