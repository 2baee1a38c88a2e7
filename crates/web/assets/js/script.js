// @ts-check
/** The page of a script. */

import { ScriptForm } from './form/form.js';
import { need } from './page/dom.js';
import { Problem } from './page/http.js';
import { showSessionEnded } from './page/session.js';
import { prepareShell } from './page/shell.js';
import { Runs } from './run/runs.js';

prepareShell();

const region = need('[data-output]');
const runs = new Runs(region);
/** @type {HTMLFormElement} */
const element = need('[data-form]');
const form = new ScriptForm(element, (members) => void start(members));

/** @param {string} members */
async function start(members) {
  showOutput();
  const { script = '', outputType = 'text/plain' } = element.dataset;
  try {
    await runs.start(script, outputType, members);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.kind === 'session') {
      form.draft.save();
      await showSessionEnded();
    } else if (problem.kind === 'values') {
      form.showServerErrors(problem.fields);
    } else {
      form.showProblem(problem, () => void start(members));
    }
  }
}

/** Where form and output do not fit side by side, the output comes into view. */
function showOutput() {
  if (matchMedia('(min-width: 64em)').matches) return;
  region.focus({ preventScroll: true });
  region.scrollIntoView({ block: 'start' });
}
