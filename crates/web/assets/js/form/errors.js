// @ts-check
/** Errors of a form: at the fields, and a summary that leads to them. */

import { element, icon } from '../page/dom.js';

/** @typedef {import('./fields.js').Field} Field */

/**
 * Shows the errors and moves the focus to the first of them.
 * @param {HTMLElement} place
 * @param {Field[]} fields
 * @param {Map<string, string>} errors by name of the argument
 */
export function showErrors(place, fields, errors) {
  for (const field of fields) field.showError(errors.get(field.name) ?? '');
  if (errors.size === 0) {
    place.replaceChildren();
    return;
  }
  const known = fields.filter((field) => errors.has(field.name));
  const names = new Set(known.filter((field) => field.kind !== 'hidden').map((field) => field.name));
  const items = [...errors].map(([name, text]) => {
    const field = fields.find((each) => each.name === name);
    if (!field || !names.has(name)) return element('li', {}, `${name}: ${text}`);
    const link = element(
      'a',
      {
        href: `#${field.controls[0]?.id || field.box.id}`,
        click: (event) => {
          event.preventDefault();
          field.focus();
        },
      },
      field.label,
    );
    return element('li', {}, link, `: ${text}`);
  });
  const count = errors.size === 1 ? 'One value needs' : `${errors.size} values need`;
  place.replaceChildren(
    element(
      'div',
      { class: 'summary', role: 'alert', 'data-testid': 'error-summary' },
      element('p', {}, element('strong', {}, `${count} your attention`)),
      element('ul', {}, ...items),
    ),
  );
  known.find((field) => names.has(field.name))?.focus();
}

/**
 * Shows why a request failed, with a way to try again.
 * @param {HTMLElement} place
 * @param {import('../page/http.js').Problem} problem
 * @param {() => void} retry
 */
export function showProblem(place, problem, retry) {
  const details = [problem.status || '', problem.requestId && `request ${problem.requestId}`];
  const small = details.filter(Boolean).join(', ');
  place.replaceChildren(
    element(
      'div',
      { class: 'note note-danger', role: 'alert' },
      icon('cross-circle'),
      element(
        'div',
        {},
        element('p', {}, element('strong', {}, 'The run did not start. '), problem.message),
        small && element('p', {}, element('small', {}, `Error ${small}`)),
        element('p', { class: 'note-actions' }, element('button', { class: 'button button-small', type: 'button', click: retry }, 'Retry')),
      ),
    ),
  );
  place.scrollIntoView({ block: 'nearest' });
}
