// @ts-check
/** What values must be like, as far as a browser can tell. The server checks everything again. */

/** @typedef {import('./fields.js').Field} Field */
/** @typedef {import('./fields.js').Control} Control */

/**
 * What is wrong with the value of a field; empty: nothing.
 * @param {Field} field
 */
export function problemOfField(field) {
  if (field.isRequired && field.isEmpty) return missing(field);
  for (const control of field.controls) {
    const problem = problemOfControl(field, control);
    if (problem) return problem;
  }
  return '';
}

/** @param {Field} field */
function missing(field) {
  switch (field.kind) {
    case 'checkbox':
      return 'Tick this box, it is required.';
    case 'file':
      return 'Choose a file, it is required.';
    case 'radio':
    case 'select':
    case 'boxes':
      return 'Choose a value, it is required.';
    default:
      return 'Enter a value, it is required.';
  }
}

/**
 * @param {Field} field
 * @param {Control} control
 */
function problemOfControl(field, control) {
  const { validity } = control;
  if (validity.badInput) return 'Enter a complete value.';
  if (control.value === '') return '';
  if (control instanceof HTMLInputElement) {
    if (validity.typeMismatch) {
      return control.type === 'email'
        ? 'Enter an e-mail address, such as name@example.org.'
        : 'Enter an address, such as https://example.org/.';
    }
    if (validity.rangeUnderflow) return `Enter at least ${control.min}.`;
    if (validity.rangeOverflow) return `Enter at most ${control.max}.`;
    if (validity.stepMismatch) return `Enter a value in steps of ${control.step || '1'}.`;
  }
  return problemOfText(field, control);
}

/**
 * Browsers check lengths of typed text only, and count otherwise than the server.
 * @param {Field} field
 * @param {Control} control
 */
function problemOfText(field, control) {
  const length = [...control.value].length;
  const least = Number(control.getAttribute('minlength'));
  const most = control.hasAttribute('maxlength') ? Number(control.getAttribute('maxlength')) : Infinity;
  if (length < least) return `Enter at least ${least} characters.`;
  if (length > most) return `Enter at most ${most} characters.`;
  const pattern = control.dataset.wsPattern;
  if (pattern && !matches(pattern, control.value)) {
    return field.formHint || 'The value does not have the required form.';
  }
  return '';
}

/**
 * @param {string} pattern
 * @param {string} text
 */
function matches(pattern, text) {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(text);
  } catch {
    // The server reads patterns that browsers do not.
    return true;
  }
}

/**
 * Positional arguments that are empty although a later one is not: the later values move up.
 * @param {Field[]} fields
 */
export function shifting(fields) {
  const positional = fields.filter((field) => !field.name.startsWith('-') && !field.isInput);
  const last = positional.findLastIndex((field) => !field.isEmpty);
  return positional.filter((field, index) => index < last && field.isEmpty);
}
