// @ts-check
/** The last run of a script, told before there is one on the page. */

import { element } from '../page/dom.js';
import { get, Problem } from '../page/http.js';
import { agoText } from '../page/units.js';
import { stateOf } from './record.js';

/**
 * @param {HTMLElement} place
 * @param {string} script
 * @param {(id: string) => void} open
 */
export async function showLastRun(place, script, open) {
  /** @type {import('./record.js').RunRecord[]} */
  let runs = [];
  try {
    runs = (await get(`api/runs/?script=${encodeURIComponent(script)}&mine=true&limit=1`)).runs ?? [];
  } catch (problem) {
    // It is a hint: whatever is wrong will be told by what the reader does next.
    if (!(problem instanceof Problem)) throw problem;
  }
  const [last] = runs;
  if (!last) return;
  const link = element('button', { class: 'link-button', type: 'button', click: () => open(last.id) }, 'show');
  const when = agoText(new Date(last.started ?? last.created));
  place.replaceChildren(`Last run ${when}: ${stateOf(last).word.toLowerCase()} · `, link);
}
