// @ts-check
/** One run of a script: started, followed to its end, perhaps stopped. */

import { get, post, Problem } from '../page/http.js';

/**
 * @typedef {'running' | 'succeeded' | 'failed' | 'timed-out' | 'stopped' | 'not-started' | 'lost'} State
 * @typedef {'stdout' | 'stderr'} StreamName
 */

const LIVE_PAUSE_MS = 250;
/** How long a lost connection is retried. */
const PATIENCE_MS = 120_000;

/** The words of the states. */
export const WORDS = {
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  'timed-out': 'Timed out',
  stopped: 'Stopped',
  'not-started': 'Could not start',
  lost: 'Connection lost',
};

/** A run and what it printed so far. Tells its listeners with the events `output` and `state`. */
export class Run extends EventTarget {
  /**
   * @param {number} number
   * @param {string} script
   * @param {string} type what standard output is expected to hold
   */
  constructor(number, script, type) {
    super();
    this.number = number;
    this.script = script;
    /** @type {State} */
    this.state = 'running';
    this.startedAt = new Date();
    this.from = performance.now();
    this.took = 0;
    /** @type {number | null} */
    this.code = null;
    this.key = '';
    this.isStopping = false;
    this.note = '';
    this.requestId = '';
    /** @type {Record<StreamName, string[]>} */
    this.parts = { stdout: [], stderr: [] };
    /** @type {Record<StreamName, string>} */
    this.types = { stdout: type, stderr: 'text/plain' };
  }

  get isRunning() {
    return this.state === 'running';
  }

  /** Milliseconds since the start, or of the whole run. */
  get duration() {
    return this.isRunning ? performance.now() - this.from : this.took;
  }

  /** @param {StreamName} stream */
  text(stream) {
    const { parts } = this;
    if (parts[stream].length > 1) parts[stream] = [parts[stream].join('')];
    return parts[stream][0] ?? '';
  }

  /**
   * Starts the script and follows it. A problem before the start is thrown.
   * @param {string} members the member `arguments` of the request
   */
  async start(members) {
    const reply = await post(`api/scripts/${encodeURIComponent(this.script)}`, members);
    this.receive(reply);
    void this.follow(reply);
  }

  /** @param {any} reply */
  async follow(reply) {
    let last = reply;
    while (last.key) {
      const isQuiet = !last.stdout && !last.stderr;
      if (isQuiet) await pause(LIVE_PAUSE_MS);
      try {
        last = await this.next(last.key);
      } catch (problem) {
        this.fail(problem);
        return;
      }
      this.receive(last);
    }
    this.finish(last);
  }

  /**
   * The next part of the output; a lost connection is retried for a while.
   * @param {string} key
   */
  async next(key) {
    // Clients of this address send the `=` of a key as it is.
    const path = `api/script/get/${encodeURIComponent(key).replaceAll('%3D', '=')}`;
    const until = performance.now() + PATIENCE_MS;
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      try {
        const reply = await get(path);
        if (this.note) this.say('');
        return reply;
      } catch (problem) {
        const isOffline = problem instanceof Problem && problem.kind === 'offline';
        if (!isOffline || performance.now() > until) throw problem;
        this.say('The connection is lost. Trying again…');
        await pause(wait);
      }
    }
  }

  /** @param {any} reply */
  receive(reply) {
    this.key = typeof reply.key === 'string' ? reply.key : '';
    if (reply['Content-Type']) this.types.stdout = String(reply['Content-Type']);
    if (reply['Stderr-Content-Type']) this.types.stderr = String(reply['Stderr-Content-Type']);
    for (const stream of /** @type {StreamName[]} */ (['stdout', 'stderr'])) {
      const text = reply[stream];
      if (typeof text !== 'string' || text === '') continue;
      this.parts[stream].push(text);
      this.dispatchEvent(new CustomEvent('output', { detail: { stream, text } }));
    }
    this.dispatchEvent(new Event('state'));
  }

  /** @param {any} reply */
  finish(reply) {
    this.code = typeof reply.code === 'number' ? reply.code : null;
    const error = String(reply.error ?? '');
    const isFailed = this.code !== 0;
    if (error === 'TimeoutError') this.end('timed-out');
    else if (this.isStopping && isFailed) this.end('stopped');
    else {
      if (error && error !== 'No errors') this.note = error;
      this.end(isFailed ? 'failed' : 'succeeded');
    }
  }

  /** @param {unknown} problem */
  fail(problem) {
    const message = problem instanceof Error ? problem.message : '';
    this.note = `${message} The run may go on on the server, but its output cannot be followed here.`;
    this.requestId = problem instanceof Problem ? problem.requestId : '';
    this.end('lost');
    if (problem instanceof Problem && problem.kind === 'session') this.dispatchEvent(new Event('session'));
  }

  /** The server could not start the script.
   * @param {Problem} problem */
  refuse(problem) {
    this.note = problem.message;
    this.requestId = problem.requestId;
    this.end('not-started');
  }

  /** @param {State} state */
  end(state) {
    this.took = performance.now() - this.from;
    this.state = state;
    this.key = '';
    this.dispatchEvent(new Event('state'));
    this.dispatchEvent(new Event('end'));
  }

  /** @param {string} note */
  say(note) {
    this.note = note;
    this.dispatchEvent(new Event('state'));
  }

  /** Asks the server to end the script. */
  async stop() {
    if (!this.key || this.isStopping) return;
    this.isStopping = true;
    this.say('');
    try {
      await post(`api/script/stop/${encodeURIComponent(this.key).replaceAll('%3D', '=')}`);
    } catch (problem) {
      this.isStopping = false;
      if (this.isRunning) this.say(`It could not be stopped. ${problem instanceof Error ? problem.message : ''}`);
    }
  }
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
