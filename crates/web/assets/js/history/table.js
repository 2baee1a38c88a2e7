// @ts-check
/** The table of runs: live, with older runs on demand, and actions on many at once. */

import { all, element, find, need } from '../page/dom.js';
import { get, post, Problem } from '../page/http.js';
import { showSessionEnded } from '../page/session.js';
import { toast } from '../page/toast.js';
import { counted, timeText } from '../page/units.js';
import { isOver, stateOf } from '../run/record.js';
import { Bulk } from './bulk.js';
import { listPath } from './query.js';
import { cell, cellsOf, fingerprint, tookText } from './rows.js';

/** @typedef {import('../run/record.js').RunRecord} RunRecord */
/** @typedef {{ record: RunRecord, row: HTMLTableRowElement, box: HTMLInputElement, shown: string, at: number }} Row */

const TICK_MS = 1000;
const BUSY_PAUSE_MS = 2000;
const QUIET_PAUSE_MS = 10_000;
const PAGE = 50;

export class RunTable {
  /** @param {HTMLElement} table */
  constructor(table) {
    this.table = table;
    this.body = need('[data-rows]', table);
    this.status = need('[data-runs-status]');
    this.withUser = table.dataset.administrator !== undefined;
    /** Pages of older runs do not show what happens now. */
    this.isLive = table.dataset.later === undefined;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.isLoading = false;
    for (const time of /** @type {HTMLTimeElement[]} */ (all('[data-time]', table))) {
      time.textContent = timeText(new Date(time.dateTime));
    }
    this.bulk = new Bulk(this);
    this.prepareOlder();
    void this.refresh();
    setInterval(() => this.tick(), TICK_MS);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') void this.refresh();
    });
  }

  get all() {
    return [...this.rows.values()];
  }

  /** Asks what there is now. */
  async refresh() {
    clearTimeout(this.timer);
    if (document.visibilityState !== 'visible' || this.isLoading) return;
    this.isLoading = true;
    const cursor = this.isLive ? '' : (new URLSearchParams(location.search).get('cursor') ?? '');
    try {
      const answer = await get(listPath(PAGE, cursor));
      this.take(answer.runs ?? []);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.kind === 'session') {
        void showSessionEnded();
        return;
      }
    } finally {
      this.isLoading = false;
    }
    if (!this.isLive) return;
    const isBusy = this.all.some(({ record }) => !isOver(record));
    this.timer = setTimeout(() => void this.refresh(), isBusy ? BUSY_PAUSE_MS : QUIET_PAUSE_MS);
  }

  /** The newest runs, as they are now.
   * @param {RunRecord[]} records */
  take(records) {
    const oldest = records.at(-1);
    // What is newer than the oldest of the answer and not in it has been deleted.
    for (const { record } of this.all) {
      const isMissing = !records.some(({ id }) => id === record.id);
      if (isMissing && (!oldest || record.id > oldest.id)) this.remove(record.id);
    }
    for (const record of records) this.put(record);
    for (const row of all('[data-run]', this.body)) if (!this.rows.has(row.dataset.run ?? '')) row.remove();
    this.order();
  }

  /** @param {RunRecord} record */
  put(record) {
    const known = this.rows.get(record.id);
    const shown = fingerprint(record);
    if (known) {
      const before = known.record;
      Object.assign(known, { record, at: performance.now() });
      if (known.shown === shown) return;
      known.shown = shown;
      this.draw(known);
      if (isOver(record) && !isOver(before)) this.status.textContent = `${record.label}: ${stateOf(record).word.toLowerCase()}`;
      return;
    }
    const row = /** @type {HTMLTableRowElement} */ (
      find(`[data-run="${CSS.escape(record.id)}"]`, this.body) ?? element('tr', { role: 'row', 'data-run': record.id })
    );
    const box = element('input', { type: 'checkbox', 'aria-label': `Select the run of ${record.label}`, change: () => this.bulk.update() });
    const made = { record, row, box, shown, at: performance.now() };
    this.rows.set(record.id, made);
    this.draw(made);
  }

  /** @param {Row} row */
  draw({ record, row, box }) {
    row.dataset.state = record.state;
    const stop = { class: 'button button-small', type: 'button', 'aria-label': `Stop the run of ${record.label}`, click: () => void this.stop(record.id) };
    const mayAct = record.can.stop || record.can.delete;
    box.disabled = !mayAct;
    const hadFocus = row.contains(document.activeElement) && document.activeElement !== box;
    row.replaceChildren(
      cell('col-check', box),
      ...cellsOf(record, this.withUser),
      cell('col-end', record.can.stop && !isOver(record) && element('button', stop, 'Stop')),
    );
    if (hadFocus) find('.run-link', row)?.focus();
    need('[data-check-head]', this.table).hidden = false;
    need('[data-actions-head]', this.table).hidden = false;
  }

  /** Runs that are not over come first, then the newest. */
  order() {
    const wanted = this.all.sort((a, b) => {
      const waiting = Number(isOver(a.record)) - Number(isOver(b.record));
      return waiting || (a.record.id < b.record.id ? 1 : -1);
    });
    // Rows that stand right are not touched: the focus would be lost.
    let place = this.body.firstElementChild;
    for (const { row } of wanted) {
      if (row === place) place = place.nextElementSibling;
      else this.body.insertBefore(row, place);
    }
    const isEmpty = wanted.length === 0;
    this.table.hidden = isEmpty;
    const empty = find('[data-empty]');
    if (empty) empty.hidden = !isEmpty;
    this.bulk.update();
  }

  /** @param {string} id */
  remove(id) {
    this.rows.get(id)?.row.remove();
    this.rows.delete(id);
  }

  tick() {
    for (const { record, row, at } of this.rows.values()) {
      if (record.state !== 'running') continue;
      const text = tookText(record, (record.duration_ms ?? 0) + performance.now() - at);
      need('.col-took', row).textContent = text;
    }
  }

  /** @param {string} id */
  async stop(id) {
    try {
      const answer = await post(`api/runs/${encodeURIComponent(id)}/stop`);
      if (answer.run) this.put(answer.run);
    } catch (problem) {
      toast(`It was not stopped. ${problem instanceof Error ? problem.message : ''}`);
    }
    void this.refresh();
  }

  prepareOlder() {
    /** @type {HTMLAnchorElement | null} */
    const link = find('[data-older]');
    link?.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void this.older(link);
    });
  }

  /** Adds the next older runs below.
   * @param {HTMLAnchorElement} link */
  async older(link) {
    try {
      const { runs = [], next } = await get(listPath(PAGE, link.dataset.cursor ?? ''));
      for (const record of runs) this.put(record);
      this.order();
      this.status.textContent = `${counted(runs.length, 'older run')} loaded`;
      link.dataset.cursor = next ?? '';
      link.hidden = !next;
    } catch (problem) {
      toast(`They could not be loaded. ${problem instanceof Error ? problem.message : ''}`);
    }
  }
}
