import { expect, type BrowserContext, type ConsoleMessage, type Page } from '@playwright/test';

/**
 * Old and new browsers need different headers for the same policy. Chromium understands both and
 * says on every page which one it uses.
 */
const BOTH_POLICIES = /^Error with Feature-Policy header: Some features are specified in both/;

/**
 * Collects what no page may do: errors in the console, violations of the policy, requests to
 * another origin, answers with an error status that the test did not announce.
 */
export class Watch {
  private readonly faults: string[] = [];
  private readonly statuses = new Set<number>();
  private readonly messages = [BOTH_POLICIES];
  private readonly failures: RegExp[] = [];

  /** Announces that answers with this status belong to the test. */
  allowStatus(...statuses: number[]): void {
    statuses.forEach((status) => this.statuses.add(status));
  }

  /** Announces that a console error like this belongs to the test. */
  allowMessage(pattern: RegExp): void {
    this.messages.push(pattern);
  }

  /** Announces that requests to addresses like this may get no answer. */
  allowFailure(pattern: RegExp): void {
    this.failures.push(pattern);
  }

  /** Looks at every page of the context. */
  attach(context: BrowserContext, origin: string): void {
    context.on('page', (page) => this.attachPage(page));
    context.on('request', (request) => {
      const url = new URL(request.url());
      if (/^https?:|^wss?:/.test(url.protocol) && url.origin !== origin) {
        this.faults.push(`request to another origin: ${request.url()}`);
      }
    });
    context.on('response', (response) => {
      if (response.status() >= 400 && !this.statuses.has(response.status())) {
        const request = response.request();
        this.faults.push(`${response.status()} to ${request.method()} ${request.url()}`);
      }
    });
    context.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? '';
      // A navigation ends what the page before was still loading.
      const isAllowed = this.failures.some((pattern) => pattern.test(request.url()));
      if (!reason.includes('ERR_ABORTED') && !isAllowed) {
        this.faults.push(`${reason}: ${request.method()} ${request.url()}`);
      }
    });
  }

  private attachPage(page: Page): void {
    page.on('pageerror', (error) => this.fault(error.message));
    page.on('console', (message: ConsoleMessage) => {
      const isStatus = message.text().startsWith('Failed to load resource: the server responded');
      if (['error', 'warning'].includes(message.type()) && !isStatus) {
        this.fault(message.text());
      }
    });
  }

  private fault(text: string): void {
    if (!this.messages.some((pattern) => pattern.test(text))) this.faults.push(text);
  }

  /** Fails if there was anything. */
  check(): void {
    expect(this.faults, 'what the pages did').toEqual([]);
  }
}
