// @ts-check
/** The files that a run left behind. */

import { element, icon } from '../page/dom.js';
import { get, problemOf, request } from '../page/http.js';
import { at } from '../page/site.js';
import { bytesText, timeText } from '../page/units.js';

/** @typedef {import('./run.js').Run} Run */
/** @typedef {{ name: string, size: number, modified: string }} ResultFile */

/** @type {Record<string, string>} */
const PICTURES = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  svg: 'image/svg+xml',
};
const LARGEST_PICTURE = 10_000_000;
const MOST_PICTURES = 12;

/**
 * Lists the files of a run that is over, if there are any.
 * @param {HTMLElement} box
 * @param {Run} run
 */
export async function showFiles(box, run) {
  /** @type {ResultFile[]} */
  const files = (await get(`${run.path}/files/`)).files ?? [];
  if (files.length === 0) return;
  const id = `files-${run.number}`;
  const list = element('ul', { class: 'files' }, ...files.map((file) => entry(run, file)));
  box.replaceChildren(
    element('section', { class: 'result-files', 'aria-labelledby': id, 'data-testid': 'result-files' },
      element('h3', { id, class: 'stream-title' }, 'Result files', element('span', { class: 'count' }, String(files.length))), list),
  );
  const pictures = files.filter((file) => typeOf(file) !== undefined && file.size <= LARGEST_PICTURE);
  for (const file of pictures.slice(0, MOST_PICTURES)) {
    const place = list.children[files.indexOf(file)];
    if (place) await showPicture(place, run, file);
  }
}

/**
 * @param {Run} run
 * @param {ResultFile} file
 */
function pathOf(run, file) {
  return `${run.path}/files/${encodeURIComponent(file.name)}`;
}

/** @param {ResultFile} file */
function typeOf({ name }) {
  return PICTURES[name.split('.').at(-1)?.toLowerCase() ?? ''];
}

/**
 * @param {Run} run
 * @param {ResultFile} file
 */
function entry(run, file) {
  const modified = new Date(file.modified);
  return element(
    'li',
    { class: 'file' },
    element('a', { class: 'file-link', href: at(pathOf(run, file)), download: file.name }, icon('file'), element('span', {}, file.name)),
    element('span', { class: 'file-fact' }, bytesText(file.size)),
    element('time', { class: 'file-fact', datetime: file.modified }, timeText(modified)),
  );
}

/**
 * Pictures are read as data and shown as pictures alone, whatever the server calls them.
 * @param {Element} place
 * @param {Run} run
 * @param {ResultFile} file
 */
async function showPicture(place, run, file) {
  const response = await request(pathOf(run, file), {});
  if (!response.ok) throw await problemOf(response);
  const bytes = await response.arrayBuffer();
  const image = element('img', { class: 'file-picture', alt: `Picture ${file.name}` });
  image.src = URL.createObjectURL(new Blob([bytes], { type: typeOf(file) ?? '' }));
  image.addEventListener('error', () => image.remove());
  place.append(image);
}
