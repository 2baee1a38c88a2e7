// @ts-check
/** A strip with one bar per run of the last 24 hours. The table holds the same. */

import { element } from '../page/dom.js';
import { get, Problem } from '../page/http.js';
import { durationText, timeText } from '../page/units.js';
import { pageOf } from '../run/actions.js';
import { stateOf } from '../run/record.js';

/** @typedef {import('../run/record.js').RunRecord} RunRecord */

const SVG = 'http://www.w3.org/2000/svg';
const DAY_MS = 86_400_000;
const MOST = 200;
const WIDTH = 1200;
const HEIGHT = 40;
/** How wide a bar is. */
const BAR = 4;
/** Fewer say nothing that the table does not. */
const FEWEST = 5;

/** @param {HTMLElement} place */
export async function showActivity(place) {
  const until = Date.now();
  const query = new URLSearchParams({ from: new Date(until - DAY_MS).toISOString(), limit: String(MOST) });
  if (new URLSearchParams(location.search).get('mine') === 'true') query.set('mine', 'true');
  /** @type {RunRecord[]} */
  let runs = [];
  try {
    runs = (await get(`api/runs/?${query}`)).runs ?? [];
  } catch (problem) {
    // The table says what is wrong.
    if (!(problem instanceof Problem)) throw problem;
  }
  if (runs.length < FEWEST) return;
  const strip = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'group', 'aria-label': 'Runs of the last 24 hours' });
  const places = placesOf(runs, until);
  runs.forEach((run, index) => strip.prepend(bar(run, places[index] ?? 0)));
  prepareKeys(strip);
  const caption = element('figcaption', {}, element('span', {}, '24 hours ago'), element('span', {}, 'now'));
  place.replaceChildren(strip, caption);
  place.hidden = false;
}

/**
 * Where bars stand: at their time, and beside the next one where that is taken.
 * @param {RunRecord[]} runs the newest first
 * @param {number} until
 */
function placesOf(runs, until) {
  const step = Math.min(BAR + 2, (WIDTH - BAR) / Math.max(1, runs.length - 1));
  let last = WIDTH;
  return runs.map(({ created }, index) => {
    const age = Math.min(1, Math.max(0, (until - Date.parse(created)) / DAY_MS));
    const least = (runs.length - 1 - index) * step;
    last = Math.max(least, Math.min((1 - age) * (WIDTH - BAR), index === 0 ? WIDTH - BAR : last - step));
    return last;
  });
}

/**
 * Success is short, everything else tall: colour is not needed to tell them apart.
 * @param {RunRecord} run
 * @param {number} x
 */
function bar(run, x) {
  const { word } = stateOf(run);
  const height = run.state === 'succeeded' ? HEIGHT / 2 : HEIGHT;
  const took = run.duration_ms == null ? '' : `, ${durationText(run.duration_ms)}`;
  const name = `${run.label}, ${timeText(new Date(run.created))}: ${word.toLowerCase()}${took}`;
  const link = svg('a', { href: pageOf(run.id), class: `state-${run.state}`, 'aria-label': name });
  const title = svg('title', {});
  title.textContent = name;
  link.append(title, svg('rect', { x, y: HEIGHT - height, width: BAR, height }));
  return link;
}

/** One stop of the Tab key; arrow keys lead from bar to bar.
 * @param {SVGElement} strip */
function prepareKeys(strip) {
  const bars = /** @type {SVGElement[]} */ ([...strip.children]);
  let now = bars.length - 1;
  const stop = (/** @type {number} */ to) => {
    now = to;
    bars.forEach((each, index) => each.setAttribute('tabindex', index === now ? '0' : '-1'));
  };
  stop(now);
  strip.addEventListener('keydown', (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: bars.length - 1 }[key];
    if (to === undefined || !bars[to]) return;
    event.preventDefault();
    stop(to);
    bars[to]?.focus();
  });
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}
