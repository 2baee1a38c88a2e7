// @ts-check
/** The end of a session: by the user, in another tab, or by time. */

import { all, element } from './dom.js';
import { openDialog } from './dialog.js';
import { Problem, post, request } from './http.js';
import { at, here, rootPath, user } from './site.js';
import { toast } from './toast.js';

const channel = new BroadcastChannel(`webscripts:${rootPath}`);

/** The address of the sign-in page that leads back here. */
function signInAddress() {
  return `${at('web/auth/')}?next=${encodeURIComponent(here())}`;
}

/** Forgets what the pages kept in this tab. */
function forget() {
  try {
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith('ws.')) sessionStorage.removeItem(key);
    }
  } catch {
    // Without storage there is nothing to forget.
  }
}

export function prepareSession() {
  for (const button of all('[data-sign-out]')) button.addEventListener('click', signOut);
  channel.addEventListener('message', (event) => {
    if (event.data === 'signed-out' && user) showSignedOut();
  });
  // A page from the memory of the browser may show what its reader may not see any more.
  addEventListener('pageshow', (event) => {
    if (event.persisted) void checkSession();
  });
}

async function checkSession() {
  try {
    const response = await request('api/session/', { headers: { Accept: 'application/json' } });
    const session = response.ok ? await response.json() : {};
    if ((session.user?.name ?? '') !== user) location.reload();
  } catch {
    // Offline: the next request says so.
  }
}

async function signOut() {
  try {
    await post('web/auth/logout');
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.kind !== 'session') {
      toast(`You are still signed in. ${problem instanceof Error ? problem.message : ''}`);
      return;
    }
  }
  forget();
  channel.postMessage('signed-out');
  location.assign(at('web/auth/'));
}

/** Says that another tab signed out; the page stays readable. */
function showSignedOut() {
  forget();
  if (document.querySelector('[data-testid="session-banner"]')) return;
  const banner = element(
    'section',
    { class: 'banner', 'aria-label': 'Session', 'data-testid': 'session-banner' },
    element('p', { role: 'status' }, 'You signed out in another tab.'),
    element('a', { class: 'button button-small', href: signInAddress() }, 'Sign in'),
  );
  document.querySelector('.bar')?.after(banner);
}

/** Says that the session is over; what was entered stays. */
export async function showSessionEnded() {
  await openDialog('Your session has ended', (close) => [
    element('p', {}, 'Sign in again to go on. What you entered is kept, except secrets and files.'),
    element(
      'div',
      { class: 'actions' },
      element('button', { class: 'button', type: 'button', click: () => close('') }, 'Stay here'),
      element('a', { class: 'button button-primary', href: signInAddress(), autofocus: true }, 'Sign in'),
    ),
  ]);
}
