import { test as base, type Browser, type BrowserContextOptions } from '@playwright/test';
import { Instance } from './instance';
import { signIn } from './actions';
import { Watch } from './watch';

/** Who looks at the pages of a test. */
export type Viewer = 'nobody' | 'visitor' | 'administrator';

type State = Exclude<BrowserContextOptions['storageState'], string | undefined>;

interface TestFixtures {
  /** Who is signed in when the test begins; set with `test.use({ viewer: … })`. */
  viewer: Viewer;
  /** Fails the test when a page misbehaves. */
  watch: Watch;
}

interface WorkerFixtures {
  /** The server of this worker. */
  instance: Instance;
  /** The cookies of those who are signed in. */
  states: Record<Viewer, State>;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  viewer: ['nobody', { option: true }],

  instance: [
    async ({}, use) => {
      const instance = await Instance.start();
      await use(instance);
      await instance.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  states: [
    async ({ browser, instance }, use) => {
      await use({
        nobody: { cookies: [], origins: [] },
        visitor: await stateOf(browser, instance, 'visitor'),
        administrator: await stateOf(browser, instance, 'administrator'),
      });
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  baseURL: async ({ instance }, use) => use(instance.url),

  storageState: async ({ viewer, states }, use) => use(states[viewer]),

  watch: [
    async ({ context, instance }, use) => {
      const watch = new Watch();
      watch.attach(context, instance.url);
      await use(watch);
      watch.check();
    },
    { auto: true },
  ],
});

/** Signs in once, so that not every test has to. */
async function stateOf(
  browser: Browser,
  instance: Instance,
  who: 'visitor' | 'administrator',
): Promise<State> {
  const context = await browser.newContext({ baseURL: instance.url, storageState: undefined });
  const page = await context.newPage();
  await signIn(page, instance[who]);
  const state = await context.storageState();
  await context.close();
  return state;
}

export { expect } from '@playwright/test';
