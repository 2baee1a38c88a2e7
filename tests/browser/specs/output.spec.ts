import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { ended, output, run, startRun, stream } from '../actions';
import { expect, test } from '../fixtures';
import { probe } from '../probes';

test.use({ viewer: 'administrator' });

const log = (page: Page) => output(page).getByRole('log');
const find = (page: Page) => output(page).getByRole('searchbox', { name: 'Find in output' });

/** The text that is marked as the match to which the reader went. */
async function current(page: Page): Promise<string> {
  return page.evaluate(() => [...(CSS.highlights.get('find-current') ?? [])].map(String).join('|'));
}

/** Runs a probe to its end on the page of its script. */
async function show(page: Page, name: string): Promise<void> {
  await page.goto(`/web/scripts/${probe(name)}`);
  await run(page, 'Succeeded');
}

/** What stands beside the first line. */
async function beside(page: Page, part: '::before' | '::after'): Promise<string> {
  const line = log(page).locator('.line').first();
  return line.evaluate((row, which) => getComputedStyle(row, which).content, part);
}

test.describe('finding text', () => {
  test('counts the matches and goes from one to the next', async ({ page }) => {
    await show(page, 'mixed');
    await output(page).getByRole('button', { name: 'Find' }).click();
    await expect(find(page)).toBeFocused();
    await page.keyboard.type('alpha');

    await expect(output(page).getByText('1 of 3')).toBeVisible();
    expect(await current(page)).toBe('Alpha');
    await page.keyboard.press('Enter');
    await expect(output(page).getByText('2 of 3')).toBeVisible();
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.press('Shift+Enter');
    await expect(output(page).getByText('3 of 3')).toBeVisible();
    await output(page).getByRole('button', { name: 'Match case' }).click();
    await expect(output(page).getByText('1 of 2')).toBeVisible();
    await find(page).fill('no such word');
    await expect(output(page).getByText('Not found')).toBeVisible();
    await expect(output(page).getByRole('button', { name: /Next match/ })).toBeDisabled();

    await find(page).press('Escape');
    await expect(find(page)).toBeHidden();
    await expect(log(page)).toBeFocused();
    expect(await current(page)).toBe('');
  });

  test('reaches lines that are not in the page', async ({ page }) => {
    await show(page, 'flood');
    await expect(stream(page, 'stdout')).toContainText('line 200000 of 200000');
    await log(page).press('/');
    await page.keyboard.type('line 150000 of');

    await expect(output(page).getByText('1 of 1', { exact: true })).toBeVisible();
    await expect(log(page).getByText('line 150000 of 200000')).toBeInViewport();
    expect(await current(page)).toBe('line 150000 of');
    await find(page).fill('line 12 of');
    await expect(log(page).getByText('line 12 of 200000')).toBeInViewport();
  });

  test('is led by keys of one letter', async ({ page }) => {
    await show(page, 'mixed');
    await log(page).press('/');
    await page.keyboard.type('warning');
    await expect(output(page).getByText('1 of 2')).toBeVisible();
    await log(page).focus();
    await page.keyboard.press('n');
    await expect(output(page).getByText('2 of 2')).toBeVisible();
    await page.keyboard.press('p');
    await expect(output(page).getByText('1 of 2')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(find(page)).toBeHidden();
  });

  test('looks into other views as well', async ({ page }) => {
    await show(page, 'table');
    await output(page).getByRole('button', { name: 'Find' }).click();
    await page.keyboard.type('srv-2');
    await expect(output(page).getByText('1 of 1')).toBeVisible();
    expect(await current(page)).toBe('srv-2');
  });
});

test.describe('both outputs', () => {
  test('stand in the order of their arrival and can be told apart', async ({ page }) => {
    await show(page, 'mixed');
    const text = (await log(page).textContent()) ?? '';
    const order = ['Alpha one', 'Warning: alpha two', 'See https', 'beta', 'Last warning'];
    expect(order.map((part) => text.indexOf(part))).toEqual(
      order.map((part) => text.indexOf(part)).sort((a, b) => a - b),
    );
    await expect(log(page).getByRole('group', { name: 'Standard error' })).toHaveCount(2);

    await output(page).getByRole('radio', { name: 'stderr' }).check();
    await expect(log(page)).toHaveText(/^\s*Warning: alpha two\s+Last warning\s*$/);
    await output(page).getByRole('radio', { name: 'stdout' }).check();
    await expect(log(page)).not.toContainText('Last warning');
    await output(page).getByRole('radio', { name: 'All' }).check();
    await expect(log(page)).toContainText('Last warning');
  });

  test('are saved alone or together', async ({ page }) => {
    await show(page, 'mixed');
    const saved = async (name: string) => {
      await output(page).getByRole('button', { name: 'Download' }).click();
      const download = page.waitForEvent('download');
      await output(page).getByRole('link', { name }).click();
      await page.keyboard.press('Escape');
      return readFile(await (await download).path(), 'utf8');
    };

    expect(await saved('Standard error')).toBe('Warning: alpha two\nLast warning\n');
    expect(await saved('Both')).toMatch(/^Alpha one\nWarning: alpha two\n/);
  });

  test('are shown below one another when one is a table', async ({ page }) => {
    await show(page, 'table');
    await expect(output(page).getByTestId('table')).toContainText('srv-1');
    await expect(stream(page, 'stderr')).toContainText('One host was skipped');
    await output(page).getByRole('radio', { name: 'stdout' }).check();
    await expect(stream(page, 'stderr')).toHaveCount(0);
    await output(page).getByRole('radio', { name: 'Text' }).check();
    await expect(log(page)).toContainText('srv-1,db');
  });
});

test('addresses become links that tell nothing to their site', async ({ page }) => {
  await show(page, 'mixed');
  const link = log(page).getByRole('link', { name: 'https://example.org/help?topic=alpha', exact: true });
  await expect(link).toHaveAttribute('href', 'https://example.org/help?topic=alpha');
  await expect(link).toHaveAttribute('rel', 'noopener noreferrer nofollow');
  const named = log(page).getByRole('link', { name: 'Report', exact: true });
  await expect(named).toHaveAttribute('href', 'https://example.org/report');
  await expect(named).toHaveAttribute('rel', 'noopener noreferrer nofollow');
});

test('times, numbers, wrapping and size of lines are chosen once for all runs', async ({ page }) => {
  await show(page, 'mixed');
  const region = output(page);
  expect(await beside(page, '::after')).toBe('none');
  await region.getByRole('button', { name: 'View options' }).click();
  await region.getByRole('radio', { name: 'Clock' }).check();
  expect(await beside(page, '::after')).toMatch(/^"\d\d:\d\d:\d\d\.\d{3}"$/);
  await region.getByRole('radio', { name: 'Since start' }).check();
  expect(await beside(page, '::after')).toMatch(/^"\+0:\d\d\.\d{3}"$/);
  await region.getByRole('checkbox', { name: 'Line numbers' }).check();
  expect(await beside(page, '::before')).toBe('"1"');
  const width = () => log(page).evaluate((view) => view.scrollWidth - view.clientWidth);
  expect(await width()).toBe(0);
  await region.getByRole('checkbox', { name: 'Wrap long lines' }).uncheck();
  expect(await width()).toBeGreaterThan(0);
  await region.getByRole('button', { name: 'Larger text' }).click();
  await expect(log(page)).toHaveCSS('font-size', '14px');
  await page.keyboard.press('Escape');

  await page.reload();
  await ended(page, 'Succeeded');
  await expect(log(page)).toHaveCSS('font-size', '14px');
  expect(await beside(page, '::after')).toMatch(/^"\+0:/);
  expect(await width()).toBeGreaterThan(0);
});

test('the output fills the window and gives it back', async ({ page }) => {
  await show(page, 'mixed');
  await output(page).getByRole('button', { name: 'Full screen' }).click();
  const box = await output(page).boundingBox();
  expect(box).toEqual({ x: 0, y: 0, width: 1280, height: 800 });
  await expect(page.locator('header.bar')).toHaveAttribute('inert', '');
  await expect(output(page).getByRole('button', { name: 'Leave full screen' })).toBeFocused();

  await page.keyboard.press('Escape');
  await expect(page.locator('header.bar')).not.toHaveAttribute('inert', '');
  expect((await output(page).boundingBox())?.width).toBeLessThan(1280);
});

test('following stops when the reader scrolls up, and goes on at will', async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 420 });
  await page.goto(`/web/scripts/${probe('steady')}`);
  await startRun(page);
  await expect(stream(page, 'stdout')).toContainText('line 8 of 24');
  const follow = output(page).getByRole('button', { name: 'Follow new lines' });
  await log(page).evaluate((view) => (view.style.maxHeight = '100px'));
  await expect(follow).toHaveAttribute('aria-pressed', 'true');
  await log(page).evaluate((view) => view.scrollTo(0, 0));
  await expect(follow).toHaveAttribute('aria-pressed', 'false');
  await expect(output(page).getByRole('button', { name: /↓ \d+ new lines?/ })).toBeVisible();

  await log(page).press('End');
  await expect(follow).toHaveAttribute('aria-pressed', 'true');
  await expect(output(page).getByRole('button', { name: /new lines?$/ })).toHaveCount(1);
  await log(page).press('f');
  await expect(follow).toHaveAttribute('aria-pressed', 'false');
});
