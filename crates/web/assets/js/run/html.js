// @ts-check
/**
 * HTML that a script printed. The server reads and sanitises it and sends a tree of nodes; here
 * the nodes become elements, by a second list of what is allowed.
 */

import { element } from '../page/dom.js';
import { post } from '../page/http.js';

/**
 * @typedef {{ text: string }} TextNode
 * @typedef {{ tag: string, attrs?: Record<string, string>, children?: TreeNode[] }} TagNode
 * @typedef {TextNode | TagNode} TreeNode
 */

const TAGS = new Set(
  (
    'a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em ' +
    'figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section ' +
    'article header footer small span strong sub summary sup table tbody td tfoot th thead time tr u ul var'
  ).split(' '),
);
/** @type {Record<string, string[]>} */
const ATTRIBUTES = {
  '*': ['title', 'lang', 'dir'],
  td: ['colspan', 'rowspan'],
  th: ['colspan', 'rowspan', 'scope'],
  col: ['span'],
  ol: ['start', 'reversed', 'type'],
  time: ['datetime'],
  img: ['alt', 'width', 'height'],
  details: ['open'],
};
const PICTURE = /^data:(image\/(?:png|jpeg|gif|webp|avif|svg\+xml));base64,([a-z0-9+/=\s]+)$/i;
const DEEPEST = 100;

/**
 * The elements of a text, and how many parts the server left out.
 * @param {string} html
 * @param {string} label
 */
export async function renderedHtml(html, label) {
  const answer = await post('api/output/nodes', `"html":${JSON.stringify(html)}`);
  const root = element('div', { class: 'rendered', tabindex: 0, role: 'region', 'aria-label': label });
  for (const child of answer.nodes ?? []) append(root, child, 0);
  return { root, dropped: Number(answer.dropped ?? 0) };
}

/**
 * @param {HTMLElement} parent
 * @param {TreeNode} node
 * @param {number} depth
 */
function append(parent, node, depth) {
  if ('text' in node) {
    parent.append(String(node.text));
    return;
  }
  const children = node.children ?? [];
  if (!TAGS.has(node.tag) || depth > DEEPEST) {
    for (const child of children) append(parent, child, depth + 1);
    return;
  }
  const made = build(node);
  for (const child of children) append(made, child, depth + 1);
  parent.append(node.tag === 'table' ? element('div', { class: 'scroll' }, made) : made);
}

/** @param {TagNode} node */
function build({ tag, attrs = {} }) {
  const level = /^h([1-6])$/.exec(tag)?.[1];
  // Headings continue those of the page.
  const made = level
    ? element(/** @type {'h3'} */ (`h${Math.min(6, Number(level) + 2)}`), { class: `level-${level}` })
    : element(/** @type {'div'} */ (tag));
  const allowed = [...(ATTRIBUTES['*'] ?? []), ...(ATTRIBUTES[tag] ?? [])];
  for (const [name, value] of Object.entries(attrs)) {
    if (allowed.includes(name)) made.setAttribute(name, String(value));
  }
  if (made instanceof HTMLAnchorElement) setLink(made, attrs.href);
  if (made instanceof HTMLImageElement) setPicture(made, attrs.src);
  return /** @type {HTMLElement} */ (made);
}

/**
 * @param {HTMLAnchorElement} link
 * @param {string | undefined} href
 */
function setLink(link, href) {
  if (href === undefined || !URL.canParse(href, location.href)) return;
  const address = new URL(href, location.href);
  if (!['http:', 'https:', 'mailto:'].includes(address.protocol)) return;
  link.href = address.href;
  if (address.origin === location.origin) return;
  link.rel = 'noopener noreferrer nofollow';
  link.target = '_blank';
}

/**
 * Pictures in the text become objects of the page; others are only taken from this server.
 * @param {HTMLImageElement} image
 * @param {string | undefined} source
 */
function setPicture(image, source) {
  if (!image.hasAttribute('alt')) image.alt = '';
  if (source === undefined) return;
  const [, type, data] = PICTURE.exec(source) ?? [];
  if (data !== undefined) {
    try {
      const bytes = Uint8Array.from(atob(data.replace(/\s/g, '')), (char) => char.charCodeAt(0));
      image.src = URL.createObjectURL(new Blob([bytes], { type: type ?? '' }));
    } catch {
      // Data that is not Base64 is no picture.
    }
  } else if (URL.canParse(source, location.href)) {
    const address = new URL(source, location.href);
    if (address.origin === location.origin) image.src = address.href;
  }
}
