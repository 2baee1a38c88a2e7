// @ts-check
/** Acting on many runs at once. */

import { confirm } from '../page/dialog.js';
import { element, need } from '../page/dom.js';
import { post } from '../page/http.js';
import { toast } from '../page/toast.js';
import { counted } from '../page/units.js';

/** @typedef {import('./table.js').RunTable} RunTable */

export class Bulk {
  /** @param {RunTable} table */
  constructor(table) {
    this.table = table;
    this.bar = need('[data-bulk]');
    this.count = element('span', { role: 'status' });
    this.stop = element('button', { class: 'button button-small', type: 'button', click: () => void this.run('stop') }, 'Stop');
    this.remove = element('button', { class: 'button button-small', type: 'button', click: () => void this.run('delete') }, 'Delete');
    const clear = element('button', { class: 'button button-small button-subtle', type: 'button', click: () => this.clear() }, 'Clear');
    this.bar.replaceChildren(this.count, this.stop, this.remove, clear);
    this.every = element('input', { type: 'checkbox', 'aria-label': 'Select all', change: () => this.selectAll() });
    need('[data-check-head]', table.table).append(this.every);
  }

  get selected() {
    return this.table.all.filter(({ box }) => box.checked && !box.disabled);
  }

  selectAll() {
    for (const { box } of this.table.all) box.checked = this.every.checked && !box.disabled;
    this.update();
  }

  clear() {
    for (const { box } of this.table.all) box.checked = false;
    this.update();
    this.every.focus();
  }

  update() {
    const { selected, table } = this;
    const usable = table.all.filter(({ box }) => !box.disabled);
    for (const { row, box } of table.all) row.toggleAttribute('data-checked', box.checked && !box.disabled);
    this.every.disabled = usable.length === 0;
    this.every.checked = usable.length > 0 && selected.length === usable.length;
    this.every.indeterminate = selected.length > 0 && selected.length < usable.length;
    this.bar.hidden = selected.length === 0;
    const stoppable = selected.filter(({ record }) => record.can.stop).length;
    const deletable = selected.filter(({ record }) => record.can.delete).length;
    this.count.textContent = `${counted(selected.length, 'run')} selected`;
    this.stop.hidden = stoppable === 0;
    this.stop.textContent = `Stop ${stoppable}`;
    this.remove.hidden = deletable === 0;
    this.remove.textContent = `Delete ${deletable}`;
  }

  /** @param {'stop' | 'delete'} verb */
  async run(verb) {
    const rows = this.selected.filter(({ record }) => record.can[verb]);
    const what = counted(rows.length, 'run');
    if (verb === 'delete') {
      const text = 'Their output and files are removed. This cannot be undone.';
      if (!(await confirm({ title: `Delete ${what}?`, text, action: 'Delete', danger: true }))) return;
    }
    let failed = 0;
    let reason = '';
    for (const { record, box } of rows) {
      try {
        await post(`api/runs/${encodeURIComponent(record.id)}/${verb}`);
        box.checked = false;
        if (verb === 'delete') this.table.remove(record.id);
      } catch (problem) {
        failed += 1;
        reason = problem instanceof Error ? problem.message : '';
      }
    }
    const done = verb === 'delete' ? 'deleted' : 'stopped';
    if (failed > 0) toast(`${counted(failed, 'run')} not ${done}. ${reason}`);
    else toast(`${what} ${done}`);
    this.table.order();
    void this.table.refresh();
  }
}
