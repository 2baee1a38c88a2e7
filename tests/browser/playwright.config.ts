import { defineConfig } from '@playwright/test';
import { chromium } from './chromium';

/** The browser tests. Each worker starts a server of its own: see fixtures.ts. */
export default defineConfig({
  testDir: './specs',
  outputDir: './test-results',
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: { ...chromium, viewport: { width: 1280, height: 800 }, trace: 'off' },
});
