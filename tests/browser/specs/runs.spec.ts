import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { ended, field, fill, openRun, output, run, startRun, stream } from '../actions';
import { expect, test } from '../fixtures';
import { probe } from '../probes';

test.use({ viewer: 'administrator' });

const script = (name: string) => `/web/scripts/${probe(name)}`;

/** The lines of standard output. */
async function lines(page: Page): Promise<string[]> {
  return ((await stream(page, 'stdout').textContent()) ?? '').trim().split('\n');
}

function stop(page: Page): Locator {
  return output(page).getByRole('button', { name: 'Stop' });
}

const STEADY = Array.from({ length: 24 }, (_, index) => `line ${index + 1} of 24`);

test.describe('live output', () => {
  test('goes on after a reload, without a gap and without anything twice', async ({ page }) => {
    await page.goto(script('steady'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('line 4 of 24');
    await expect(page).toHaveURL(/#run=/);

    await page.reload();

    await expect(output(page).getByText('Running', { exact: true })).toBeVisible();
    await expect(stream(page, 'stdout')).toContainText('line 6 of 24');
    await ended(page, 'Succeeded');
    expect(await lines(page)).toEqual(STEADY);
  });

  test('goes on after the connection was lost', async ({ page, watch }) => {
    watch.allowFailure(/\/api\/runs\//);
    watch.allowMessage(/Failed to load resource|net::ERR/);
    await page.goto(script('steady'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('line 3 of 24');

    const isLost = (url: URL) => url.pathname.startsWith('/api/runs/');
    await page.route(isLost, (route) => route.abort());
    // The stream is open and would stay so: the page connects again when this happens.
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await expect(output(page)).toContainText('The connection is lost');
    await page.unroute(isLost);

    await ended(page, 'Succeeded');
    expect(await lines(page)).toEqual(STEADY);
    await expect(output(page)).not.toContainText('The connection is lost');
  });

  test('arrives where streams do not get through', async ({ page, watch }) => {
    watch.allowFailure(/\/events/);
    watch.allowMessage(/Failed to load resource|net::ERR/);
    await page.route('**/events?*', (route) => route.abort());
    await page.goto(script('steady'));
    await startRun(page);

    await expect(stream(page, 'stdout')).toContainText('line 4 of 24');
    await expect(output(page).getByText('Running', { exact: true })).toBeVisible();
    await ended(page, 'Succeeded');
    expect(await lines(page)).toEqual(STEADY);
  });

  test('goes on in a tab while another run is looked at', async ({ page }) => {
    await page.goto(script('steady'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('line 2 of 24');
    await startRun(page);
    await expect(page.getByRole('tab')).toHaveCount(2);
    await ended(page, 'Succeeded');

    await page.getByRole('tab', { name: /Run 1/ }).click();
    await ended(page, 'Succeeded');
    expect(await lines(page)).toEqual(STEADY);
  });

  test('of any size leaves the page quick', async ({ page }) => {
    await page.goto(script('flood'));
    await page.evaluate(() => {
      const found: number[] = ((window as any).longTasks = []);
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) found.push(entry.duration);
      }).observe({ type: 'longtask' });
    });
    const region = await run(page, 'Succeeded');

    await expect(region).toContainText('line 200000 of 200000');
    expect(await region.locator('.line').count()).toBeLessThan(2000);
    await region.getByRole('log').focus();
    await page.keyboard.press('Home');
    await expect(region).toContainText('line 1 of 200000');
    await expect(region.getByText(/lines not shown here/)).toBeAttached();
    const longest = await page.evaluate(() => Math.max(0, ...(window as any).longTasks));
    test.info().annotations.push({ type: 'longest task', description: `${longest} ms` });
  });
});

test.describe('control', () => {
  test('a run is stopped', async ({ page }) => {
    await page.goto(script('obedient'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('Waiting');
    await stop(page).click();

    const region = await ended(page, 'Stopped');
    await expect(region).toContainText(/stopped by/i);
    await expect(stop(page)).toHaveCount(0);
  });

  test('a run that does not obey is killed', async ({ page }) => {
    await page.goto(script('stubborn'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('I stay');
    await stop(page).click();
    await expect(output(page).getByText('Stopping…')).toBeVisible();

    await output(page).getByRole('button', { name: 'Kill' }).click();
    await ended(page, 'Stopped');
  });

  test('a run waits for its turn and says so', async ({ page }) => {
    await page.goto(script('turns'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('My turn');
    await startRun(page);

    await expect(output(page).getByText('Queued', { exact: true })).toBeVisible();
    await expect(output(page)).toContainText('place 1 in the queue');
    await ended(page, 'Succeeded');
    await expect(stream(page, 'stdout')).toContainText('My turn');
  });

  test('a script that asks gets an answer', async ({ page }) => {
    await page.goto(script('talk'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('Your name?');
    await field(page, 'Input').fill('Ada');
    await page.keyboard.press('Enter');
    await expect(stream(page, 'stdout')).toContainText('Hello Ada');

    await output(page).getByRole('button', { name: 'End input' }).click();
    await ended(page, 'Succeeded');
    await expect(stream(page, 'stdout')).toContainText('No more input');
    await expect(field(page, 'Input')).toBeHidden();
  });
});

test.describe('a terminal', () => {
  test('shows colours and progress, and takes keys', async ({ page }) => {
    await page.goto(script('terminal'));
    await startRun(page);
    const screen = stream(page, 'stdout');

    await expect(screen).toContainText('This is a terminal');
    await expect(screen.getByText('red', { exact: true })).toHaveClass(/ansi-1/);
    await expect(screen.getByText('green ground')).toHaveCSS('background-color', /^rgb/);
    await expect(screen).toContainText('Done: 100 %');
    await expect(screen).not.toContainText('Done: 10 %');
    await expect(screen).toContainText('Press Enter');

    await screen.getByRole('log', { name: 'Terminal' }).click();
    await page.keyboard.type('abx');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Enter');
    await ended(page, 'Succeeded');
    await expect(screen).toContainText('Read <ab>');
  });

  test('is left with the Tab key', async ({ page }) => {
    await page.goto(script('terminal'));
    await startRun(page);
    await expect(stream(page, 'stdout')).toContainText('Press Enter');
    await stream(page, 'stdout').getByRole('log', { name: 'Terminal' }).click();
    const keyboard = page.getByTestId('terminal-keyboard');
    await expect(keyboard).toBeFocused();

    await page.keyboard.press('Tab');
    await expect(keyboard).not.toBeFocused();
    await output(page).getByRole('button', { name: /interrupt/ }).click();
    await expect(output(page).getByText('Running', { exact: true })).toHaveCount(0);
  });
});

test('colours of plain output are shown, and raw output on demand', async ({ page }) => {
  await page.goto(script('colours'));
  const region = await run(page, 'Succeeded');
  const stdout = stream(page, 'stdout');

  await expect(stdout.getByText('bold green')).toHaveClass(/ansi-b ansi-2/);
  await expect(stdout).toContainText('Done: 100 %');
  await expect(stdout).not.toContainText('Done: 10 %');
  await region.getByRole('radio', { name: 'Raw' }).check();
  await expect(stdout).toContainText('␛[1;32mbold green');
});

test('secrets are nowhere to be seen', async ({ page }) => {
  await page.goto(script('secret'));
  await fill(page, { Token: 'wooden anchor', Note: 'a note' });
  await run(page, 'Succeeded');
  await expect(stream(page, 'stdout')).toContainText('a note');
  await expect(stream(page, 'stdout')).toContainText('••••••');
  await openRun(page);

  await expect(page.getByTestId('arguments')).toContainText('a note');
  await expect(page.getByTestId('arguments')).toContainText('••••••');
  await expect(page.getByTestId('arguments')).toContainText('secret, not kept');
  expect(await page.content()).not.toContain('wooden anchor');
  await page.goto('/web/runs/');
  await expect(page.getByTestId('runs')).toContainText('••••••');
  expect(await page.content()).not.toContain('wooden anchor');
});

test('files that a run leaves are listed, shown and saved', async ({ page }) => {
  await page.goto(script('files'));
  const region = await run(page, 'Succeeded');
  const files = region.getByTestId('result-files');

  await expect(files).toContainText('report.txt');
  await expect(files.getByRole('img', { name: 'Picture dot.svg' })).toBeVisible();
  const saved = page.waitForEvent('download');
  await files.getByRole('link', { name: 'report.txt' }).click();
  expect(await readFile(await (await saved).path(), 'utf8')).toBe('one line\n');
});

test.describe('the page of a run', () => {
  test('shows what is known, saves the output and runs again', async ({ page }) => {
    await page.goto(script('steady'));
    await startRun(page);
    await openRun(page);
    await expect(page).toHaveTitle(/^Running: Run of Probe steady/);
    await expect(stream(page, 'stdout')).toContainText('line 2 of 24');
    await ended(page, 'Succeeded');
    expect(await lines(page)).toEqual(STEADY);
    await expect(page.getByRole('region', { name: 'About this run' })).toContainText('Admin');

    const saved = page.waitForEvent('download');
    await output(page).getByRole('button', { name: 'Download' }).click();
    await output(page).getByRole('link', { name: 'Standard output' }).click();
    const text = await readFile(await (await saved).path(), 'utf8');
    expect(text.trim().split('\n')).toEqual(STEADY);

    const address = page.url();
    await output(page).getByRole('button', { name: 'Run again' }).click();
    await expect(page).not.toHaveURL(address);
    await expect(output(page).getByText('Running', { exact: true })).toBeVisible();
  });

  test('is gone when the run is deleted', async ({ page, watch }) => {
    watch.allowStatus(404);
    await page.goto(script('colours'));
    await run(page, 'Succeeded');
    await openRun(page);
    const address = page.url();
    await output(page).getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Runs' })).toBeVisible();

    expect((await page.goto(address))?.status()).toBe(404);
  });

  test('can be read without JavaScript', async ({ page, browser, states, instance }) => {
    await page.goto(script('colours'));
    await run(page, 'Succeeded');
    await openRun(page);
    const context = await browser.newContext({
      baseURL: instance.url,
      storageState: states.administrator,
      javaScriptEnabled: false,
    });
    const plain = await context.newPage();
    await plain.goto(page.url());

    await expect(output(plain).getByText('Succeeded')).toBeVisible();
    await plain.getByRole('link', { name: 'standard output' }).click();
    await expect(plain.locator('body')).toContainText('bold green');
    await context.close();
  });
});

test('the last run is told before there is one on the page', async ({ page }) => {
  await page.goto(script('colours'));
  await run(page, 'Succeeded');
  await page.goto(script('secret'));
  await page.goto(script('colours'));

  await expect(output(page)).toContainText(/Last run just now: succeeded/);
  await output(page).getByRole('button', { name: 'show' }).click();
  await ended(page, 'Succeeded');
  await expect(stream(page, 'stdout')).toContainText('bold green');
});
