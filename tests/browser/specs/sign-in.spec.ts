import { field, fillSignIn, openUserMenu, signIn } from '../actions';
import { expect, test } from '../fixtures';

test('a user signs in and sees the scripts', async ({ page, instance }) => {
  await signIn(page, instance.administrator);

  await expect(page).toHaveURL(/\/web\/$/);
  const menu = page.getByRole('banner').getByRole('button', { name: instance.administrator.name });
  await expect(menu).toBeVisible();
});

test('a page that was asked for opens after signing in', async ({ page, instance }) => {
  await page.goto('/web/scripts/subnet.py');
  await fillSignIn(page, instance.administrator);

  await expect(page.getByRole('heading', { level: 1, name: 'Subnet calculator' })).toBeVisible();
  await expect(page).toHaveURL(`${instance.url}/web/scripts/subnet.py`);
});

test('a target on another host is not followed after signing in', async ({ page, instance }) => {
  for (const target of ['//other.example/', 'https://other.example/', '/\\other.example/']) {
    await page.context().clearCookies();
    await page.goto(`/web/auth/?next=${encodeURIComponent(target)}`);
    await fillSignIn(page, instance.administrator);

    await expect(page.getByRole('heading', { level: 1, name: 'Scripts' })).toBeVisible();
    expect(new URL(page.url()).origin).toBe(instance.url);
  }
});

test('a wrong password and an unknown user get the same message', async ({
  page,
  instance,
  watch,
}) => {
  watch.allowStatus(401, 403);
  const alert = page.getByRole('alert');

  await page.goto('/web/auth/');
  await fillSignIn(page, { name: instance.visitor.name, password: 'wrong' });
  await expect(alert).not.toBeEmpty();
  const wrongPassword = await alert.innerText();
  await expect(page.getByLabel('User name')).toHaveValue(instance.visitor.name);

  await page.goto('/web/auth/');
  await fillSignIn(page, { name: 'does-not-exist', password: 'wrong' });
  await expect(alert).not.toBeEmpty();
  await expect(alert).toHaveText(wrongPassword);
  await expect(field(page, 'Password')).toHaveValue('');
});

test('a user who signed out cannot use the pages any more', async ({ page, instance, watch }) => {
  watch.allowStatus(401, 403);
  const { name } = instance.administrator;
  await signIn(page, instance.administrator);
  await page.goto('/web/scripts/subnet.py');
  const stale = await page.context().newPage();
  await stale.goto('/web/scripts/subnet.py');
  const cookies = await page.context().cookies();

  await openUserMenu(page, name);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByLabel('User name')).toBeVisible();

  await page.goBack();
  await expect(page.getByRole('button', { name })).toHaveCount(0);

  await field(stale, 'Network').fill('192.0.2.0/24');
  await stale.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(stale.getByText(/sign in/i).first()).toBeVisible();
  await expect(stale.getByText('255.255.255.0')).toHaveCount(0);

  // The session itself is gone, not only the cookie.
  await page.context().addCookies(cookies);
  await page.goto('/web/');
  await expect(page.getByLabel('User name')).toBeVisible();
});
