// @ts-check
/** The panel of a run: its state, its outputs, its buttons. */

import { element, icon } from '../page/dom.js';
import { Problem } from '../page/http.js';
import { clockText, durationText, timeText } from '../page/units.js';
import { actionsOf } from './actions.js';
import { showFiles } from './files.js';
import { InputLine } from './input.js';
import { Output } from './output.js';
import { Progress } from './progress.js';
import { exitMeaning, exitText, stateOf } from './record.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./actions.js').Place} Place */

const TICK_MS = 100;
/** From here on the rest of the time limit is told. */
const LIMIT_TOLD_AT = 0.5;

export class RunView {
  /**
   * @param {Run} run
   * @param {Place} place
   */
  constructor(run, place) {
    this.run = run;
    this.place = place;
    this.pill = element('p', { class: 'pill' });
    this.facts = element('p', { class: 'run-facts' });
    this.actions = element('div', { class: 'run-actions' });
    this.notes = element('div', {});
    this.time = element('span');
    this.rest = element('span', { hidden: true });
    this.output = new Output(run);
    this.files = element('div', {});
    const progressBox = element('div', { class: 'run-progress', hidden: true });
    this.progress = new Progress(progressBox, run);
    this.panel = element(
      'div',
      { class: 'run', id: 'run-panel', 'data-run-panel': true, 'data-testid': `run-${run.number}`, 'data-run-id': run.id },
      element('div', { class: 'run-head' }, this.pill, this.facts, this.actions),
      progressBox,
      this.notes,
      this.output.box,
      new InputLine(run).root,
      this.files,
    );
    this.shown = '';
    this.timer = setInterval(() => this.tick(), TICK_MS);
    run.addEventListener('state', () => this.update());
    run.addEventListener('end', () => void this.finish());
    this.update();
  }

  tick() {
    const { run } = this;
    this.time.textContent = durationText(run.duration);
    this.progress.update();
    const { timeout_s: limit, state } = run.record;
    const isClose = state === 'running' && limit != null && run.duration > limit * 1000 * LIMIT_TOLD_AT;
    this.rest.hidden = !isClose;
    if (isClose) this.rest.textContent = `stops in ${Math.max(0, Math.ceil(limit - run.duration / 1000))} s`;
  }

  update() {
    const { run } = this;
    const { record } = run;
    this.tick();
    const now = JSON.stringify([
      record.state, record.started, record.queue_position, record.reason, record.can, record.exit_code, record.output_expired,
      run.isStopping, run.mayKill, run.note, run.connection, run.isComplete,
      record.stdout_bytes > 0, record.stderr_bytes > 0,
    ]);
    if (now === this.shown) return;
    this.shown = now;
    const { word, icon: picture } = stateOf(record);
    this.panel.dataset.state = record.state;
    this.pill.className = `pill state-${record.state}`;
    this.pill.replaceChildren(icon(picture), element('span', {}, word));
    this.facts.replaceChildren(...this.factsOf());
    this.actions.replaceChildren(...actionsOf(run, this.place));
    this.notes.replaceChildren(...this.notesOf());
  }

  factsOf() {
    const { record } = this.run;
    const facts = [];
    const exit = exitText(record);
    if (exit) facts.push(element('span', { title: exitMeaning(record) }, exit));
    if (record.state === 'queued' && record.queue_position != null) facts.push(element('span', {}, `place ${record.queue_position + 1} in the queue`));
    if (record.started) facts.push(this.time, this.rest);
    const from = record.started ?? record.created;
    const time = new Date(from);
    const text = this.place.isOwnPage ? timeText(time) : clockText(time);
    facts.push(element('time', { datetime: from, title: time.toString() }, text));
    return facts;
  }

  notesOf() {
    const { note, connection, requestId, isOver, record } = this.run;
    const notes = [];
    if (record.reason && isOver) notes.push(noteOf(sentence(record.reason), record.state === 'failed' ? 'danger' : 'warning'));
    if (record.output_expired) notes.push(noteOf('The output was removed to make room. What is known of the run stays.', 'info'));
    if (note) notes.push(noteOf(note, 'danger'));
    if (connection) notes.push(noteOf(connection, 'warning', requestId));
    return notes;
  }

  async finish() {
    clearInterval(this.timer);
    this.tick();
    const { run } = this;
    const { record } = run;
    try {
      await this.output.finish();
      if (record.started) await showFiles(this.files, run);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      run.say(problem.message);
    }
  }

  /** Ends what the view keeps going. */
  dispose() {
    clearInterval(this.timer);
    this.output.dispose();
    for (const image of this.files.querySelectorAll('img')) URL.revokeObjectURL(image.src);
  }
}

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/**
 * @param {string} text
 * @param {'info' | 'warning' | 'danger'} kind
 * @param {string} [requestId]
 */
function noteOf(text, kind, requestId = '') {
  const small = requestId !== '' && element('small', {}, ` Request ${requestId}`);
  const picture = kind === 'info' ? 'info' : 'warning';
  return element('div', { class: `note note-${kind}`, role: 'status' }, icon(picture), element('span', {}, text, small));
}
