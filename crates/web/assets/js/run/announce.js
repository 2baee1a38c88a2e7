// @ts-check
/** What happens to a run, said to assistive technology: seldom, and in few words. */

import { counted, durationText } from '../page/units.js';
import { exitText, stateOf } from './record.js';

/** @typedef {import('./run.js').Run} Run */

/** Output is told no more often than this. */
const PAUSE_MS = 15_000;

/**
 * @param {HTMLElement} status a live region
 * @param {Run} run
 * @param {string} name of the run, such as `Run 1`
 */
export function announce(status, run, name) {
  let word = '';
  let lines = 0;
  let timer = 0;
  const say = (/** @type {string} */ text) => {
    if (status.isConnected) status.textContent = `${name}: ${text}`;
  };
  const sayState = () => {
    const now = stateOf(run.record).word.toLowerCase();
    if (now === word || (run.isOver && !run.isComplete)) return;
    word = now;
    const exit = exitText(run.record);
    const took = run.isOver && run.record.started ? ` after ${durationText(run.duration)}` : '';
    say(`${now}${exit ? `, ${exit}` : ''}${took}`);
    if (run.isOver) clearTimeout(timer);
  };
  const sayLines = () => {
    timer = 0;
    say(counted(lines, 'new line'));
    lines = 0;
  };
  run.addEventListener('state', sayState);
  run.addEventListener('end', sayState);
  run.addEventListener('output', (event) => {
    lines += /** @type {CustomEvent} */ (event).detail.text.split('\n').length - 1;
    if (timer === 0 && !run.isOver) timer = setTimeout(sayLines, PAUSE_MS);
  });
  sayState();
}
