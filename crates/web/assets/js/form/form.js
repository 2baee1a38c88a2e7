// @ts-check
/** The form of a script. */

import { all, element, find, need } from '../page/dom.js';
import { copy } from '../page/clipboard.js';
import { confirm } from '../page/dialog.js';
import { toast } from '../page/toast.js';
import { argumentsMember } from './collect.js';
import { Draft } from './draft.js';
import { showErrors, showProblem } from './errors.js';
import { fieldsOf } from './fields.js';
import { prepareFiles } from './files.js';
import { linkWithValues } from './link.js';
import { prepareReveal } from './reveal.js';
import { prepareRows } from './rows.js';
import { problemOfField, shifting } from './rules.js';

export class ScriptForm {
  /**
   * @param {HTMLFormElement} form
   * @param {(members: string) => void} start
   */
  constructor(form, start) {
    this.form = form;
    this.start = start;
    this.summary = need('[data-summary]', form);
    /** @type {HTMLButtonElement} */
    this.button = need('[data-run]', form);
    this.isBusy = false;
    this.isPressing = false;
    prepareRows(form);
    prepareFiles(form);
    prepareReveal(form);
    prepareRanges(form);
    prepareMany(form);
    this.fields = fieldsOf(form);
    this.initial = new Map(this.fields.map((field) => [field, JSON.stringify(field.value)]));
    this.draft = new Draft(form.dataset.script ?? '', this.fields);
    this.draft.restore();
    this.listen();
    this.showChanged();
  }

  listen() {
    const { form } = this;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.submit();
    });
    // A double click and a key that is held down start one run.
    this.button.addEventListener('click', (event) => {
      if (event.detail > 1) event.preventDefault();
    });
    form.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && event.repeat) event.preventDefault();
    });
    form.addEventListener('input', (event) => this.onInput(event));
    form.addEventListener('focusout', (event) => this.onLeave(event));
    document.addEventListener('pointerdown', () => (this.isPressing = true), true);
    for (const name of ['pointerup', 'pointercancel']) {
      document.addEventListener(name, () => (this.isPressing = false), true);
    }
    document.addEventListener('keydown', (event) => {
      const isRun = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
      if (isRun && !event.repeat && !document.querySelector('dialog[open]')) {
        event.preventDefault();
        void this.submit();
      }
    });
    need('[data-reset]', form).addEventListener('click', () => this.reset());
    need('[data-keys]', form).textContent = /Mac|iP/.test(navigator.platform) ? '⌘ Enter' : 'Ctrl Enter';
    const link = find('[data-copy-link]');
    if (link && this.fields.some((field) => field.isPublic)) {
      link.hidden = false;
      link.addEventListener('click', () => this.copyLink());
    }
  }

  /** @param {Event} event */
  fieldOf(event) {
    const box = event.target instanceof Element ? event.target.closest('[data-field]') : null;
    return this.fields.find((field) => field.box === box);
  }

  /** @param {Event} event */
  onInput(event) {
    const field = this.fieldOf(event);
    if (field?.hasError) field.showError(problemOfField(field));
    field?.box.querySelector('[data-prefilled]')?.remove();
    this.draft.saveSoon();
    this.showChanged();
  }

  /** @param {FocusEvent} event */
  onLeave(event) {
    const field = this.fieldOf(event);
    const isInside = event.relatedTarget instanceof Node && field?.box.contains(event.relatedTarget);
    if (!field || isInside || field.isEmpty) return;
    const check = () => field.showError(problemOfField(field));
    // A message moves what is below it: never away from under a click.
    if (this.isPressing) addEventListener('pointerup', () => setTimeout(check), { once: true });
    else check();
  }

  /** Says how many advanced values differ, and which values would move. */
  showChanged() {
    const place = find('[data-changed]', this.form);
    if (place) {
      const advanced = this.fields.filter((field) => field.box.closest('[data-advanced]'));
      const changed = advanced.filter(
        (field) => field.kind === 'file' ? !field.isEmpty : JSON.stringify(field.value) !== this.initial.get(field),
      );
      place.textContent = changed.length > 0 ? `${changed.length} changed` : '';
    }
    const moved = new Set(shifting(this.fields));
    for (const field of this.fields) {
      const hint = find('.hint', field.box);
      if (moved.has(field) && !hint && field.kind !== 'hidden') {
        const text = 'While this is empty, the values after it move up by one.';
        need('[data-error]', field.box).before(element('p', { class: 'hint' }, text));
      } else if (!moved.has(field)) {
        hint?.remove();
      }
    }
  }

  reset() {
    this.form.reset();
    for (const field of this.fields) field.showError('');
    this.summary.replaceChildren();
    this.form.dispatchEvent(new Event('input'));
    this.draft.forget();
    toast('The form is as it was at first');
  }

  async copyLink() {
    const { text, isLong } = linkWithValues(this.fields);
    await copy(text, 'Link');
    if (isLong) toast('The link is long: some programs cut it');
  }

  async submit() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      if (this.isValid() && (await this.isConfirmed())) {
        this.start(await argumentsMember(this.fields));
      }
    } catch (error) {
      toast(error instanceof Error ? error.message : 'A file cannot be read.');
    } finally {
      this.isBusy = false;
    }
  }

  /** Checks all values and shows what is wrong. */
  isValid() {
    const errors = new Map();
    for (const field of this.fields) {
      const problem = field.kind === 'hidden' ? '' : problemOfField(field);
      if (problem) errors.set(field.name, problem);
    }
    showErrors(this.summary, this.fields, errors);
    return errors.size === 0;
  }

  async isConfirmed() {
    const { confirm: text, danger, label, script } = this.form.dataset;
    if (text === undefined && danger === undefined) return true;
    const isDanger = danger !== undefined;
    return confirm({
      title: `Run ${label}?`,
      text: text ?? 'This script changes or removes something that cannot be brought back.',
      action: 'Run',
      danger: isDanger,
      word: isDanger ? (script ?? '') : '',
    });
  }

  /**
   * Shows what the server said against the values.
   * @param {Record<string, string>} fields
   */
  showServerErrors(fields) {
    const errors = Object.entries(fields).map(([name, text]) => {
      const sentence = text.charAt(0).toUpperCase() + text.slice(1);
      return /** @type {const} */ ([name, /[.!?]$/.test(sentence) ? sentence : `${sentence}.`]);
    });
    showErrors(this.summary, this.fields, new Map(errors));
  }

  /**
   * @param {import('../page/http.js').Problem} problem
   * @param {() => void} retry
   */
  showProblem(problem, retry) {
    showProblem(this.summary, problem, () => {
      this.summary.replaceChildren();
      retry();
    });
  }
}

/** The number beside a slider.
 * @param {HTMLFormElement} form */
function prepareRanges(form) {
  for (const output of all('[data-read-out]', form)) {
    /** @type {HTMLInputElement} */
    const input = need('input', /** @type {HTMLElement} */ (output.parentElement));
    const show = () => {
      output.textContent = input.value;
    };
    show();
    input.closest('[data-field]')?.addEventListener('input', show);
    form.addEventListener('reset', () => setTimeout(show));
  }
}

/** All or none of many boxes.
 * @param {HTMLFormElement} form */
function prepareMany(form) {
  for (const list of all('.choices-many', form)) {
    const boxes = /** @type {HTMLInputElement[]} */ (all('input', list));
    /** @param {boolean} isChecked */
    const tick = (isChecked) => {
      for (const box of boxes) box.checked = isChecked;
      list.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const button = (/** @type {string} */ text, /** @type {boolean} */ isChecked) =>
      element('button', { class: 'button button-small', type: 'button', click: () => tick(isChecked) }, text);
    const count = element('span', {});
    const show = () => {
      count.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length}`;
    };
    show();
    list.addEventListener('input', show);
    form.addEventListener('reset', () => setTimeout(show));
    list.after(element('p', { class: 'small-actions' }, button('All', true), button('None', false), count));
  }
}
