// @ts-check
/**
 * Following a run to its end: by a stream of events while somebody looks, by asking again where
 * streams do not get through, and slowly while nobody looks. Nothing is lost or shown twice,
 * because every event has a number.
 */

import { get, Problem } from '../page/http.js';
import { at } from '../page/site.js';

/** @typedef {import('./run.js').Run} Run */

/** Events that are missed when they do not arrive. */
const NEWS = ['output', 'cut', 'end'];
const KINDS = ['state', 'output', 'cut', 'progress', 'screen', 'end'];
/** A stream begins with an event at once: silence means that something holds it back. */
const FIRST_SILENCE_MS = 3000;
const SILENCE_MS = 15_000;
const LONG_POLL_S = 20;
/** Pause between questions while nobody looks. */
const IDLE_PAUSE_MS = 4000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** Streams that failed at once before they are given up. */
const MOST_FAILURES = 2;

/** Whether streams do not get through to this page. */
let isHeldBack = false;

export class Follower {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.isShown = true;
    this.isClosed = false;
    this.failures = 0;
    /** Ends what is waited for, so that the next step begins. */
    this.interrupt = () => {};
    this.onVisibility = () => this.interrupt();
    document.addEventListener('visibilitychange', this.onVisibility);
    addEventListener('online', this.onVisibility);
    run.addEventListener('skip', () => this.interrupt());
    void this.follow();
  }

  /** Whether somebody looks at the run now. Browsers allow few streams at a time. */
  get isWatched() {
    return this.isShown && document.visibilityState === 'visible';
  }

  /** @param {boolean} isShown */
  show(isShown) {
    if (this.isShown === isShown) return;
    this.isShown = isShown;
    this.interrupt();
  }

  close() {
    this.isClosed = true;
    document.removeEventListener('visibilitychange', this.onVisibility);
    removeEventListener('online', this.onVisibility);
    this.interrupt();
  }

  async follow() {
    let wait = FIRST_RETRY_MS;
    while (!this.isClosed && !this.run.isComplete) {
      try {
        await this.step();
        wait = FIRST_RETRY_MS;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (!this.mayRetry(problem)) break;
        await this.pause(wait);
        wait = Math.min(wait * 2, LONGEST_RETRY_MS);
      }
    }
    this.close();
  }

  async step() {
    if (!this.isWatched) {
      await this.poll(0);
      if (!this.run.isComplete && !this.isWatched) await this.pause(IDLE_PAUSE_MS);
    } else if (isHeldBack) {
      await this.poll(LONG_POLL_S);
    } else {
      const { why, events } = await this.stream();
      if (why === 'interrupted' || why === 'over') return;
      const news = await this.poll(0);
      this.failures = events === 0 ? this.failures + 1 : 0;
      const isSilent = why === 'silent' && (events === 0 || news > 0);
      if (isSilent || this.failures >= MOST_FAILURES) isHeldBack = true;
      else if (why === 'failed') await this.pause(FIRST_RETRY_MS);
    }
  }

  /** @returns {Promise<{ why: 'over' | 'failed' | 'silent' | 'interrupted', events: number }>} */
  stream() {
    const { run } = this;
    return new Promise((resolve) => {
      const source = new EventSource(at(`${run.path}/events?from=${run.next}&rendered=true`));
      let events = 0;
      let timer = 0;
      const end = (/** @type {'over' | 'failed' | 'silent' | 'interrupted'} */ why) => {
        source.close();
        clearTimeout(timer);
        this.interrupt = () => {};
        resolve({ why, events });
      };
      const listen = () => {
        clearTimeout(timer);
        timer = setTimeout(() => end('silent'), events === 0 ? FIRST_SILENCE_MS : SILENCE_MS);
      };
      this.interrupt = () => end('interrupted');
      for (const kind of KINDS) {
        source.addEventListener(kind, (event) => {
          events += 1;
          listen();
          run.setConnection('');
          run.receive(kind, JSON.parse(/** @type {MessageEvent} */ (event).data));
          if (kind === 'end') end('over');
        });
      }
      source.addEventListener('error', () => end('failed'));
      listen();
    });
  }

  /**
   * Asks what happened since; answers how many events there were.
   * @param {number} wait seconds to wait for something to happen
   */
  async poll(wait) {
    const { run } = this;
    const { next } = run;
    let isInterrupted = false;
    const interrupted = new Promise((resolve) => {
      this.interrupt = () => {
        isInterrupted = true;
        resolve(undefined);
      };
    });
    const answer = await Promise.race([
      get(`${run.path}/poll?from=${next}&wait=${wait}&rendered=true`),
      interrupted,
    ]);
    if (isInterrupted || answer === undefined) return 0;
    this.interrupt = () => {};
    run.setConnection('');
    /** @type {any[]} */
    const events = answer.events ?? [];
    for (const event of events) run.receive(event.event, event);
    run.next = Math.max(run.next, answer.next);
    run.update(answer.run);
    if (run.isOver && run.next === next) run.complete();
    return events.filter(({ event }) => NEWS.includes(event)).length;
  }

  /** Whether to go on after a problem; says it.
   * @param {Problem} problem */
  mayRetry(problem) {
    const { run } = this;
    if (problem.kind === 'session') {
      run.setConnection('Your session has ended. The run goes on; sign in to see it.');
      run.tell('session', undefined);
      return false;
    }
    if (problem.status === 404) {
      run.setConnection('This run is not there any more, or not for you.');
      return false;
    }
    if (problem.kind === 'offline') run.setConnection('The connection is lost. Trying again…');
    else run.setConnection(`${problem.message} Trying again…`, problem.requestId);
    return true;
  }

  /** @param {number} milliseconds */
  pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.interrupt = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }
}
