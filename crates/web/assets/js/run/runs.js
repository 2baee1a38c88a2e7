// @ts-check
/** The runs that were started on this page: one is shown, tabs lead to the others. */

import { element, icon, need } from '../page/dom.js';
import { Problem } from '../page/http.js';
import { showSessionEnded } from '../page/session.js';
import { durationText } from './duration.js';
import { Run, WORDS } from './run.js';
import { ICONS, RunView } from './view.js';

/** Older runs are dropped from the page. */
const MOST_RUNS = 12;

/** @typedef {{ run: Run, view: RunView, tab: HTMLButtonElement }} Shown */

export class Runs {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    this.tabs = need('[data-tabs]', region);
    this.status = need('[data-run-status]', region);
    this.empty = need('[data-output-empty]', region);
    this.panel = need('[data-run-panel]', region);
    this.pattern = /** @type {HTMLElement} */ (this.panel.cloneNode(true));
    this.title = document.title;
    this.count = 0;
    /** @type {Shown[]} */
    this.list = [];
    this.tabs.addEventListener('keydown', (event) => this.onKey(event));
  }

  /**
   * Starts a run and shows it. A request that the server refuses leaves no trace: it is thrown.
   * @param {string} script
   * @param {string} type
   * @param {string} members
   */
  async start(script, type, members) {
    this.count += 1;
    const run = new Run(this.count, script, type);
    const isFirst = this.list.length === 0;
    const panel = isFirst ? this.panel : /** @type {HTMLElement} */ (this.pattern.cloneNode(true));
    const before = this.shown;
    const view = new RunView(panel, run);
    const shown = { run, view, tab: this.tab(run) };
    this.list.push(shown);
    run.addEventListener('state', () => this.showState(shown));
    run.addEventListener('end', () => this.announce(run));
    run.addEventListener('session', () => void showSessionEnded());
    this.show(shown);
    this.announce(run);
    try {
      await run.start(members);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status < 500) {
        this.remove(shown, before);
        throw problem;
      }
      run.refuse(problem);
    }
    while (this.list.length > MOST_RUNS) this.dropOldest();
  }

  /** @param {Run} run */
  tab(run) {
    const attributes = { class: 'run-tab', type: 'button', role: 'tab', 'aria-controls': 'run-panel' };
    const tab = element('button', attributes, element('span', { class: 'run-state' }), `#${run.number}`);
    tab.addEventListener('click', () => {
      const shown = this.list.find((each) => each.run === run);
      if (shown) this.show(shown);
    });
    return tab;
  }

  /** @param {Shown} shown */
  show(shown) {
    const { panel } = shown.view;
    this.empty.hidden = true;
    if (panel !== this.panel || !panel.isConnected) {
      this.panel.replaceWith(panel);
      this.panel = panel;
    }
    this.shown = shown;
    if (this.list.length > 1) {
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-label', `Run ${shown.run.number}`);
    }
    this.tabs.replaceChildren(...this.list.map(({ tab }) => tab));
    this.tabs.hidden = this.list.length < 2;
    for (const { run, tab } of this.list) {
      const isShown = run === shown.run;
      tab.setAttribute('aria-selected', String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      if (isShown) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    this.showState(shown);
  }

  /** @param {Shown} shown */
  showState({ run, tab }) {
    const mark = need('.run-state', tab);
    if (mark.dataset.state !== run.state) {
      mark.dataset.state = run.state;
      mark.className = `run-state state-${run.state}`;
      mark.replaceChildren(icon(ICONS[run.state] ?? 'lost'));
      tab.setAttribute('aria-label', `Run ${run.number}, ${WORDS[run.state].toLowerCase()}`);
    }
    const running = this.list.filter((each) => each.run.isRunning).length;
    document.title = running > 0 ? `Running: ${this.title}` : this.title;
  }

  /** Says the start and the end of a run to assistive technology.
   * @param {Run} run */
  announce(run) {
    const code = run.code === null ? '' : `, exit ${run.code}`;
    const took = run.isRunning ? '' : ` after ${durationText(run.duration)}`;
    this.status.textContent = `Run ${run.number}: ${WORDS[run.state].toLowerCase()}${code}${took}`;
  }

  /**
   * @param {Shown} shown
   * @param {Shown | undefined} before
   */
  remove(shown, before) {
    shown.view.dispose();
    this.list = this.list.filter((each) => each !== shown);
    this.count -= 1;
    document.title = this.title;
    this.status.textContent = '';
    if (before) {
      this.show(before);
      return;
    }
    const fresh = /** @type {HTMLElement} */ (this.pattern.cloneNode(true));
    this.panel.replaceWith(fresh);
    this.panel = fresh;
    this.shown = undefined;
    this.empty.hidden = false;
  }

  dropOldest() {
    const oldest = this.list.find(({ run }) => !run.isRunning && run !== this.shown?.run);
    if (!oldest) return;
    oldest.view.dispose();
    this.list = this.list.filter((each) => each !== oldest);
    oldest.tab.remove();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const at = this.list.findIndex(({ tab }) => tab === document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.list.length - 1 }[event.key];
    const next = to === undefined ? undefined : this.list[(to + this.list.length) % this.list.length];
    if (at < 0 || !next) return;
    event.preventDefault();
    this.show(next);
    next.tab.focus();
  }
}
