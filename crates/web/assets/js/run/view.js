// @ts-check
/** The panel of a run: its state, its outputs, its buttons. */

import { all, element, icon, need } from '../page/dom.js';
import { clockText, durationText } from './duration.js';
import { WORDS } from './run.js';
import { Stream } from './stream.js';

/** @typedef {import('./run.js').Run} Run */

const TICK_MS = 100;

/** @type {Record<string, string>} */
export const ICONS = {
  running: 'running',
  succeeded: 'check-circle',
  failed: 'cross-circle',
  'timed-out': 'clock',
  stopped: 'stopped',
  'not-started': 'cross-circle',
  lost: 'lost',
};

export class RunView {
  /**
   * @param {HTMLElement} panel
   * @param {Run} run
   */
  constructor(panel, run) {
    this.panel = panel;
    this.run = run;
    this.pill = need('[data-pill]', panel);
    this.facts = need('[data-facts]', panel);
    this.actions = need('[data-run-actions]', panel);
    this.noteBox = need('[data-run-note]', panel);
    this.progressBox = need('[data-progress]', panel);
    this.time = element('span');
    const progress = (/** @type {number | null} */ percent) => this.showProgress(percent);
    this.streams = [
      new Stream(panel, run, 'stdout', progress),
      new Stream(panel, run, 'stderr', () => {}),
    ];
    panel.hidden = false;
    panel.dataset.state = run.state;
    panel.dataset.testid = `run-${run.number}`;
    this.shown = '';
    this.timer = setInterval(() => this.tick(), TICK_MS);
    run.addEventListener('state', () => this.update());
    run.addEventListener('end', () => void this.finish());
    this.update();
  }

  tick() {
    this.time.textContent = durationText(this.run.duration);
  }

  update() {
    const { run } = this;
    this.tick();
    const now = JSON.stringify([run.state, run.isStopping, run.note, run.key !== '']);
    if (now === this.shown) return;
    this.shown = now;
    this.panel.dataset.state = run.state;
    this.pill.className = `pill state-${run.state}`;
    this.pill.replaceChildren(icon(ICONS[run.state] ?? 'lost'), element('span', {}, WORDS[run.state]));
    this.facts.replaceChildren(...this.factsOf());
    this.actions.replaceChildren(...this.actionsOf());
    this.noteBox.replaceChildren(...this.noteOf());
  }

  factsOf() {
    const { run } = this;
    const facts = [];
    if (run.code !== null) facts.push(element('span', {}, codeText(run.code)));
    if (run.state !== 'not-started') facts.push(this.time);
    const started = run.startedAt;
    facts.push(element('time', { datetime: started.toISOString(), title: started.toString() }, clockText(started)));
    return facts;
  }

  actionsOf() {
    const { run } = this;
    if (!run.isRunning || !run.key) return [];
    if (run.isStopping) return [element('span', { role: 'status' }, 'Stopping…')];
    const stop = { class: 'button button-small', type: 'button', 'data-testid': 'stop', click: () => void run.stop() };
    return [element('button', stop, icon('stop'), 'Stop')];
  }

  noteOf() {
    const { note, requestId, isRunning } = this.run;
    if (!note) return [];
    const small = requestId && element('small', {}, ` Request ${requestId}`);
    const kind = isRunning ? 'note-warning' : 'note-danger';
    return [element('div', { class: `note ${kind}`, role: 'status' }, icon('warning'), element('span', {}, note, small))];
  }

  /** @param {number | null} percent */
  showProgress(percent) {
    this.progressBox.hidden = percent === null || !this.run.isRunning;
    if (percent === null) return;
    const bar = {
      class: 'meter',
      role: 'progressbar',
      'aria-label': 'Progress',
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-valuenow': percent,
    };
    const meter = this.progressBox.querySelector('.meter') ?? element('div', bar, element('div', { class: 'meter-fill' }));
    meter.setAttribute('aria-valuenow', String(percent));
    /** @type {HTMLElement} */ (meter.firstElementChild).style.width = `${percent}%`;
    if (!meter.isConnected) this.progressBox.append(meter);
  }

  async finish() {
    clearInterval(this.timer);
    this.tick();
    this.progressBox.hidden = true;
    const { run } = this;
    for (const stream of this.streams) await stream.finish();
    if (run.text('stdout') === '' && run.text('stderr') === '' && !['lost', 'not-started'].includes(run.state)) {
      const body = need('[data-stream="stdout"]', this.panel);
      body.replaceChildren(element('p', { class: 'silent' }, 'The script finished without output.'));
      need('[data-stream-bar]', this.panel).hidden = true;
      need('[data-stream-box="stdout"]', this.panel).hidden = false;
    }
  }

  /** Ends what the view keeps going. */
  dispose() {
    clearInterval(this.timer);
    for (const image of /** @type {HTMLImageElement[]} */ (all('img', this.panel))) {
      if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
    }
  }
}

/** @param {number} code */
function codeText(code) {
  return code < 0 ? `ended by signal ${-code}` : `exit ${code}`;
}
