// @ts-check
/** The runs of this page: one is shown, tabs lead to the others. */

import { element, icon, need } from '../page/dom.js';
import { get, Problem } from '../page/http.js';
import { showSessionEnded } from '../page/session.js';
import { announce } from './announce.js';
import { Follower } from './follow.js';
import { stateOf } from './record.js';
import { Run } from './run.js';
import { RunView } from './view.js';

/** Older runs are dropped from the page; the history keeps them. */
const MOST_RUNS = 12;
const IN_ADDRESS = /^#run=([0-9a-f-]{32,36})$/;

/** @typedef {import('./record.js').RunRecord} RunRecord */
/** @typedef {{ run: Run, view: RunView, follower: Follower, tab: HTMLButtonElement }} Shown */

export class Runs {
  /**
   * @param {HTMLElement} region
   * @param {string} script
   */
  constructor(region, script) {
    this.script = script;
    this.tabs = need('[data-tabs]', region);
    this.status = need('[data-run-status]', region);
    this.empty = need('[data-output-empty]', region);
    this.panel = need('[data-run-panel]', region);
    this.title = document.title;
    this.count = 0;
    /** @type {Shown[]} */
    this.list = [];
    this.tabs.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Opens the run that the address names, after a reload for instance. */
  async restore() {
    const id = IN_ADDRESS.exec(location.hash)?.[1];
    if (id) await this.open(id);
  }

  /** @param {string} id */
  async open(id) {
    const open = this.list.find(({ run }) => run.id === id);
    if (open) {
      this.show(open);
      return;
    }
    try {
      /** @type {RunRecord} */
      const record = await get(`api/runs/${encodeURIComponent(id)}`);
      if (record.script === this.script) this.add(record);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.kind === 'session') void showSessionEnded();
    }
  }

  /** Follows a run and shows it.
   * @param {RunRecord} record */
  add(record) {
    const known = this.list.find(({ run }) => run.id === record.id);
    if (known) {
      this.show(known);
      return;
    }
    this.count += 1;
    const run = new Run(record, this.count);
    const view = new RunView(run, {
      isOwnPage: false,
      again: (other) => this.add(other),
      deleted: () => {},
    });
    announce(this.status, run, `Run ${run.number}`);
    const shown = { run, view, follower: new Follower(run), tab: this.tab(run) };
    this.list.push(shown);
    run.addEventListener('state', () => this.showState(shown));
    run.addEventListener('session', () => void showSessionEnded());
    this.show(shown);
    while (this.list.length > MOST_RUNS && this.dropOldest());
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
    if (panel !== this.panel) {
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
    for (const { run, tab, follower } of this.list) {
      const isShown = run === shown.run;
      follower.show(isShown);
      tab.setAttribute('aria-selected', String(isShown));
      tab.tabIndex = isShown ? 0 : -1;
      if (isShown) tab.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
    history.replaceState(history.state, '', `#run=${shown.run.id}`);
    this.showState(shown);
  }

  /** @param {Shown} shown */
  showState({ run, tab }) {
    const mark = need('.run-state', tab);
    const { word, icon: picture } = stateOf(run.record);
    if (mark.dataset.word !== word) {
      mark.dataset.word = word;
      mark.className = `run-state state-${run.record.state}`;
      mark.replaceChildren(icon(picture));
      tab.setAttribute('aria-label', `Run ${run.number}, ${word.toLowerCase()}`);
    }
    const running = this.list.filter((each) => !each.run.isOver).length;
    document.title = running > 0 ? `Running: ${this.title}` : this.title;
  }

  /** Answers whether there was one to drop. */
  dropOldest() {
    const oldest = this.list.find(({ run }) => run.isComplete && run !== this.shown?.run);
    if (!oldest) return false;
    oldest.view.dispose();
    oldest.follower.close();
    this.list = this.list.filter((each) => each !== oldest);
    oldest.tab.remove();
    return true;
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
