import type { Page } from '@playwright/test';
import { fill, run, startRun, stream } from '../actions';
import { expect, test } from '../fixtures';
import { probe } from '../probes';

test.use({ viewer: 'administrator' });

const rows = (page: Page) => page.getByTestId('runs').getByRole('row').filter({ has: page.getByRole('cell') });

/** Starts a probe with a note of its own, so that its row can be found. */
async function noted(page: Page, note: string): Promise<void> {
  await page.goto(`/web/scripts/${probe('secret')}`);
  await fill(page, { Note: note });
  await run(page, 'Succeeded');
}

test('runs are listed, and a row leads to its run', async ({ page }) => {
  await noted(page, 'row of the list');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();

  const row = rows(page).filter({ hasText: 'row of the list' });
  await expect(row).toContainText('Succeeded');
  await expect(row).toContainText('exit 0');
  await expect(row).toContainText('Admin');
  await row.getByRole('link').click();
  await expect(page.getByTestId('arguments')).toContainText('row of the list');
});

test('filters are in the address', async ({ page }) => {
  await noted(page, 'needle in the hay');
  await page.goto('/web/runs/');
  await page.getByLabel('Text in script and arguments').fill('needle in the hay');
  await expect(page).toHaveURL(/q=needle/);
  await expect(rows(page)).toHaveCount(1);

  await page.getByRole('navigation', { name: 'State' }).getByRole('link', { name: 'Failed' }).click();
  await expect(page).toHaveURL(/state=failed/);
  await expect(page).toHaveURL(/q=needle/);
  await expect(page.getByText('No run matches.')).toBeVisible();

  await page.getByRole('navigation', { name: 'State' }).getByRole('link', { name: 'All' }).click();
  await page.getByRole('navigation', { name: 'Period' }).getByRole('link', { name: 'Last 24 hours' }).click();
  await expect(page).toHaveURL(/period=24h/);
  await expect(rows(page)).toHaveCount(1);
});

test('running runs are on top and can be stopped there', async ({ page }) => {
  await page.goto(`/web/scripts/${probe('obedient')}`);
  await startRun(page);
  await expect(stream(page, 'stdout')).toContainText('Waiting');
  await noted(page, 'newer than the running one');
  await page.goto('/web/runs/');

  const first = rows(page).filter({ hasText: 'Probe obedient' }).first();
  await expect(first).toContainText('Running');
  await first.getByRole('button', { name: 'Stop the run of Probe obedient' }).click();
  await expect(rows(page).filter({ hasText: 'Probe obedient' }).first()).toContainText('Stopped');
});

test('many runs are deleted at once', async ({ page }) => {
  await noted(page, 'to be deleted 1');
  await noted(page, 'to be deleted 2');
  await page.goto('/web/runs/?q=to%20be%20deleted');
  await expect(rows(page)).toHaveCount(2);
  await page.getByRole('checkbox', { name: 'Select all' }).check();
  await page.getByRole('button', { name: 'Delete 2' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();

  await expect(rows(page)).toHaveCount(0);
  await page.reload();
  await expect(page.getByText('No run matches.')).toBeVisible();
});

test('a visitor sees own runs alone', async ({ page, browser, states, instance }) => {
  await noted(page, 'private to Admin');
  const context = await browser.newContext({ baseURL: instance.url, storageState: states.visitor });
  const other = await context.newPage();
  await other.goto('/web/runs/');

  await expect(other.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();
  await expect(other.getByText('private to Admin')).toHaveCount(0);
  await expect(other.getByRole('link', { name: 'Everybody’s' })).toHaveCount(0);
  await context.close();
});

test('the list can be read without JavaScript', async ({ page, browser, states, instance }) => {
  await noted(page, 'plain to read');
  const context = await browser.newContext({
    baseURL: instance.url,
    storageState: states.administrator,
    javaScriptEnabled: false,
  });
  const plain = await context.newPage();
  await plain.goto('/web/runs/?q=plain%20to%20read');

  await expect(rows(plain)).toHaveCount(1);
  await expect(rows(plain)).toContainText('UTC');
  await context.close();
});
