import type { Page } from '@playwright/test';
import { ended, field, fill, output, run, start, type Value } from '../actions';
import { expect, test } from '../fixtures';
import { PROBE } from '../probes';
import { SAMPLES, sample } from '../samples';

test.use({ viewer: 'administrator' });

test('the list names every sample under its category', async ({ page }) => {
  await page.goto('/web/');

  for (const { label } of SAMPLES) {
    await expect(page.getByRole('main').getByRole('link', { name: label })).toBeVisible();
  }
  for (const category of ['Operations', 'Security', 'Office', 'Examples']) {
    await expect(page.getByRole('heading', { level: 2, name: category })).toBeVisible();
  }
});

test('every script of the API has a test here', async ({ page }) => {
  await page.goto('/web/');
  const list = await page.evaluate(async () => (await fetch('/api/')).json());

  const isSample = (name: string) => name !== '/auth/' && !name.startsWith(PROBE);
  const scripts = Object.keys(list).filter(isSample);
  expect(scripts.sort()).toEqual(SAMPLES.map(({ script }) => script).sort());
});

test('the filter leaves what matches', async ({ page }) => {
  await page.goto('/web/');
  const links = page.getByRole('main').getByRole('link', { name: /Subnet|Rotate/ });
  await expect(links).toHaveCount(2);

  await page.getByLabel('Filter scripts').fill('subn');
  await expect(links).toHaveText(/Subnet calculator/);

  await page.getByLabel('Filter scripts').fill('');
  await expect(links).toHaveCount(2);
});

for (const { script, label, values, status, stdout, stderr, confirms } of SAMPLES) {
  test(`${script} runs from its page: ${status}`, async ({ page }) => {
    await page.goto(`/web/scripts/${script}`);
    await expect(page.getByRole('heading', { level: 1, name: label })).toBeVisible();
    await fill(page, values);

    await start(page);
    if (confirms) await confirm(page, script);
    const region = await ended(page, status);

    for (const text of stdout) {
      await expect(region.locator('[data-stream="stdout"]')).toContainText(text);
    }
    for (const text of stderr ?? []) {
      await expect(region.locator('[data-stream="stderr"]')).toContainText(text);
    }
  });
}

test('what a script prints appears while it runs', async ({ page }) => {
  await page.goto('/web/scripts/slow_job.py');
  await fill(page, { Steps: '20' });
  await start(page);

  await expect(output(page).locator('[data-stream="stdout"]')).toContainText('Step 2 of 20');
  await expect(output(page).getByText('Running', { exact: true })).toBeVisible();
  const region = await ended(page, 'Succeeded');
  await expect(region.locator('[data-stream="stdout"]')).toContainText('Step 20 of 20');
});

test('a double click starts one run', async ({ page }) => {
  let runs = 0;
  page.on('request', (request) => {
    if (request.method() === 'POST' && new URL(request.url()).pathname === '/api/runs/') runs += 1;
  });
  await page.goto('/web/scripts/new_password.pl');
  await page.getByRole('button', { name: 'Run', exact: true }).dblclick();

  await ended(page, 'Succeeded');
  expect(runs).toBe(1);
});

test('a question that is answered with no starts nothing', async ({ page }) => {
  await page.goto('/web/scripts/rotate_keys.pl');
  await fill(page, sample('rotate_keys.pl').values);
  await start(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(output(page)).toContainText('The output appears here');
});

test('escape sequences of a terminal do not appear as text', async ({ page }) => {
  await page.goto('/web/scripts/slow_job.py');
  await fill(page, { Steps: '1' });
  const region = await run(page, 'Succeeded');

  await expect(region.locator('[data-stream="stdout"]')).not.toContainText(/\u001b|\]9;4/);
});

test('a form is reset to its defaults', async ({ page }) => {
  await page.goto('/web/scripts/backup_check.sh');
  await fill(page, { 'Maximum age': '48' });
  await page.getByRole('button', { name: 'Reset' }).click();

  await expect(field(page, 'Maximum age')).toHaveValue('26');
});

test('a second run replaces nothing that was entered', async ({ page }) => {
  const { values } = sample('subnet.py');
  await page.goto('/web/scripts/subnet.py');
  await fill(page, values);
  await run(page, 'Succeeded');
  await fill(page, { Network: '10.0.0.0/8', 'Split into': '' } satisfies Record<string, Value>);
  const region = await run(page, 'Succeeded');

  await expect(region.locator('[data-stream="stdout"]').last()).toContainText('16777214');
  await expect(field(page, 'Network')).toHaveValue('10.0.0.0/8');
});

/** Answers the question that a dangerous script asks before it starts. */
async function confirm(page: Page, script: string): Promise<void> {
  const dialog = page.getByRole('dialog').or(page.getByRole('alertdialog'));
  await expect(dialog).toContainText('Clients with an old key lose access');
  const name = dialog.getByRole('textbox');
  if ((await name.count()) > 0) await name.fill(script);
  await dialog.getByRole('button', { name: 'Run' }).click();
}
