// @ts-check
/** One output of a run: reading it, and what it can be shown as besides text. */

import { all, element } from '../page/dom.js';
import { parseCsv } from './csv.js';
import { renderedHtml } from './html.js';
import { Table } from './table.js';
import { jsonTree } from './tree.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./record.js').StreamName} StreamName */
/** @typedef {{ node: HTMLElement, tools?: HTMLElement[] }} View */

/** @type {Record<StreamName, string>} */
export const TITLES = { stdout: 'Standard output', stderr: 'Standard error' };
/** Larger outputs are shown as text: views of them would be slow. */
export const LARGEST_VIEW = 8_000_000;

export class Stream {
  /**
   * @param {Run} run
   * @param {StreamName} name
   */
  constructor(run, name) {
    this.run = run;
    this.name = name;
    /** @type {Promise<string> | undefined} the whole text, once it was read */
    this.whole = undefined;
    /** @type {View | undefined} */
    this.made = undefined;
  }

  get title() {
    return TITLES[this.name];
  }

  get bytes() {
    const { record } = this.run;
    return this.name === 'stdout' ? record.stdout_bytes : record.stderr_bytes;
  }

  get type() {
    const { record } = this.run;
    const type = this.name === 'stdout' ? record.content_type : record.stderr_content_type;
    return (type ?? 'text/plain').toLowerCase();
  }

  /** The name of the view that the script means; empty: it prints text. */
  get viewName() {
    const { bytes, run, type } = this;
    const isWhole = (run.record.dropped_bytes ?? 0) === 0 && !run.record.output_expired;
    if (!run.isOver || bytes === 0 || bytes > LARGEST_VIEW || !isWhole) return '';
    if (type.includes('html')) return 'Page';
    if (type.includes('json')) return 'Tree';
    return type.includes('csv') ? 'Table' : '';
  }

  /** The whole text, read once when the run is over. */
  async text() {
    if (!this.run.isOver) return this.run.text(this.name);
    this.whole ??= this.run.text(this.name);
    try {
      return await this.whole;
    } catch (problem) {
      this.whole = undefined;
      throw problem;
    }
  }

  /** The output as the script means it; throws an error that says why this is not possible.
   * @returns {Promise<View>} */
  async view() {
    if (!this.made) {
      if (this.viewName === 'Page') this.made = await this.page();
      else this.made = this.viewName === 'Tree' ? await this.tree() : await this.table();
    }
    return this.made;
  }

  /** @returns {Promise<View>} */
  async table() {
    const rows = parseCsv(await this.text());
    if (!rows) throw new Error('This is not a table.');
    const table = new Table(rows, this.title);
    return { node: table.root, tools: table.tools };
  }

  /** @returns {Promise<View>} */
  async tree() {
    const node = jsonTree(await this.text(), this.title);
    if (!node) throw new Error('This is not valid JSON.');
    return { node };
  }

  /** @returns {Promise<View>} */
  async page() {
    const { root, dropped } = await renderedHtml(await this.text(), this.title);
    const parts = dropped === 1 ? 'part is' : 'parts are';
    const note = element('span', {}, dropped > 0 ? `${dropped} active ${parts} left out` : '');
    return { node: root, tools: [note] };
  }

  /** Ends what the view keeps going. */
  dispose() {
    if (!this.made) return;
    for (const image of /** @type {HTMLImageElement[]} */ (all('img', this.made.node))) {
      if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
    }
  }
}
