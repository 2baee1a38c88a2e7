// @ts-check
/** The fields of a form: reading and setting their values, whatever their control. */

import { all, element, icon, need } from '../page/dom.js';

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */
/** @typedef {string | boolean | string[]} Value */

/** One argument of the form. */
export class Field {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.name = box.dataset.name ?? '';
    this.label = box.dataset.label ?? this.name;
    this.kind = box.dataset.kind ?? 'line';
    this.isRequired = box.dataset.required !== undefined;
    this.isSecret = box.dataset.secret !== undefined;
    this.isInput = box.dataset.stdin !== undefined;
    this.formHint = box.dataset.formHint ?? '';
  }

  /** @returns {Control[]} */
  get controls() {
    if (this.box.matches('[data-control]')) return [/** @type {Control} */ (this.box)];
    return /** @type {any} */ (all('[data-control]', this.box));
  }

  /** @returns {HTMLInputElement[]} */
  get inputs() {
    return /** @type {HTMLInputElement[]} */ (this.controls);
  }

  /** Whether the value may be kept in the tab and put into links. */
  get isPublic() {
    return !this.isSecret && !['password', 'file', 'hidden'].includes(this.kind);
  }

  /** The value as it is sent, except files.
   * @returns {Value} */
  get value() {
    const { inputs } = this;
    switch (this.kind) {
      case 'checkbox':
        return inputs[0]?.checked ?? false;
      case 'radio':
        return inputs.find((input) => input.checked)?.value ?? '';
      case 'boxes':
        return inputs.filter((input) => input.checked).map((input) => input.value);
      case 'rows':
        return inputs.map((input) => input.value).filter((text) => text !== '');
      case 'file':
        return '';
      default:
        return this.controls[0]?.value ?? '';
    }
  }

  /** @param {Value} value */
  set value(value) {
    const texts = Array.isArray(value) ? value : [String(value)];
    const { inputs } = this;
    switch (this.kind) {
      case 'checkbox':
        if (inputs[0]) inputs[0].checked = value === true;
        break;
      case 'radio':
      case 'boxes':
        for (const input of inputs) input.checked = texts.includes(input.value);
        break;
      case 'rows':
        this.box.dispatchEvent(new CustomEvent('rows', { detail: texts }));
        break;
      default:
        if (this.controls[0]) this.controls[0].value = texts[0] ?? '';
    }
    this.box.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** The files that were chosen. */
  get files() {
    return [...(this.inputs[0]?.files ?? [])];
  }

  get isEmpty() {
    if (this.kind === 'file') return this.files.length === 0;
    const { value } = this;
    return typeof value === 'boolean' ? !value : value.length === 0;
  }

  /** The text of the error; empty: there is none.
   * @param {string} text */
  showError(text) {
    if (this.kind === 'hidden') return;
    const place = need('[data-error]', this.box);
    if ((place.textContent ?? '') === text) return;
    place.replaceChildren(...(text ? [icon('cross-circle'), element('span', {}, text)] : []));
    this.box.toggleAttribute('data-invalid', text !== '');
    for (const control of this.controls) {
      if (text) control.setAttribute('aria-invalid', 'true');
      else control.removeAttribute('aria-invalid');
    }
  }

  get hasError() {
    return this.box.hasAttribute('data-invalid');
  }

  focus() {
    const details = this.box.closest('details');
    if (details) details.open = true;
    const { inputs } = this;
    const target = this.kind === 'radio' ? inputs.find((input) => input.checked) : undefined;
    (target ?? inputs[0])?.focus();
  }
}

/**
 * The fields of a form in the order of the page, which is the order of the command line.
 * @param {HTMLFormElement} form
 */
export function fieldsOf(form) {
  return all('[data-field]', form).map((box) => new Field(box));
}
