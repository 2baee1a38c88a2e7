// @ts-check
/** What is sent to a script while it runs. */

import { element } from '../page/dom.js';
import { post } from '../page/http.js';

/** @typedef {import('./run.js').Run} Run */

/** The server takes no more at once, in bytes; a character has at most three per unit of text. */
const MOST_AT_ONCE = 16_000;

/** Sends text in the order in which it was typed, as few requests as possible. */
export class Sender {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.waiting = '';
    this.isSending = false;
  }

  /** @param {string} text */
  send(text) {
    this.waiting += text;
    void this.work();
  }

  async work() {
    if (this.isSending) return;
    this.isSending = true;
    try {
      while (this.waiting !== '') {
        const text = this.waiting.slice(0, MOST_AT_ONCE);
        this.waiting = this.waiting.slice(text.length);
        await post(`${this.run.path}/input`, `"text":${JSON.stringify(text)}`);
      }
      this.run.say('');
    } catch (problem) {
      this.waiting = '';
      if (!this.run.isOver) this.run.say(`The input was not sent. ${problem instanceof Error ? problem.message : ''}`);
    } finally {
      this.isSending = false;
    }
  }

  /** Says that nothing more comes. */
  async end() {
    try {
      await post(`${this.run.path}/close_input`);
    } catch (problem) {
      if (!this.run.isOver) this.run.say(`The input was not ended. ${problem instanceof Error ? problem.message : ''}`);
    }
  }
}

/** A line to type for a script that asks. */
export class InputLine {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.sender = new Sender(run);
    this.isEnded = false;
    const id = `input-${run.number}`;
    this.input = element('input', {
      class: 'input',
      id,
      type: 'text',
      autocomplete: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      enterkeyhint: 'send',
    });
    const end = element('button', { class: 'button', type: 'button', title: 'The script learns that nothing more comes', click: () => this.end() }, 'End input');
    this.root = element(
      'form',
      { class: 'run-input', 'data-testid': 'run-input', submit: (event) => this.submit(event) },
      element('label', { class: 'label', for: id }, 'Input'),
      this.input,
      element('button', { class: 'button button-primary', type: 'submit' }, 'Send'),
      end,
    );
    run.addEventListener('state', () => this.update());
    this.update();
  }

  update() {
    const { record } = this.run;
    this.root.hidden = this.isEnded || record.terminal === true || !record.interactive || !record.can.input;
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    this.sender.send(`${this.input.value}\n`);
    this.input.value = '';
    this.input.focus();
  }

  async end() {
    this.isEnded = true;
    this.update();
    await this.sender.end();
  }
}
