// @ts-check
/** One run: what is known of it, what may be done with it. */

import { post, Problem, request, problemOf } from '../page/http.js';
import { isOver } from './record.js';

/** @typedef {import('./record.js').RunRecord} RunRecord */
/** @typedef {import('./record.js').StreamName} StreamName */
/** @typedef {import('./paint.js').Span} Span */

/** Of a large output that is over, this much of the beginning and of the end is read. */
const PART_BYTES = 1_500_000;
/** How long a script may take to obey before it can be killed. */
const PATIENCE_MS = 5000;

/**
 * A run. Tells its listeners with the events `output`, `cut`, `progress`, `screen`, `state` and,
 * when everything has arrived, `end`.
 */
export class Run extends EventTarget {
  /**
   * @param {RunRecord} record
   * @param {number} number of the run on this page
   */
  constructor(record, number) {
    super();
    this.record = record;
    this.number = number;
    /** Sequence number of the next event. */
    this.next = 0;
    this.isComplete = false;
    this.isStopping = false;
    this.mayKill = false;
    /** Something to say about what was tried. */
    this.note = '';
    /** Something to say about the connection, and the request that it is about. */
    this.connection = '';
    this.requestId = '';
    /** When the script started, by the clock of this page. */
    this.from = startOf(record);
    /** Bytes of output that were read. */
    this.readBytes = 0;
    /** Where to go on after the beginning of a very large output; 0: nothing is left out. */
    this.skipTo = skipOf(record);
  }

  get id() {
    return this.record.id;
  }

  get isOver() {
    return isOver(this.record);
  }

  /** The address of the run below the root of the site. */
  get path() {
    return `api/runs/${encodeURIComponent(this.id)}`;
  }

  /** Milliseconds since the start, or of the whole run. The clock of the server does not matter. */
  get duration() {
    const { duration_ms: known, state } = this.record;
    if (state === 'running') return performance.now() - this.from;
    return known ?? 0;
  }

  /**
   * Something that happened, in the words of the server.
   * @param {string} kind
   * @param {any} data
   */
  receive(kind, data) {
    if (kind === 'output') this.receiveOutput(data);
    else if (kind === 'cut') this.receiveCut(data);
    else if (kind === 'state') this.update(data);
    else if (kind === 'end') {
      this.update(data);
      this.complete();
    } else this.tell(kind, data);
  }

  /** @param {any} data */
  receiveOutput(data) {
    // What was seen before a lost connection may come again.
    if (data.sequence < this.next) return;
    this.next = data.sequence + 1;
    this.tell('output', data);
    this.readBytes += data.text.length;
    if (this.skipTo > this.next && this.readBytes > PART_BYTES) {
      this.next = this.skipTo;
      this.tell('skip', undefined);
    }
  }

  /** @param {any} data */
  receiveCut(data) {
    if (data.to_sequence <= this.next) return;
    this.next = data.to_sequence;
    this.tell('cut', data);
  }

  /** @param {RunRecord} record */
  update(record) {
    // Answers overtake one another: what is over does not run again.
    if (this.isOver && !isOver(record)) return;
    const wasRunning = this.record.state === 'running';
    this.record = record;
    if (!wasRunning || record.duration_ms != null) this.from = startOf(record);
    this.tell('state', undefined);
  }

  /** Everything has arrived. */
  complete() {
    if (this.isComplete) return;
    this.isComplete = true;
    this.setConnection('');
    this.tell('end', undefined);
  }

  /**
   * @param {string} name
   * @param {any} detail
   */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** @param {string} note */
  say(note) {
    if (note === this.note) return;
    this.note = note;
    this.tell('state', undefined);
  }

  /**
   * @param {string} text empty: all is well
   * @param {string} [requestId]
   */
  setConnection(text, requestId = '') {
    if (text === this.connection) return;
    this.connection = text;
    this.requestId = requestId;
    this.tell('state', undefined);
  }

  /** Asks the server to end the script; after a while it may be killed. */
  async stop() {
    if (this.isStopping || this.isOver) return;
    this.isStopping = true;
    this.say('');
    this.tell('state', undefined);
    setTimeout(() => {
      this.mayKill = true;
      this.tell('state', undefined);
    }, PATIENCE_MS);
    await this.order('stop');
  }

  /** Ends the script at once. */
  async kill() {
    await this.order('kill');
  }

  /** @param {string} verb */
  async order(verb) {
    try {
      const answer = await post(`${this.path}/${verb}`);
      if (answer.run) this.update(answer.run);
    } catch (problem) {
      this.isStopping = false;
      this.mayKill = false;
      if (!this.isOver) this.say(`It could not be stopped. ${problem instanceof Error ? problem.message : ''}`);
    }
  }

  /** Starts the script once more with the same arguments.
   * @returns {Promise<RunRecord>} */
  async again() {
    const answer = await post(`${this.path}/again`);
    return answer.run ?? answer;
  }

  async remove() {
    await post(`${this.path}/delete`);
  }

  /**
   * The address of the output, for reading it and for saving it.
   * @param {StreamName | 'both'} stream
   */
  outputPath(stream) {
    return `${this.path}/output?stream=${stream}`;
  }

  /**
   * All that is kept of an output, as text.
   * @param {StreamName | 'both'} stream
   */
  async text(stream) {
    const response = await request(this.outputPath(stream), {});
    if (!response.ok) throw await problemOf(response);
    try {
      return await response.text();
    } catch {
      throw new Problem('offline', 'The connection was lost while the output arrived.');
    }
  }
}

/** @param {RunRecord} record */
function startOf({ started, duration_ms: known }) {
  const elapsed = known ?? (started ? Date.now() - Date.parse(started) : 0);
  return performance.now() - Math.max(0, elapsed);
}

/** @param {RunRecord} record */
function skipOf({ stdout_bytes: stdout, stderr_bytes: stderr, next_sequence: chunks = 0 }) {
  const bytes = stdout + stderr;
  return bytes > 3 * PART_BYTES ? chunks - Math.ceil((chunks * PART_BYTES) / bytes) : 0;
}
