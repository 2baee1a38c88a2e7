import { expect, type Page } from '@playwright/test';
import { fill, fillSignIn, openRun, run, startRun, stream } from './actions';
import type { Viewer } from './fixtures';
import { probe } from './probes';
import { sample, SAMPLES } from './samples';

/** A page as someone sees it: where it is, who looks, and what was done there. */
export interface View {
  /** For the name of the test and of the picture. */
  name: string;
  viewer: Viewer;
  path: string;
  /** The status of the page itself, if it is not 200. */
  status?: number;
  /** Other statuses that belong to what is done. */
  statuses?: number[];
  /** Brings the page into the state to look at. */
  prepare?: (page: Page) => Promise<void>;
}

/** Every page of the interface, and the states that look different. */
export const VIEWS: View[] = [
  { name: 'sign-in', viewer: 'nobody', path: '/web/auth/' },
  {
    name: 'sign-in-failed',
    viewer: 'nobody',
    path: '/web/auth/',
    statuses: [401, 403, 422],
    prepare: async (page) => {
      await fillSignIn(page, { name: `nobody-${Date.now()}`, password: 'wrong' });
      await expect(page.getByRole('alert')).not.toBeEmpty();
    },
  },
  { name: 'sign-in-already', viewer: 'administrator', path: '/web/auth/' },
  { name: 'scripts', viewer: 'administrator', path: '/web/' },
  { name: 'scripts-of-a-visitor', viewer: 'visitor', path: '/web/' },
  {
    name: 'scripts-no-match',
    viewer: 'administrator',
    path: '/web/',
    prepare: async (page) => {
      await page.getByLabel('Filter scripts').fill('zzzz');
      await expect(page.getByRole('link', { name: 'Subnet calculator' })).toBeHidden();
    },
  },
  {
    name: 'user-menu',
    viewer: 'administrator',
    path: '/web/',
    prepare: async (page) => {
      await page.getByRole('banner').getByRole('button', { name: 'Admin' }).click();
      await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
    },
  },
  ...SAMPLES.map(
    ({ script }): View => ({
      name: `script-${script.replace(/\W/g, '-')}`,
      viewer: 'administrator',
      path: `/web/scripts/${script}`,
    }),
  ),
  {
    name: 'script-advanced',
    viewer: 'administrator',
    path: '/web/scripts/all_controls.py',
    prepare: async (page) => page.locator('summary', { hasText: 'Advanced' }).click(),
  },
  {
    name: 'script-field-errors',
    viewer: 'administrator',
    path: '/web/scripts/all_controls.py',
    statuses: [400, 422],
    prepare: async (page) => {
      await fill(page, { Ticket: 'wrong' });
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await expect(page.getByRole('alert').first()).toBeVisible();
    },
  },
  ...['subnet.py', 'log_summary.pl', 'system_report.sh', 'system_facts.py', 'backup_check.sh'].map(
    (script): View => ({
      name: `result-${script.replace(/\W/g, '-')}`,
      viewer: 'administrator',
      path: `/web/scripts/${script}`,
      prepare: async (page) => {
        const { values, status } = sample(script);
        await fill(page, values);
        await run(page, status);
      },
    }),
  ),
  ...['terminal', 'colours', 'files', 'talk'].map(
    (name): View => ({
      name: `run-${name}`,
      viewer: 'administrator',
      path: `/web/scripts/${probe(name)}`,
      prepare: async (page) => {
        await startRun(page);
        const last = { terminal: 'Press Enter', colours: '100 %', files: 'Two files', talk: 'name?' };
        await expect(stream(page, 'stdout')).toContainText(last[name as keyof typeof last]);
      },
    }),
  ),
  {
    name: 'run-find',
    viewer: 'administrator',
    path: `/web/scripts/${probe('mixed')}`,
    prepare: async (page) => {
      const region = await run(page, 'Succeeded');
      await region.getByRole('button', { name: 'Find' }).click();
      await page.getByTestId('find').fill('alpha');
      await expect(region.getByText('1 of 3')).toBeVisible();
    },
  },
  {
    name: 'run-options',
    viewer: 'administrator',
    path: `/web/scripts/${probe('mixed')}`,
    prepare: async (page) => {
      const region = await run(page, 'Succeeded');
      await region.getByRole('button', { name: 'View options' }).click();
      await region.getByRole('radio', { name: 'Clock' }).check();
      await region.getByRole('checkbox', { name: 'Line numbers' }).check();
    },
  },
  {
    name: 'run-full',
    viewer: 'administrator',
    path: `/web/scripts/${probe('table')}`,
    prepare: async (page) => {
      const region = await run(page, 'Succeeded');
      await region.getByRole('button', { name: 'Full screen' }).click();
      await expect(region.getByTestId('table')).toBeVisible();
    },
  },
  {
    name: 'run-page',
    viewer: 'administrator',
    path: `/web/scripts/${probe('secret')}`,
    prepare: async (page) => {
      await fill(page, { Token: 'wooden anchor', Note: 'for a picture' });
      await run(page, 'Succeeded');
      await openRun(page);
      await expect(page.getByRole('button', { name: 'Delete' })).toBeVisible();
    },
  },
  { name: 'runs', viewer: 'administrator', path: '/web/runs/' },
  { name: 'runs-of-a-visitor', viewer: 'visitor', path: '/web/runs/' },
  {
    name: 'runs-no-match',
    viewer: 'administrator',
    path: '/web/runs/?q=no+run+holds+this',
    prepare: async (page) => expect(page.getByText('No run matches.')).toBeVisible(),
  },
  {
    name: 'runs-selected',
    viewer: 'administrator',
    path: `/web/scripts/${probe('colours')}`,
    prepare: async (page) => {
      await run(page, 'Succeeded');
      await page.goto('/web/runs/');
      await page.getByRole('checkbox', { name: /^Select the run of/ }).first().check();
      await expect(page.getByText('1 run selected')).toBeVisible();
    },
  },
  { name: 'documentation', viewer: 'administrator', path: '/web/doc/subnet.py' },
  { name: 'about', viewer: 'administrator', path: '/web/about/' },
  { name: 'error-403', viewer: 'visitor', path: '/web/scripts/rotate_keys.pl', status: 403 },
  { name: 'error-404', viewer: 'administrator', path: '/web/scripts/no_such.py', status: 404 },
];

/** Opens the page, checks its status and brings it into its state. */
export async function show(page: Page, view: View): Promise<void> {
  const response = await page.goto(view.path);
  expect(response?.status(), `status of ${view.path}`).toBe(view.status ?? 200);
  await view.prepare?.(page);
}

/** The statuses that opening the page may lead to. */
export function statusesOf(view: View): number[] {
  return [...(view.status ? [view.status] : []), ...(view.statuses ?? [])];
}
