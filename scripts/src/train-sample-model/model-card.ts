/** Words the model card from the settings and the evaluation, so that its figures cannot drift from the model. */
import { TEST_WEEKS, TRAIN_WEEKS } from './data';
import { BASELINE_FLOOR, type Evaluation } from './evaluate';
import type { Accuracy } from './poisson';
import { BATCH_SIZES } from './runtime';
import type { Settings } from './settings';

export function modelCard(evaluation: Evaluation, settings: Settings): string {
  const sections = [
    HEADING,
    INPUTS,
    TRAINING_DATA,
    method(settings),
    accuracy(evaluation),
    limits(evaluation),
    file(evaluation),
  ];
  return `${sections.join('\n\n')}\n`;
}

const HEADING = `# Model card: montco911

<!-- Written by scripts/train-sample-model: change the script, not this file. -->

The sample model predicts how many emergency calls of one category Montgomery County, Pennsylvania, gets in one hour,
given the day of the week and the hour of the day. It is there to show the product at work on real data.`;

const INPUTS = `## Inputs and output

N is the batch size. All tensors have the shape [N, 1].

| name | type | meaning |
|---|---|---|
| \`day\` | int64 | 0 = Sunday to 6 = Saturday, as JavaScript's \`Date.getDay()\` |
| \`hour\` | int64 | 0 to 23, local wall time (America/New_York) |
| \`category\` | string | one of the 110 in \`data/montco911_categories.csv\`, column \`category\` |
| \`expected_calls\` (output) | float | expected calls of that category in that hour |

The whole grid is 7 x 24 x 110 = 18,480 cells. An unknown category is answered as the rarest one.
\`day\` and \`hour\` are not checked: outside their range the answer means nothing.`;

const TRAINING_DATA = `## Training data

Calls per (day, hour, category) of the ${TRAIN_WEEKS} whole weeks from Monday 2015-12-14 to Sunday 2016-07-03
(\`data/\`, see NOTICE.md). The ${TEST_WEEKS} weeks from 2016-07-04 to 2016-08-21 were held out: neither the trees nor
the feature tables nor the choice of settings saw them.`;

function method(settings: Settings): string {
  const rows: readonly (readonly [string, number])[] = [
    ['trees', settings.trees],
    ['learning rate', settings.learningRate],
    ['greatest depth', settings.maxDepth],
    ['least hessian sum of a leaf (weighted calls)', settings.minHessian],
    ['L2 penalty on leaf weights (weighted calls)', settings.l2],
    ['half-life of the starting rate (weeks)', settings.halfLifeWeeks],
    ['prior of the starting rate (calls)', settings.ratePrior],
    ['prior of the part-of-day shares (calls)', settings.sharePrior],
    ['prior of the group profiles (mean hours)', settings.profilePrior],
  ];
  return `## Method

Gradient-boosted regression trees for a Poisson count with log link (gradient mu - y, hessian mu). Boosting starts from
the log of the category's recent rate. The trees see the day, the hour, the category's rank, its group, the shares of
its calls by part of day and at weekends compared with its group, and the weekly profile of the group, all learnt from
the training weeks. A call of a category that comes in bursts (storms) weighs less: by the category's index of
dispersion. The graph holds the feature tables, so it takes plain inputs.

| setting | value |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}

Chosen inside the training weeks: from the first 15 (22) of them predict the 7 that follow, as
\`scripts/train-sample-model --validate\` does. The neighbouring settings it prints are within 0.01 of these.`;
}

function accuracy({ heldOut }: Evaluation): string {
  const row = (name: string, figures: Accuracy) =>
    `| ${name} | ${figures.deviance.toFixed(3)} | ${figures.absoluteError.toFixed(3)} |`;
  return `## Accuracy on the held-out ${TEST_WEEKS} weeks

For each of the 18,480 cells the calls y of the ${TEST_WEEKS} weeks are compared with mu = ${TEST_WEEKS} x \`expected_calls\`.

| | mean Poisson deviance | mean absolute error (calls) |
|---|---|---|
${row('this model', heldOut.model)}
${row(`mean of the cell in training, at least ${BASELINE_FLOOR} per hour`, heldOut.baseline)}
${row('noise floor', heldOut.noiseFloor)}

Deviance of a cell: 2 (y ln(y / mu) - (y - mu)), with y ln y = 0 at y = 0. Noise floor: what the model would get on
average if calls were Poisson with exactly the rates it predicts; a model cannot do much better, and storms and trends
keep it above.`;
}

function limits({ unseen }: Evaluation): string {
  return `## Limits

- Not for dispatch, staffing or any other decision on which safety depends.
- It knows no weather, no holiday and no season: one week is as the next. Training ends before the held-out summer.
- Without a call in the training weeks, and so predicted close to zero: ${unseen.join(', ')}.
- Outages of the source count as hours without calls (part of 2015-12-17 to 12-19, 2016-04-12, 2016-05-01 to 05-02).
- On 2016-03-13 the clocks went forward: the hour from 2:00 does not exist and counts as zero.
- Counts are of calls as recorded by one county in 2015 and 2016, and its categories are not those of other places.`;
}

function file({ bytes, sha256, differentBits }: Evaluation): string {
  const different = differentBits.reduce((sum, { cells }) => sum + cells, 0);
  return `## File

\`model.onnx\`: ${bytes} bytes, sha256 \`${sha256}\`.
ONNX IR 8, opset 15, ai.onnx.ml 3. \`scripts/train-sample-model --check\` retrains it and compares the bytes.

All cells were asked for with onnxruntime on one thread in ${differentBits.length} other ways than in one batch (batches of
${BATCH_SIZES.join(', ')}; reverse order). Answers with other bits: ${different}.`;
}
