// @ts-check
/** The page of a script. */

import { ScriptForm } from './form/form.js';
import { find, need } from './page/dom.js';
import { Problem } from './page/http.js';
import { showSessionEnded } from './page/session.js';
import { prepareShell } from './page/shell.js';
import { fitHeight } from './run/fit.js';
import { showLastRun } from './run/last.js';
import { Runs } from './run/runs.js';
import { roomIn } from './run/screen.js';
import { newKey, startRun } from './run/start.js';

prepareShell();

const region = need('[data-output]');
/** @type {HTMLFormElement} */
const element = need('[data-form]');
const { script = '', terminal } = element.dataset;
const runs = new Runs(region, script);
fitHeight(region);
const form = new ScriptForm(element, (members) => void start(members, newKey()));
void restore();

async function restore() {
  await runs.restore();
  const place = find('[data-last-run]');
  if (place && runs.list.length === 0) await showLastRun(place, script, (id) => void runs.open(id));
}

/**
 * @param {string} members
 * @param {string} key
 */
async function start(members, key) {
  showOutput();
  try {
    const size = terminal === undefined ? null : roomIn(region);
    runs.add(await startRun(script, members, key, size));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === 'session') {
      form.draft.save();
      await showSessionEnded();
    } else if (problem.kind === 'values') {
      form.showServerErrors(problem.fields);
    } else {
      // The same key: if the first request did arrive, its run is shown.
      form.showProblem(problem, () => void start(members, key));
    }
  }
}

/** Where form and output do not fit side by side, the output comes into view. */
function showOutput() {
  if (matchMedia('(min-width: 64em)').matches) return;
  region.focus({ preventScroll: true });
  region.scrollIntoView({ block: 'start' });
}
