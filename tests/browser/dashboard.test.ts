import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { Locator, Page } from 'playwright-core';
import { registry } from '#jobs/registry';
import { chromium, TestBrowser } from '../support/browser';
import { eventually, SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';

/** The queue dashboard in a real browser, as a person uses it. */

// Generous, for a machine that does much else; nothing waits for it.
jest.setTimeout(180_000);

const categories = someCategories(40);

const [title, given] =
  chromium === undefined
    ? ['the queue dashboard in a browser (left out: there is no Chromium on the PATH)', describe.skip]
    : ['the queue dashboard in a browser', describe];

given(title, () => {
  let system: TestSystem;
  let browser: TestBrowser | undefined;
  let url: string;
  let page: Page;

  beforeEach(async () => {
    system = await TestSystem.start();
    system.write('m.onnx', smallModel(categories));
    const model = { file: 'm.onnx', axes: SMALL_AXES, categories, every: '1h' };
    system.configure({ calls: model, demand: model });
    const daemon = system.daemon(['start', '--roles', 'scheduler,worker,dashboard']);
    for (const name of ['calls', 'demand']) {
      await daemon.logged((line) => line.message === 'cycle complete' && line.model === name);
    }
    url = await daemon.url();
    browser = await TestBrowser.start();
    page = await browser.newPage();
  });
  afterEach(async () => {
    await browser?.stop();
    browser = undefined;
    await system.stop();
  });

  /** That no page had an error, nor asked another host for anything. */
  function expectQuiet(): void {
    expect(browser?.errors).toEqual([]);
    const requested = browser?.requested ?? [];
    expect(requested.length).toBeGreaterThan(10);
    expect(requested.filter((address) => new URL(address).origin !== url)).toEqual([]);
  }

  const openWarm = async (): Promise<void> => {
    await page.goto(`${url}/queues/queue/warm`);
    await page.getByRole('heading', { name: 'warm', exact: true }).waitFor();
  };
  /** What a menu offers. A role is found only where it is seen. */
  const offered = async (button: Locator): Promise<string[]> => {
    await button.click();
    await page.getByRole('menuitem').first().waitFor();
    const items = await page.getByRole('menuitem').allInnerTexts();
    await page.keyboard.press('Escape');
    return items.map((item) => item.trim());
  };
  /** In the page and not seen: hidden by our style sheet, which fits this release of bull-board. */
  const expectHidden = async (buttons: Locator): Promise<void> => {
    await buttons.first().waitFor({ state: 'attached' });
    for (const one of await buttons.all()) expect(await one.isVisible()).toBe(false);
  };
  const job = (text: string): Locator => page.locator('[class*="card-"]').filter({ hasText: text });

  test('shows every queue with what it is for', async () => {
    await page.goto(`${url}/queues`);
    for (const { name } of registry.definitions) {
      await page.getByRole('main').getByRole('link', { name, exact: true }).waitFor();
    }
    for (const { name, description } of registry.definitions) {
      await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
      await page.getByRole('banner').getByText(description).waitFor();
    }
    expectQuiet();
  });

  test('has no button for what is refused', async () => {
    await page.goto(`${url}/queues`);
    const card = page
      .locator('[class*="queueCard-"]')
      .filter({ has: page.getByRole('link', { name: 'warm', exact: true }) });
    expect(await offered(card.locator('[class*="headerContext-"] button'))).toEqual(['Add job']);
    expect(await offered(page.locator('[class*="headerControls-"] button').last())).toEqual(['Sort by']);
    await openWarm();
    expect(await offered(page.locator('[class*="trailing-"] button').last())).toEqual(['Add job']);
    await page.getByRole('button', { name: 'Queue info' }).click();
    await page.getByRole('dialog').waitFor();
    await expectHidden(page.getByRole('dialog').locator('[class*="editButton-"]'));
    await page.goto(`${url}/queues/queue/warm?status=delayed`);
    await expectHidden(page.locator('[class*="queueActions-"]'));
    await expectHidden(page.locator('[class*="jobActions-"]'));
    await page.goto(`${url}/queues/job-schedulers`);
    await expectHidden(page.locator('[class*="actionsCell-"] button'));
    // A queue that takes no job has no such buttons to hide.
    await page.goto(`${url}/queues/queue/publish`);
    await page.locator('[class*="card-"]').first().waitFor();
    expect(await page.locator('[class*="jobActions-"], [class*="trailing-"] button').count()).toBe(0);
    expectQuiet();
  });

  test('posts the form of `warm`, and shows its job and its cycle complete', async () => {
    await openForm();
    const editor = page.locator('#add-job-form .cm-content').first();
    await editor.getByText('calls').dblclick();
    await page.keyboard.type('dem');
    await page.locator('.cm-tooltip-autocomplete').getByText('demand').click();
    await editor.getByText('false').dblclick();
    await page.keyboard.type('true');
    await editor.getByText('"force"').hover();
    await page.getByText('Compute every row anew').waitFor();
    await addFilled({ model: 'demand', categories: [], force: true });

    const added = job('"dashboard"');
    await added.getByText('Finished at').waitFor();
    const cycle = await system.recorded(
      ({ trigger, state }) => trigger === 'dashboard' && state !== 'running',
      'demand',
    );
    expect(cycle).toMatchObject({ state: 'complete', expected: 40, computed: 40 });
    await added.getByText(cycle.id).waitFor();
    expect(await system.queue('warm').getJob(await idOf(added))).toMatchObject({
      data: { model: 'demand', force: true, trigger: 'dashboard' },
    });
    await page.goto(`${url}/queues/queue/publish/${cycle.id}`);
    await job(cycle.id).getByText('Finished at').waitFor();
    await job(cycle.id).getByText('"complete"').waitFor();
    expectQuiet();
  });

  test('tells why a request was refused, and what was meant', async () => {
    await openForm();
    const editor = page.locator('#add-job-form .cm-content').first();
    await editor.getByText('[]').click();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.type('"category 0003');
    await addFilled({ model: 'calls', categories: ['category 0003'], force: false });
    await page.getByText('model calls has no category "category 0003"').waitFor();
    await page.getByText(/^Did you mean "category 000\d\d"\?$/).waitFor();
    expect(await system.queue('warm').getJobCountByTypes('waiting', 'active', 'completed', 'failed')).toBe(0);
    expect(browser?.errors).toEqual([expect.stringContaining('/queues/api/queues/warm/add: Failed to load resource')]);
  });

  test('a page of another site starts nothing, changes nothing and shows none of it', async () => {
    const before = await system.client.hgetall(system.queue('warm').toKey('meta'));
    const evil = await serve(evilPage(url));
    try {
      // Another port of this machine is of the same site, but not of the same origin.
      for (const host of ['127.0.0.1', 'localhost']) {
        const answers = await answersTo(page, `${url}/queues/api/`);
        await page.goto(`http://${host}:${evil.port}`);
        await page.getByText('done', { exact: true }).waitFor();
        await eventually('the answers', () => answers().length >= 6);
        expect(answers().filter((status) => status !== 403)).toEqual([]);
        const framed = page.frames().find((frame) => frame.name() === 'framed');
        expect(await framed?.locator('#root').count()).toBe(0);
      }
    } finally {
      await evil.stop();
    }
    expect(await system.queue('warm').getJobCountByTypes('waiting', 'active', 'completed', 'failed')).toBe(0);
    expect(await system.client.hgetall(system.queue('warm').toKey('meta'))).toEqual(before);
  });

  async function openForm(): Promise<void> {
    await openWarm();
    await page.locator('[class*="trailing-"] button').last().click();
    await page.getByRole('menuitem', { name: 'Add job' }).click();
    // What the form starts from comes from the schema.
    await page.locator('#add-job-form').getByText('"categories"').waitFor();
    expect(await page.locator('#add-job-form label').filter({ visible: true }).allInnerTexts()).toEqual(['Job data']);
  }

  /**
   * Sends the form as a person does: again, when nothing came of it. bull-board takes what was typed once its editor has checked it,
   * and throws when it is asked before.
   */
  async function addFilled(data: unknown): Promise<void> {
    for (;;) {
      await eventually('the form to hold what was typed', async () => {
        const held = await page.locator('#job-data').inputValue();
        return held !== '' && isDeepStrictEqual(JSON.parse(held), data);
      });
      const sent = page.waitForRequest((request) => request.method() === 'POST').then(() => true);
      const early = page.waitForEvent('pageerror').then(() => false);
      await page.getByRole('button', { name: 'Add', exact: true }).click();
      if (await Promise.race([sent, early])) return;
      expect(browser?.errors.splice(0)).toEqual(['SyntaxError: Unexpected end of JSON input']);
    }
  }
});

/** What requests to that address are answered from now on, also where the page may not know. */
async function answersTo(page: Page, address: string): Promise<() => number[]> {
  const network = await page.context().newCDPSession(page);
  const asked = new Map<string, string>();
  const answered: (readonly [request: string, status: number])[] = [];
  // Either may be told first.
  network.on('Network.requestWillBeSent', ({ requestId, request }) => asked.set(requestId, request.url));
  network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) =>
    answered.push([requestId, statusCode]),
  );
  await network.send('Network.enable');
  const isOurs = ([request]: readonly [string, number]): boolean => asked.get(request)?.startsWith(address) ?? false;
  return () => answered.filter(isOurs).map(([, status]) => status);
}

async function idOf(job: Locator): Promise<string> {
  const text = await job.locator('[class*="jobId-"]').textContent();
  return (text ?? '').replace(/^#/, '');
}

async function serve(html: string): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const server: Server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Everything that a page may make its visitor's browser send without asking, and some that it may not. */
function evilPage(url: string): string {
  const add = `${url}/queues/api/queues/warm/add`;
  return `<!doctype html>
<iframe name="framed" src="${url}/queues"></iframe>
<iframe name="target"></iframe>
<form method="post" target="target" enctype="text/plain" action="${add}">
  <input name='{"name":"warm","data":{"model":"calls"},"options":{},"x":"' value='"}'>
</form>
<script>
  const body = JSON.stringify({ name: 'warm', data: { model: 'calls' }, options: {} });
  const target = document.querySelector('iframe[name=target]');
  const submitted = new Promise((resolve) => { target.onload = resolve; });
  document.querySelector('form').submit();
  const send = (url, how) => fetch(url, { mode: 'no-cors', ...how }).catch(() => undefined);
  Promise.all([
    submitted,
    send('${add}', { method: 'POST', body }),
    send('${add}', { method: 'POST', body: new Blob([body], { type: 'text/plain' }) }),
    send('${add}', { method: 'POST', body: new URLSearchParams({ name: 'warm' }) }),
    send('${add}', { method: 'POST', body: new Blob([body], { type: 'application/json' }), mode: 'cors' }),
    send('${add}', { method: 'POST', body, headers: { 'content-type': 'application/json' }, mode: 'cors' }),
    send('${url}/queues/api/queues/warm/pause', { method: 'PUT', mode: 'cors' }),
    navigator.sendBeacon('${add}', body),
  ]).then(() => { document.body.append(Object.assign(document.createElement('p'), { textContent: 'done' })); });
</script>`;
}
