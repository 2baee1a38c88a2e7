// @ts-check
/** A row of the history, as the server renders it, and kept up to date. */

import { element, icon } from '../page/dom.js';
import { bytesText, durationText, timeText } from '../page/units.js';
import { pageOf } from '../run/actions.js';
import { exitText, isOver, parametersText, stateOf } from '../run/record.js';

/** @typedef {import('../run/record.js').RunRecord} RunRecord */

/**
 * The cells of a run, without the box to tick and the buttons.
 * @param {RunRecord} record
 * @param {boolean} withUser
 * @returns {HTMLTableCellElement[]}
 */
export function cellsOf(record, withUser) {
  const { word, icon: picture } = stateOf(record);
  const parameters = parametersText(record);
  const bytes = record.stdout_bytes + record.stderr_bytes;
  return [
    cell('col-state', element('span', { class: `state state-${record.state}` }, icon(picture), word)),
    cell(
      'col-script',
      element('a', { class: 'run-link', href: pageOf(record.id) }, record.label || record.script),
      parameters && ' ',
      parameters && element('span', { class: 'parameters', title: parameters }, parameters),
    ),
    ...(withUser ? [cell('col-user', record.user?.name ?? '')] : []),
    cell('col-time', timeOf(record)),
    cell('col-took number', tookText(record, record.duration_ms ?? 0)),
    cell('col-exit', exitText(record).replace('ended by ', '')),
    cell('col-size number', bytesText(bytes)),
  ];
}

/** @param {RunRecord} record */
function timeOf(record) {
  const time = new Date(record.created);
  return element('time', { datetime: record.created, title: time.toString() }, timeText(time));
}

/**
 * How long it takes, or where it waits.
 * @param {RunRecord} record
 * @param {number} milliseconds
 */
export function tookText(record, milliseconds) {
  if (record.state === 'queued') return record.queue_position == null ? '' : `place ${record.queue_position + 1}`;
  return record.started ? durationText(milliseconds) : '';
}

/**
 * @param {string} name
 * @param {import('../page/dom.js').Child[]} children
 */
export function cell(name, ...children) {
  return element('td', { role: 'cell', class: name }, ...children);
}

/** What of a record a row shows.
 * @param {RunRecord} record */
export function fingerprint(record) {
  const { state, started, queue_position: position, exit_code: code, stdout_bytes: out, stderr_bytes: err, can } = record;
  return JSON.stringify([state, started, position, code, out, err, can, isOver(record) && record.duration_ms]);
}
