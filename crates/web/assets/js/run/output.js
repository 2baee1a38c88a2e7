// @ts-check
/** What a run prints: one panel for both outputs, with its toolbar. */

import { copy } from '../page/clipboard.js';
import { all, element, iconButton, isEditing } from '../page/dom.js';
import { at } from '../page/site.js';
import { toast } from '../page/toast.js';
import { bytesText } from '../page/units.js';
import { FindBar } from './find.js';
import { fullEvents, isFull, toggleFull } from './full.js';
import { Log } from './log.js';
import { menuButton } from './menu.js';
import { optionsMenu } from './options.js';
import { visible } from './paint.js';
import { TerminalScreen } from './screen.js';
import { searchableElement, searchableLog } from './search.js';
import { LARGEST_VIEW, Stream, TITLES } from './stream.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {import('./record.js').StreamName} StreamName */
/** @typedef {import('./log.js').Filter} Filter */

export class Output {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.isTerminal = run.record.terminal === true;
    this.hasLooks = this.isTerminal;
    this.streams = { stdout: new Stream(run, 'stdout'), stderr: new Stream(run, 'stderr') };
    this.lines = this.isTerminal ? new TerminalScreen(run) : new Log('Output', () => Date.parse(run.record.started ?? run.record.created));
    /** What has arrived, which the record tells later. @type {Set<StreamName>} */
    this.seen = new Set();
    /** @type {Filter} */
    this.filter = 'all';
    this.view = 'Text';
    /** Which views there are, and of what; to see when they change. */
    this.choices = '';
    this.find = new FindBar(() => this.lines.view.focus());
    this.body = element('div', { class: 'stream-body', 'data-stream': 'stdout' }, this.lines.root);
    this.note = element('p', { class: 'stream-note', role: 'status' });
    this.heading = element('h3', { class: 'stream-title' });
    this.viewChoice = element('div', { class: 'segments', role: 'radiogroup', 'aria-label': 'View', hidden: true });
    this.streamChoice = element('div', { class: 'segments', role: 'radiogroup', 'aria-label': 'Streams', hidden: true });
    this.viewTools = element('div', { class: 'view-tools' });
    this.bar = element('div', { class: 'stream-bar' }, this.heading, this.viewChoice, this.streamChoice, this.viewTools, this.note, this.tools());
    this.box = element('div', { class: 'stream', hidden: !this.isTerminal }, this.bar, this.find.root, this.body);
    this.box.addEventListener('keydown', (event) => this.onKey(event));
    this.search();
    this.listen();
    this.update();
  }

  listen() {
    const { run, lines } = this;
    run.addEventListener('output', (event) => this.add(/** @type {CustomEvent} */ (event).detail));
    run.addEventListener('cut', (event) => this.cut(/** @type {CustomEvent} */ (event).detail));
    run.addEventListener('skip', () => this.mark('The middle is not shown here. The download holds everything that is kept.'));
    run.addEventListener('state', () => this.update());
    if (lines instanceof Log) lines.addEventListener('follow', () => this.updateFollow());
    this.onFull = () => this.updateFull();
    fullEvents.addEventListener('change', this.onFull);
  }

  tools() {
    this.followButton = iconButton('follow', 'Follow new lines', () => this.toggleFollow());
    this.fullButton = iconButton('expand', 'Full screen', () => this.toggleFull());
    this.options = optionsMenu(this.isTerminal);
    this.save = menuButton('download', 'Download', () => this.downloads());
    this.save.button.dataset.testid = 'download';
    const find = iconButton('search', 'Find (/)', () => (this.find.isOpen ? this.find.close() : this.find.open()));
    const copyButton = iconButton('copy', 'Copy output', () => void this.copy());
    const menus = [this.options.panel, this.save.panel];
    return element('div', { class: 'stream-tools' }, find, this.followButton, this.options.button, copyButton, this.save.button, this.fullButton, ...menus);
  }

  /** @param {{ stream: StreamName, text: string, spans?: import('./paint.js').Span[], time_ms: number }} output */
  add({ stream, text, spans, time_ms: time }) {
    if (!(this.lines instanceof Log)) return;
    this.box.hidden = false;
    if (spans) this.hasLooks = true;
    this.lines.write(stream, text, spans, time);
    if (this.seen.has(stream)) return;
    this.seen.add(stream);
    this.update();
  }

  /** @param {{ stdout_bytes: number, stderr_bytes: number }} cut */
  cut({ stdout_bytes: stdout, stderr_bytes: stderr }) {
    if (stdout + stderr === 0) return;
    this.box.hidden = false;
    this.mark(`${bytesText(stdout + stderr)} not kept: the script printed more than the limit.`);
  }

  /** @param {string} text */
  mark(text) {
    if (this.lines instanceof Log && !this.box.hidden) this.lines.mark(text);
  }

  /** Whether something was printed there. @param {StreamName} name */
  holds(name) {
    return this.seen.has(name) || this.streams[name].bytes > 0;
  }

  /** Whether both outputs hold something. */
  get isMixed() {
    return !this.isTerminal && this.holds('stdout') && this.holds('stderr');
  }

  /** The stream that other views than text are about. */
  get subject() {
    const { stdout, stderr } = this.streams;
    return this.filter === 'stderr' || (!this.holds('stdout') && this.holds('stderr')) ? stderr : stdout;
  }

  /** Offers what there is to choose from now. */
  update() {
    const { isMixed, subject, run } = this;
    const isWhole = !run.record.output_expired && subject.bytes <= LARGEST_VIEW;
    const names = [subject.viewName, 'Text', run.isComplete && this.hasLooks && isWhole ? 'Raw' : ''].filter(Boolean);
    const choices = JSON.stringify([names, isMixed, subject.name]);
    this.updateFollow();
    if (choices === this.choices) return;
    this.choices = choices;
    this.heading.textContent = this.isTerminal ? 'Terminal' : subject.title;
    this.heading.hidden = isMixed;
    const { number } = run;
    if (!names.includes(this.view)) this.view = 'Text';
    fillChoice(this.viewChoice, `view-${number}`, names.map((name) => [name, name]), this.view, (name) => void this.show(name));
    const streams = isMixed ? [['all', 'All'], ['stdout', 'stdout'], ['stderr', 'stderr']] : [];
    const wanted = (/** @type {string} */ filter) => void this.showStream(/** @type {Filter} */ (filter));
    fillChoice(this.streamChoice, `stream-${number}`, streams, this.filter, wanted);
  }

  /** The run is over: shows what the output is meant to be. */
  async finish() {
    this.lines.finish();
    this.update();
    const { viewName } = this.subject;
    if (viewName) await this.show(viewName);
    const { record } = this.run;
    const isSilent = record.stdout_bytes + record.stderr_bytes === 0;
    if (!isSilent || !record.started || record.state === 'lost' || record.output_expired) return;
    this.body.replaceChildren(element('p', { class: 'silent' }, 'The script finished without output.'));
    this.bar.hidden = true;
    this.box.hidden = false;
  }

  /** @param {Filter} filter */
  async showStream(filter) {
    const { subject: before } = this;
    this.filter = filter;
    const isMeant = this.view === before.viewName;
    this.update();
    await this.show(isMeant ? this.subject.viewName || 'Text' : this.view);
  }

  /** @param {string} name of a view */
  async show(name) {
    this.view = name;
    const wanted = JSON.stringify([name, this.filter]);
    this.wanted = wanted;
    /** @type {import('./stream.js').View} */
    let view = { node: this.lines.root };
    let note = '';
    try {
      if (name === 'Raw') view = await this.raw();
      else if (name !== 'Text') view = await this.subject.view();
    } catch (problem) {
      note = `This cannot be shown. ${problem instanceof Error ? problem.message : ''}`;
    }
    if (this.wanted !== wanted) return;
    if (note) this.view = 'Text';
    this.note.textContent = note;
    this.place(view);
    for (const radio of /** @type {HTMLInputElement[]} */ (all('input', this.viewChoice))) radio.checked = radio.value === this.view;
    this.search();
    this.updateFollow();
  }

  /** @param {import('./stream.js').View} view */
  place({ node, tools = [] }) {
    const { lines, body, filter, subject, view } = this;
    const isText = node === lines.root;
    const errorsBelow = !isText && view !== 'Raw' && filter === 'all' && this.isMixed && lines instanceof Log;
    if (lines instanceof Log) lines.show(errorsBelow ? 'stderr' : filter);
    body.dataset.stream = filter === 'stderr' ? 'stderr' : subject.name;
    this.viewTools.replaceChildren(...tools);
    const below = errorsBelow ? [element('h3', { class: 'stream-below' }, TITLES.stderr), lines.root] : [];
    body.replaceChildren(node, ...below);
    if (lines instanceof Log && body.contains(lines.root)) lines.restyle();
  }

  /** Looks for text in what is shown. */
  search() {
    const { lines, body } = this;
    if (body.firstElementChild !== lines.root) this.find.setSource(searchableElement(body));
    else if (lines instanceof Log) this.find.setSource(searchableLog(lines));
    else this.find.setSource(searchableElement(lines.view, lines.events));
  }

  /** Every byte of the script, controls as symbols.
   * @returns {Promise<import('./stream.js').View>} */
  async raw() {
    const { filter, subject, run } = this;
    const all = filter === 'all' && this.isMixed ? await run.text('both') : await subject.text();
    const text = all.split('\n').map(visible).join('\n');
    const attributes = { class: 'terminal', tabindex: 0, role: 'region', 'aria-label': 'Raw output' };
    return { node: element('div', attributes, text) };
  }

  async copy() {
    const { lines, run, filter } = this;
    const isText = this.view === 'Text';
    const shown = isText ? lines.text : null;
    const what = filter === 'all' && this.isMixed ? 'both' : this.subject.name;
    const { stdout_bytes: stdout, stderr_bytes: stderr } = run.record;
    const bytes = what === 'both' ? stdout + stderr : this.subject.bytes;
    if (shown === null && bytes > LARGEST_VIEW) {
      toast('The output is too large to copy. Download it instead.');
      return;
    }
    try {
      await copy(shown ?? (await run.text(what)), 'Output');
    } catch (problem) {
      toast(`The output was not copied. ${problem instanceof Error ? problem.message : ''}`);
    }
  }

  downloads() {
    const { run, streams, isMixed } = this;
    const link = (/** @type {StreamName | 'both'} */ name, /** @type {string} */ word, /** @type {number} */ bytes) =>
      element(
        'a',
        { class: 'tool-link', href: at(`${run.outputPath(name)}&download=1`), download: true },
        element('span', {}, word),
        element('span', { class: 'tool-fact' }, bytesText(bytes)),
      );
    const { stdout, stderr } = streams;
    const each = [stdout, stderr].filter(({ bytes }) => bytes > 0).map(({ name, title, bytes }) => link(name, title, bytes));
    if (each.length === 0) return [element('p', { class: 'tool-fact' }, 'Nothing was printed so far.')];
    return isMixed ? [link('both', 'Both, as they came', stdout.bytes + stderr.bytes), ...each] : each;
  }

  toggleFollow() {
    if (!(this.lines instanceof Log)) return;
    if (this.lines.isFollowing) this.lines.pause();
    else this.lines.follow();
  }

  updateFollow() {
    const { followButton: button, lines, run } = this;
    if (!button) return;
    const isText = this.body.contains(lines.root) && lines instanceof Log;
    button.hidden = !isText || run.isComplete;
    button.setAttribute('aria-pressed', String(lines instanceof Log && lines.isFollowing));
  }

  toggleFull() {
    const region = this.box.closest('[data-output]');
    if (region instanceof HTMLElement) toggleFull(region);
    this.fullButton?.focus();
  }

  updateFull() {
    const { fullButton: button } = this;
    const name = isFull() ? 'Leave full screen (Escape)' : 'Full screen';
    button?.setAttribute('aria-pressed', String(isFull()));
    button?.setAttribute('aria-label', name);
    if (button) button.title = name;
  }

  /** Keys of one letter, while the lines have the focus and nothing is typed.
   * @param {KeyboardEvent} event */
  onKey(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isPlain || isEditing(event.target) || this.bar.hidden) return;
    const isOnLines = event.target === this.lines.view && !this.isTerminal;
    const { find } = this;
    if (event.key === '/') find.open();
    else if (event.key === 'n' && find.isOpen) find.go(1);
    else if (event.key === 'p' && find.isOpen) find.go(-1);
    else if (event.key === 'Escape' && find.isOpen) find.close();
    else if (event.key === 'f' && isOnLines && !this.run.isComplete) this.toggleFollow();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Ends what the output keeps going. */
  dispose() {
    if (this.onFull) fullEvents.removeEventListener('change', this.onFull);
    this.find.setSource(null);
    this.lines.dispose();
    for (const stream of Object.values(this.streams)) stream.dispose();
  }
}

/**
 * Fills a choice among several, which is shown when there are some.
 * @param {HTMLElement} box
 * @param {string} name
 * @param {string[][]} options value and word
 * @param {string} chosen
 * @param {(value: string) => void} choose
 */
function fillChoice(box, name, options, chosen, choose) {
  box.hidden = options.length < 2;
  box.replaceChildren(
    ...options.map(([value = '', word = '']) =>
      element(
        'label',
        { class: 'segment' },
        element('input', { type: 'radio', name, value, checked: value === chosen, change: () => choose(value) }),
        element('span', {}, word),
      ),
    ),
  );
}
