// @ts-check
/** One output of a run: its views, and copying and saving it. */

import { copy } from '../page/clipboard.js';
import { all, element, icon, iconButton } from '../page/dom.js';
import { at } from '../page/site.js';
import { toast } from '../page/toast.js';
import { bytesText } from '../page/units.js';
import { parseCsv } from './csv.js';
import { renderedHtml } from './html.js';
import { Log } from './log.js';
import { visible } from './paint.js';
import { TerminalScreen } from './screen.js';
import { Table } from './table.js';
import { jsonTree } from './tree.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./record.js').StreamName} StreamName */
/** @typedef {{ node: HTMLElement, tools?: HTMLElement[], note?: string }} View */

/** @type {Record<StreamName, string>} */
const TITLES = { stdout: 'Standard output', stderr: 'Standard error' };
/** Larger outputs are shown as text: views of them would be slow. */
const LARGEST_VIEW = 8_000_000;

export class Stream {
  /**
   * @param {Run} run
   * @param {StreamName} name
   */
  constructor(run, name) {
    this.run = run;
    this.name = name;
    this.isTerminal = run.record.terminal === true && name === 'stdout';
    this.hasLooks = this.isTerminal;
    this.bar = element('div', { class: 'stream-bar' });
    this.body = element('div', { class: 'stream-body', 'data-stream': name });
    this.box = element('div', { class: `stream${name === 'stderr' ? ' stream-error' : ''}`, hidden: !this.isTerminal }, this.bar, this.body);
    this.viewTools = element('div', { class: 'stream-tools' });
    this.note = element('p', { class: 'stream-note', role: 'status' });
    this.lines = this.isTerminal ? new TerminalScreen(run) : new Log(TITLES[name]);
    /** @type {Promise<string> | undefined} the whole text, once it was read */
    this.whole = undefined;
    /** @type {Map<string, () => View | Promise<View>>} */
    this.views = new Map([['Text', () => ({ node: this.lines.root })]]);
    this.prepareBar();
    this.body.append(this.lines.root);
    run.addEventListener('output', (event) => this.add(/** @type {CustomEvent} */ (event).detail));
    run.addEventListener('cut', (event) => this.cut(/** @type {CustomEvent} */ (event).detail));
    run.addEventListener('skip', () => this.mark('The middle is not shown here. The download holds everything that is kept.'));
  }

  get title() {
    return this.isTerminal ? 'Terminal' : TITLES[this.name];
  }

  prepareBar() {
    const { title, name, run } = this;
    const heading = element('h3', { class: 'stream-title' }, name === 'stderr' && icon('warning'), title);
    const what = title.toLowerCase();
    const wrap = iconButton('wrap', 'Wrap long lines', () => {
      const isWrapped = wrap.getAttribute('aria-pressed') !== 'true';
      wrap.setAttribute('aria-pressed', String(isWrapped));
      this.lines.view.toggleAttribute('data-nowrap', !isWrapped);
    });
    wrap.setAttribute('aria-pressed', 'true');
    wrap.hidden = this.isTerminal;
    this.wrap = wrap;
    const save = element(
      'a',
      {
        class: 'icon-button',
        href: at(`${run.outputPath(name)}&download=1`),
        download: true,
        'aria-label': `Save ${what}`,
        title: `Save ${what}`,
      },
      icon('download'),
    );
    const tools = element('div', { class: 'stream-tools' }, wrap, iconButton('copy', `Copy ${what}`, () => void this.copy()), save);
    this.bar.replaceChildren(heading, this.viewTools, this.note, tools);
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

  /** @param {{ stream: StreamName, text: string, spans?: import('./paint.js').Span[] }} output */
  add({ stream, text, spans }) {
    if (stream !== this.name || this.lines instanceof TerminalScreen) return;
    this.box.hidden = false;
    if (spans) this.hasLooks = true;
    this.lines.write(text, spans);
  }

  /** @param {{ stdout_bytes: number, stderr_bytes: number }} cut */
  cut({ stdout_bytes: stdout, stderr_bytes: stderr }) {
    const bytes = this.name === 'stdout' ? stdout : stderr;
    if (bytes === 0) return;
    this.box.hidden = false;
    this.mark(`${bytesText(bytes)} not kept: the script printed more than the limit.`);
  }

  /** @param {string} text */
  mark(text) {
    if (this.lines instanceof Log && !this.box.hidden) this.lines.mark(text);
  }

  /** The whole text, read once the run is over. */
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

  async copy() {
    const shown = this.lines.text;
    if (shown !== null) {
      await copy(shown, 'Output');
      return;
    }
    if (this.bytes > LARGEST_VIEW) {
      toast('The output is too large to copy. Save it instead.');
      return;
    }
    try {
      await copy(await this.text(), 'Output');
    } catch (problem) {
      toast(`The output was not copied. ${problem instanceof Error ? problem.message : ''}`);
    }
  }

  /** The run is over: shows what the output is meant to be. */
  async finish() {
    this.lines.finish();
    const { type, bytes } = this;
    const isWhole = (this.run.record.dropped_bytes ?? 0) === 0 && !this.run.record.output_expired;
    if (bytes === 0 || bytes > LARGEST_VIEW || !isWhole) return;
    if (this.hasLooks) this.views.set('Raw', () => this.raw());
    if (type.includes('csv')) this.views = new Map([['Table', () => this.table()], ...this.views]);
    if (type.includes('json')) this.views = new Map([['Tree', () => this.tree()], ...this.views]);
    if (type.includes('html')) this.views = new Map([['Page', () => this.page()], ...this.views]);
    const [first = 'Text'] = this.views.keys();
    if (this.views.size > 1) this.prepareSwitch();
    if (first !== 'Text') await this.show(first);
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
    this.wanted = name;
    /** @type {View} */
    let view;
    try {
      view = await make();
      this.views.set(name, () => view);
    } catch (problem) {
      view = this.plain(`This cannot be shown. ${problem instanceof Error ? problem.message : ''}`);
    }
    if (this.wanted !== name) return;
    const shownName = view.note ? 'Text' : name;
    this.note.textContent = view.note ?? '';
    this.viewTools.replaceChildren(...(view.tools ?? []));
    if (this.wrap) this.wrap.hidden = this.isTerminal || view.node !== this.lines.root;
    this.body.replaceChildren(view.node);
    for (const radio of /** @type {HTMLInputElement[]} */ (all('input[type="radio"]', this.bar))) {
      radio.checked = radio.value === shownName;
    }
  }

  /** @param {string} note @returns {View} */
  plain(note) {
    return { node: this.lines.root, note };
  }

  /** @returns {Promise<View>} */
  async table() {
    const rows = parseCsv(await this.text());
    if (!rows) return this.plain('This is not a table.');
    const table = new Table(rows, this.title);
    return { node: table.root, tools: table.tools };
  }

  /** @returns {Promise<View>} */
  async tree() {
    const node = jsonTree(await this.text(), this.title);
    return node ? { node } : this.plain('This is not valid JSON.');
  }

  /** @returns {Promise<View>} */
  async page() {
    const { root, dropped } = await renderedHtml(await this.text(), this.title);
    const parts = dropped === 1 ? 'part is' : 'parts are';
    const note = element('span', {}, dropped > 0 ? `${dropped} active ${parts} left out` : '');
    return { node: root, tools: [note] };
  }

  /** Every byte of the script, controls as symbols.
   * @returns {Promise<View>} */
  async raw() {
    const text = (await this.text()).split('\n').map(visible).join('\n');
    const attributes = { class: 'terminal', tabindex: 0, role: 'region', 'aria-label': `${this.title}, raw` };
    return { node: element('div', attributes, text) };
  }

  /** Ends what the view keeps going. */
  dispose() {
    if (this.lines instanceof TerminalScreen) this.lines.observer?.disconnect();
    for (const image of /** @type {HTMLImageElement[]} */ (all('img', this.box))) {
      if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
    }
  }
}
