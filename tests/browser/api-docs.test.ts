import { chromium, TestBrowser } from '../support/browser';
import { SMALL_AXES, smallModel, someCategories, TestSystem } from '../support/system';

/** The page of the API in a real browser: it works without the network and under its policy, and asks questions. */

// Generous, for a machine that does much else; nothing waits for it.
jest.setTimeout(180_000);

const categories = someCategories(3);

const [title, given] =
  chromium === undefined
    ? ['the page of the API in a browser (left out: there is no Chromium on the PATH)', describe.skip]
    : ['the page of the API in a browser', describe];

given(title, () => {
  let system: TestSystem;
  let browser: TestBrowser | undefined;
  let url: string;

  beforeEach(async () => {
    system = await TestSystem.start();
    system.write('m.onnx', smallModel(categories));
    system.configure({ calls: { file: 'm.onnx', axes: SMALL_AXES, categories, every: '1h' } });
    const daemon = system.daemon(['start', '--roles', 'scheduler,worker,api']);
    await daemon.cycle();
    url = await daemon.url();
    browser = await TestBrowser.start();
  });
  afterEach(async () => {
    await browser?.stop();
    browser = undefined;
    await system.stop();
  });

  test('a prediction is asked for with the examples that stand there', async () => {
    const page = await (browser as TestBrowser).newPage();
    await page.goto(`${url}/docs`);
    const operation = page.locator('.opblock', { hasText: 'One prediction: calls' });
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.responses-table.live-responses-table');
    await answer.waitFor();
    expect(await answer.locator('tbody .response-col_status').textContent()).toMatch(/^200/);
    const body = await answer.locator('.highlight-code').first().textContent();
    expect(body).toContain('"category": "category 00000"');
    expect(body).toContain('"prediction": 10');
    expect(browser?.errors).toEqual([]);
    const requested = browser?.requested ?? [];
    expect(requested.filter((address) => !address.startsWith('data:') && new URL(address).origin !== url)).toEqual([]);
  });
});
