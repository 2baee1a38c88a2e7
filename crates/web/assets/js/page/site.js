// @ts-check
/** Where the site begins and who looks at it. */

const page = document.documentElement;

/** The root of the site, which may be below a prefix. */
const root = new URL(page.dataset.root || '.', location.href);

/** Name of the user; empty: nobody has signed in. */
export const user = page.dataset.user ?? '';

/** Path of the root, with a slash at its end. */
export const rootPath = root.pathname;

/**
 * The address of a path below the root of the site.
 * @param {string} path
 */
export function at(path) {
  return new URL(path, root).href;
}

/** The address of this page, relative to the root of the site. */
export function here() {
  return location.pathname.slice(rootPath.length) + location.search;
}

/**
 * The address to open after signing in: one of this site, or the list of scripts.
 * @param {string | undefined} next relative to the root of the site
 */
export function targetAfterSignIn(next) {
  if (!next || !URL.canParse(next, root)) return at('web/');
  const target = new URL(next, root);
  const isHere = target.origin === location.origin && target.pathname.startsWith(rootPath);
  const isSignIn = target.href.startsWith(at('web/auth/'));
  return isHere && !isSignIn ? target.href : at('web/');
}
