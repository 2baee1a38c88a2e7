// @ts-check
/** Signing in. */

import { prepareReveal } from './form/reveal.js';
import { all, find, need } from './page/dom.js';
import { Problem, problemOf, request } from './page/http.js';
import { prepareShell } from './page/shell.js';
import { targetAfterSignIn } from './page/site.js';

prepareShell();

/** @type {HTMLFormElement} */
const form = need('[data-sign-in]');
const message = need('[data-message]');
/** @type {HTMLButtonElement} */
const submit = need('[data-submit]');
const target = targetAfterSignIn(form.dataset.next);
let isBusy = false;

prepareReveal(form);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  if (!isBusy) void signIn();
});
for (const name of /** @type {const} */ (['keydown', 'keyup'])) {
  form.addEventListener(name, (event) => {
    const isOn = event.getModifierState?.('CapsLock') && event.target instanceof HTMLInputElement;
    need('[data-caps-lock]').textContent = isOn ? 'Caps Lock is on.' : '';
  });
}

/** @type {HTMLAnchorElement | null} */
const goOn = find('[data-continue]');
if (goOn) goOn.href = target;
find('[data-switch-user]')?.addEventListener('click', () => {
  need('[data-already]').hidden = true;
  form.hidden = false;
  focusFirstEmpty();
});
if (!form.hidden) focusFirstEmpty();

function inputs() {
  return /** @type {HTMLInputElement[]} */ (all('[data-control]', form));
}

function focusFirstEmpty() {
  inputs()
    .find((input) => input.value === '')
    ?.focus();
}

/** @param {string} text */
function show(text) {
  need('[data-message-text]').textContent = text;
  message.hidden = text === '';
}

async function signIn() {
  const empty = inputs().find((input) => input.required && input.value === '');
  if (empty) {
    show('Enter your user name and password.');
    empty.focus();
    return;
  }
  isBusy = true;
  show('');
  submit.setAttribute('aria-busy', 'true');
  submit.textContent = 'Signing in…';
  try {
    const text = await attempt();
    if (text === '') {
      location.assign(target);
      return;
    }
    show(text);
    forgetSecrets();
  } catch (problem) {
    show(problem instanceof Problem ? problem.message : 'Sign-in is not working at the moment.');
  }
  isBusy = false;
  submit.removeAttribute('aria-busy');
  submit.textContent = 'Sign in';
}

/** Sends what was entered. Gives the reason of a failure, or nothing. */
async function attempt() {
  const names = all('[data-field]', form).map((field) => {
    const control = field.querySelector('input');
    const value = control?.type === 'checkbox' ? control.checked : (control?.value ?? '');
    return `${JSON.stringify(field.dataset.name)}:${JSON.stringify({ value, input: field.dataset.stdin !== undefined })}`;
  });
  const response = await request('auth/', {
    method: 'POST',
    headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
    body: `{"arguments":{${names.join(',')}}}`,
  });
  if (response.status === 401) return 'User name or password is wrong.';
  if (response.status === 403 || response.status === 429) return tooMany(response);
  if (response.status >= 400) {
    const problem = await problemOf(response);
    const id = problem.requestId ? ` Request ${problem.requestId}` : '';
    return response.status >= 500 ? `Sign-in is not working at the moment.${id}` : problem.message;
  }
  const session = await request('api/session/', { headers: { Accept: 'application/json' } });
  const isIn = session.ok && (await session.json()).user !== null;
  return isIn ? '' : 'User name or password is wrong.';
}

/** @param {Response} response */
function tooMany(response) {
  const seconds = Number(response.headers.get('Retry-After'));
  if (!(seconds > 0)) return 'Too many attempts. Try again later.';
  const wait = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `Too many attempts. Try again in ${wait}.`;
}

function forgetSecrets() {
  const secrets = inputs().filter((input) => input.closest('[data-secret]'));
  for (const input of secrets) input.value = '';
  secrets[0]?.focus();
}
