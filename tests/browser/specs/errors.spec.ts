import { expect, test } from '../fixtures';

test.describe('a visitor', () => {
  test.use({ viewer: 'visitor' });

  test('gets 403 with a request id for a script of administrators', async ({ page, watch }) => {
    watch.allowStatus(403);
    const response = await page.goto('/web/scripts/rotate_keys.pl');

    expect(response?.status()).toBe(403);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('403');
    const id = response?.headers()['x-request-id'] ?? '';
    expect(id).toMatch(/\S{8,}/);
    await expect(page.getByText(id)).toBeVisible();
    await expect(page.getByRole('main').getByRole('link', { name: 'Scripts' })).toBeVisible();
    await expect(page.getByText('Rotate keys')).toHaveCount(0);
  });

  test('does not see a script of administrators in the list', async ({ page }) => {
    await page.goto('/web/');

    const main = page.getByRole('main');
    await expect(main.getByRole('link', { name: 'Subnet calculator' })).toBeVisible();
    await expect(main.getByRole('link', { name: 'Rotate keys' })).toHaveCount(0);
  });
});

test.describe('an administrator', () => {
  test.use({ viewer: 'administrator' });

  test('gets 404 with a request id for an unknown script', async ({ page, watch }) => {
    watch.allowStatus(404);
    const response = await page.goto('/web/scripts/no_such.py');

    expect(response?.status()).toBe(404);
    await expect(page.getByRole('heading', { level: 1 })).toContainText('404');
    await expect(page.getByText(response?.headers()['x-request-id'] ?? 'none')).toBeVisible();
    await page.getByRole('main').getByRole('link', { name: 'Scripts' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Scripts' })).toBeVisible();
  });

  test('sees a name with markup as text on the error page', async ({ page, watch }) => {
    watch.allowStatus(404, 400);
    await page.goto(`/web/scripts/${encodeURIComponent('<img src=x onerror=alert(1)>.py')}`);

    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.locator('main img')).toHaveCount(0);
  });
});

test('who is not signed in does not learn what exists', async ({ page }) => {
  for (const path of ['/web/scripts/rotate_keys.pl', '/web/scripts/no_such.py', '/nowhere/']) {
    await page.goto(path);
    await expect(page.getByLabel('User name')).toBeVisible();
    expect(new URL(page.url()).pathname).toBe('/web/auth/');
  }
});
