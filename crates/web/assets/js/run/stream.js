// @ts-check
/** One output of a run: its views, and copying and saving it. */

import { copy, download } from '../page/clipboard.js';
import { all, element, icon, iconButton, need } from '../page/dom.js';
import { parseCsv } from './csv.js';
import { renderedHtml } from './html.js';
import { Table } from './table.js';
import { Terminal } from './terminal.js';
import { jsonTree } from './tree.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./run.js').StreamName} StreamName */
/** @typedef {{ node: HTMLElement, tools?: HTMLElement[], note?: string }} View */

/** @type {Record<StreamName, string>} */
const TITLES = { stdout: 'Standard output', stderr: 'Standard error' };
/** Larger outputs are shown as text: views of them would be slow. */
const LARGEST_VIEW = 8_000_000;

export class Stream {
  /**
   * @param {HTMLElement} panel
   * @param {Run} run
   * @param {StreamName} name
   * @param {(percent: number | null) => void} progress
   */
  constructor(panel, run, name, progress) {
    this.run = run;
    this.name = name;
    this.box = need(`[data-stream-box="${name}"]`, panel);
    this.bar = need('[data-stream-bar]', this.box);
    this.body = need('[data-stream]', this.box);
    this.tools = element('div', { class: 'stream-tools' });
    this.viewTools = element('div', { class: 'stream-tools' });
    this.note = element('p', { class: 'stream-note', role: 'status' });
    this.terminal = new Terminal(TITLES[name], progress);
    /** @type {Map<string, () => View | Promise<View>>} */
    this.views = new Map([['Text', () => ({ node: this.terminal.root })]]);
    this.prepareBar();
    this.body.replaceChildren(this.terminal.root);
    this.box.hidden = true;
    run.addEventListener('output', (event) => {
      const { stream, text } = /** @type {CustomEvent} */ (event).detail;
      if (stream === name) this.add(text);
    });
  }

  prepareBar() {
    const title = element('h3', { class: 'stream-title' }, TITLES[this.name]);
    if (this.name === 'stderr') title.prepend(icon('warning'));
    const wrap = iconButton('wrap', 'Wrap long lines', () => {
      const isWrapped = wrap.getAttribute('aria-pressed') !== 'true';
      wrap.setAttribute('aria-pressed', String(isWrapped));
      this.terminal.root.toggleAttribute('data-nowrap', !isWrapped);
    });
    wrap.setAttribute('aria-pressed', 'true');
    this.wrap = wrap;
    this.tools.append(
      wrap,
      iconButton('copy', `Copy ${TITLES[this.name].toLowerCase()}`, () => void copy(this.text, 'Output')),
      iconButton('download', `Save ${TITLES[this.name].toLowerCase()}`, () => this.save()),
    );
    this.bar.replaceChildren(title, this.viewTools, this.note, this.tools);
  }

  get text() {
    return this.run.text(this.name);
  }

  get type() {
    return this.run.types[this.name].toLowerCase();
  }

  /** @param {string} text */
  add(text) {
    this.box.hidden = false;
    this.terminal.write(text);
  }

  /** The run has ended: shows what the output is meant to be. */
  async finish() {
    const { type, text } = this;
    if (text === '' || text.length > LARGEST_VIEW) return;
    if (type.includes('csv')) this.views = new Map([['Table', () => this.table()], ...this.views]);
    if (type.includes('json')) this.views = new Map([['Tree', () => this.tree()], ...this.views]);
    if (type.includes('html')) this.views = new Map([['Page', () => this.page()], ...this.views]);
    if (this.views.size > 1) {
      this.prepareSwitch();
      await this.show([...this.views.keys()][0] ?? 'Text');
    }
  }

  prepareSwitch() {
    const group = `view-${this.run.number}-${this.name}`;
    const options = [...this.views.keys()].map((name, index) =>
      element(
        'label',
        { class: 'segment' },
        element('input', {
          type: 'radio',
          name: group,
          value: name,
          checked: index === 0,
          change: () => void this.show(name),
        }),
        element('span', {}, name),
      ),
    );
    const choice = element('div', { class: 'segments', role: 'radiogroup', 'aria-label': 'View' }, ...options);
    this.bar.querySelector('h3')?.after(choice);
  }

  /** @param {string} name */
  async show(name) {
    const make = this.views.get(name);
    if (!make) return;
    const view = await make();
    this.views.set(name, () => view);
    const shownName = view.note ? 'Text' : name;
    this.note.textContent = view.note ?? '';
    this.viewTools.replaceChildren(...(view.tools ?? []));
    if (this.wrap) this.wrap.hidden = view.node !== this.terminal.root;
    this.body.replaceChildren(view.node);
    for (const radio of /** @type {HTMLInputElement[]} */ (all('input[type="radio"]', this.bar))) {
      radio.checked = radio.value === shownName;
    }
  }

  /** @param {string} note @returns {View} */
  plain(note) {
    return { node: this.terminal.root, note };
  }

  /** @returns {View} */
  table() {
    const rows = parseCsv(this.text);
    if (!rows) return this.plain('This is not a table.');
    const table = new Table(rows, TITLES[this.name]);
    return { node: table.root, tools: table.tools };
  }

  /** @returns {View} */
  tree() {
    const node = jsonTree(this.text, TITLES[this.name]);
    return node ? { node } : this.plain('This is not valid JSON.');
  }

  /** @returns {Promise<View>} */
  async page() {
    try {
      const { root, dropped } = await renderedHtml(this.text, TITLES[this.name]);
      const parts = dropped === 1 ? 'part is' : 'parts are';
      const note = element('span', {}, dropped > 0 ? `${dropped} active ${parts} left out` : '');
      return { node: root, tools: [note] };
    } catch (problem) {
      const reason = problem instanceof Error ? problem.message : '';
      return this.plain(`The page cannot be shown. ${reason}`);
    }
  }

  save() {
    const { type } = this;
    const kinds = ['csv', 'json', 'html'].filter((kind) => type.includes(kind));
    const ending = kinds[0] ?? 'txt';
    const stream = this.name === 'stderr' ? '-stderr' : '';
    const { script, number } = this.run;
    download(`${script}-${number}${stream}.${ending}`, [this.text], 'application/octet-stream');
  }
}
