// @ts-check
/** Requests of the pages: JSON, with a token against forged requests, and plain problems. */

import { at } from './site.js';

/** Why a request did not succeed, in words for the reader. */
export class Problem extends Error {
  /**
   * @param {'offline' | 'session' | 'values' | 'refused'} kind
   * @param {string} message
   * @param {{ status?: number, requestId?: string, fields?: Record<string, string>, code?: string, retryAfter?: number }} [details]
   */
  constructor(kind, message, details = {}) {
    super(message);
    this.kind = kind;
    this.status = details.status ?? 0;
    this.requestId = details.requestId ?? '';
    this.fields = details.fields ?? {};
    this.code = details.code ?? '';
    this.retryAfter = details.retryAfter;
  }
}

/** @type {Record<number, string>} */
const SENTENCES = {
  400: 'The server does not understand what was sent.',
  403: 'You do not have the right for this.',
  404: 'The server does not know this any more.',
  406: 'The server did not accept the request. Load the page again and retry.',
  413: 'What was sent is larger than the server accepts.',
  429: 'Too many requests in a short time. Wait a moment and retry.',
  500: 'The server failed. It has logged the reason.',
  503: 'The server is busy at the moment. Wait a moment and retry.',
};

const first = document.documentElement.dataset.csrf ?? '';
const needsToken = first !== '';
let token = first;

/** Takes the token; each is good for one request. */
async function takeToken() {
  if (!needsToken) return '';
  if (token === '') await renewToken();
  const taken = token;
  token = '';
  return taken;
}

async function renewToken() {
  const answer = await get('api/session/csrf');
  token = String(answer.csrf_token ?? '');
}

/**
 * Sends JSON and reads JSON. `members` is the text of further members of the object, such as
 * `"arguments":{}`, so that the order of its names stays.
 * @param {string} path
 * @param {string} members
 * @returns {Promise<any>}
 */
export async function post(path, members = '') {
  try {
    return await postOnce(path, members);
  } catch (problem) {
    const isToken = problem instanceof Problem && problem.status === 403 && /csrf/.test(problem.code);
    if (!isToken || !needsToken) throw problem;
    token = '';
    return postOnce(path, members);
  }
}

/**
 * @param {string} path
 * @param {string} members
 */
async function postOnce(path, members) {
  const taken = await takeToken();
  const parts = [taken && `"csrf_token":${JSON.stringify(taken)}`, members];
  const answer = await read(
    await request(path, {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: `{${parts.filter(Boolean).join(',')}}`,
    }),
  );
  if (typeof answer?.csrf === 'string') token = answer.csrf;
  if (typeof answer?.csrf_token === 'string') token = answer.csrf_token;
  return answer;
}

/**
 * Reads JSON.
 * @param {string} path
 * @returns {Promise<any>}
 */
export async function get(path) {
  return read(await request(path, { headers: { Accept: 'application/json' } }));
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
export async function request(path, options) {
  try {
    return await fetch(at(path), {
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'manual',
      ...options,
    });
  } catch {
    throw new Problem('offline', 'The server cannot be reached.');
  }
}

/** @param {Response} response */
async function read(response) {
  if (response.type === 'opaqueredirect' || response.status === 401) {
    throw new Problem('session', 'Your session has ended.', { status: 401 });
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return {};
  try {
    return await response.json();
  } catch {
    throw new Problem('offline', 'The connection was lost while the answer arrived.');
  }
}

/**
 * What an answer with an error says.
 * @param {Response} response
 */
export async function problemOf(response) {
  const { status } = response;
  const sentence = SENTENCES[status] ?? (status > 500 ? SENTENCES[500] : 'The request failed.');
  const retryAfter = Number(response.headers.get('Retry-After')) || undefined;
  const requestId = response.headers.get('X-Request-Id') ?? '';
  /** @type {any} */
  let error = {};
  try {
    error = (await response.json()).error ?? {};
  } catch {
    // An answer that is not JSON says no more than its status.
  }
  const fields = error.fields && typeof error.fields === 'object' ? error.fields : {};
  const kind = Object.keys(fields).length > 0 ? 'values' : 'refused';
  return new Problem(kind, typeof error.message === 'string' ? error.message : (sentence ?? ''), {
    status,
    requestId: typeof error.request_id === 'string' ? error.request_id : requestId,
    fields,
    code: String(error.code ?? ''),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
