// @ts-check
/** The buttons of a run. */

import { copy } from '../page/clipboard.js';
import { confirm } from '../page/dialog.js';
import { element, icon } from '../page/dom.js';
import { Problem } from '../page/http.js';
import { at } from '../page/site.js';
import { toast } from '../page/toast.js';

/** @typedef {import('./run.js').Run} Run */
/**
 * @typedef {{
 *   isOwnPage: boolean,
 *   again: (record: import('./record.js').RunRecord) => void,
 *   deleted: () => void,
 * }} Place where the run is shown, and what happens there
 */

/**
 * What may be done with a run now.
 * @param {Run} run
 * @param {Place} place
 * @returns {HTMLElement[]}
 */
export function actionsOf(run, place) {
  return run.isOver ? actionsAfter(run, place) : actionsWhile(run, place);
}

/** The address of the page of a run.
 * @param {string} id */
export function pageOf(id) {
  return at(`web/runs/${encodeURIComponent(id)}`);
}

/**
 * @param {Run} run
 * @param {Place} place
 */
function actionsWhile(run, place) {
  const actions = place.isOwnPage ? [] : [openLink(run)];
  if (!run.record.can.stop) return actions;
  if (run.mayKill) {
    const kill = button('stop', 'Kill', () => void run.kill(), 'kill');
    kill.classList.add('button-danger');
    return [...actions, element('span', { role: 'status' }, 'It does not end.'), kill];
  }
  if (run.isStopping) return [...actions, element('span', { role: 'status' }, 'Stopping…')];
  return [...actions, button('stop', 'Stop', () => void run.stop(), 'stop')];
}

/**
 * @param {Run} run
 * @param {Place} place
 */
function actionsAfter(run, place) {
  const { record } = run;
  const actions = [];
  if (record.can.again) actions.push(button('again', 'Run again', (event) => void again(run, place, event), 'again'));
  if (place.isOwnPage) actions.push(button('link', 'Copy link', () => void copy(pageOf(run.id), 'Link')));
  else actions.push(openLink(run));
  if (place.isOwnPage && record.can.delete) {
    actions.push(button('trash', 'Delete', () => void remove(run, place), 'delete'));
  }
  return actions;
}

/**
 * @param {string} picture
 * @param {string} word
 * @param {(event: Event) => void} click
 * @param {string} [testId]
 */
function button(picture, word, click, testId) {
  const attributes = { class: 'button button-small', type: 'button', 'data-testid': testId, click };
  return element('button', attributes, icon(picture), word);
}

/** @param {Run} run */
function openLink(run) {
  const attributes = { class: 'button button-small', href: pageOf(run.id), title: 'The page of this run' };
  return element('a', attributes, icon('external'), 'Open');
}

/**
 * @param {Run} run
 * @param {Place} place
 * @param {Event} event
 */
async function again(run, place, event) {
  const pressed = event.currentTarget;
  if (pressed instanceof HTMLButtonElement) pressed.disabled = true;
  try {
    place.again(await run.again());
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    run.say(`It was not run again. ${problem.message}`);
  } finally {
    if (pressed instanceof HTMLButtonElement) pressed.disabled = false;
  }
}

/**
 * @param {Run} run
 * @param {Place} place
 */
async function remove(run, place) {
  const isSure = await confirm({
    title: 'Delete this run?',
    text: 'Its output and its files are removed. This cannot be undone.',
    action: 'Delete',
    danger: true,
  });
  if (!isSure) return;
  try {
    await run.remove();
  } catch (problem) {
    toast(`It was not deleted. ${problem instanceof Error ? problem.message : ''}`);
    return;
  }
  place.deleted();
}
