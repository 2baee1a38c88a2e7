import type { Page } from '@playwright/test';
import { openUserMenu } from '../actions';
import { expect, test } from '../fixtures';

test.use({ viewer: 'administrator' });

for (const [choice, system] of [['Dark', 'light'], ['Light', 'dark']] as const) {
  test(`the choice ${choice} is kept against a ${system} system`, async ({
    page,
    instance,
    browser,
  }) => {
    await page.emulateMedia({ colorScheme: system });
    await page.goto('/web/');
    const before = await background(page);

    await chooseTheme(page, instance.administrator.name, choice);
    await expect.poll(() => background(page)).not.toEqual(before);
    const chosen = await background(page);
    await page.goto('/web/scripts/subnet.py');
    expect(await background(page)).toEqual(chosen);

    // Without scripts the page looks the same: nothing is repainted after it appeared.
    const plain = await browser.newContext({
      baseURL: instance.url,
      storageState: await page.context().storageState(),
      javaScriptEnabled: false,
      colorScheme: system,
    });
    const unscripted = await plain.newPage();
    await unscripted.goto('/web/');
    expect(await screenCorner(unscripted)).toEqual(await screenCorner(page));
    await plain.close();
  });
}

test('without a choice the theme follows the system', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/web/');
  const light = await background(page);

  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => background(page)).not.toEqual(light);
});

test('the choice System follows the system again', async ({ page, instance }) => {
  const { name } = instance.administrator;
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/web/');
  const light = await background(page);
  await chooseTheme(page, name, 'Dark');
  await expect.poll(() => background(page)).not.toEqual(light);

  await page.goto('/web/');
  await chooseTheme(page, name, 'System');
  await expect.poll(() => background(page)).toEqual(light);
});

async function chooseTheme(page: Page, user: string, choice: string): Promise<void> {
  await openUserMenu(page, user);
  await page.getByRole('radio', { name: choice, exact: true }).check();
}

/** The colour behind the page. */
async function background(page: Page): Promise<string> {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

/** What is painted at the lower left corner. */
async function screenCorner(page: Page): Promise<string> {
  const clip = { x: 0, y: 780, width: 8, height: 8 };
  return (await page.screenshot({ clip })).toString('base64');
}
