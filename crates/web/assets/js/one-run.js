// @ts-check
/** The page of one run. */

import { all, need } from './page/dom.js';
import { get, Problem } from './page/http.js';
import { showSessionEnded } from './page/session.js';
import { prepareShell } from './page/shell.js';
import { at } from './page/site.js';
import { toast } from './page/toast.js';
import { bytesText, durationText, timeText } from './page/units.js';
import { pageOf } from './run/actions.js';
import { announce } from './run/announce.js';
import { fitHeight } from './run/fit.js';
import { Follower } from './run/follow.js';
import { Run } from './run/run.js';
import { RunView } from './run/view.js';

prepareShell();

const region = need('[data-output]');
const title = document.title;
fitHeight(region);

for (const time of /** @type {HTMLTimeElement[]} */ (all('[data-time]'))) {
  const date = new Date(time.dateTime);
  time.title = date.toString();
  time.textContent = timeText(date);
}
void open();

async function open() {
  try {
    show(new Run(await get(`api/runs/${encodeURIComponent(region.dataset.run ?? '')}`), 1));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === 'session') await showSessionEnded();
    else toast(problem.message);
  }
}

/** @param {Run} run */
function show(run) {
  const view = new RunView(run, {
    isOwnPage: true,
    again: ({ id }) => location.assign(pageOf(id)),
    deleted: () => location.assign(at('web/runs/')),
  });
  need('[data-run-panel]', region).replaceWith(view.panel);
  run.addEventListener('state', () => showAbout(run));
  run.addEventListener('end', () => showAbout(run));
  run.addEventListener('session', () => void showSessionEnded());
  announce(need('[data-run-status]', region), run, 'Run');
  new Follower(run);
}

/** What the side of the page tells.
 * @param {Run} run */
function showAbout(run) {
  const { record } = run;
  document.title = run.isOver ? title : `${record.state === 'queued' ? 'Queued' : 'Running'}: ${title}`;
  fact('size', bytesText(record.stdout_bytes + record.stderr_bytes));
  if (record.cpu_ms != null) fact('cpu', durationText(record.cpu_ms));
  if (record.peak_memory_bytes != null) fact('memory', bytesText(record.peak_memory_bytes));
}

/**
 * @param {string} name
 * @param {string} text
 */
function fact(name, text) {
  need(`[data-fact="${name}"]`).textContent = text;
  const row = document.querySelector(`[data-fact-row="${name}"]`);
  if (row instanceof HTMLElement) row.hidden = false;
}
