// Loads GGUF files in llama.cpp (node-llama-cpp with its prebuilt library) and compares what they say with what the original says.
//
// usage: loads.mjs MODULES ORIGINAL NAME=FILE ...
//
// MODULES is where npm has installed the packages. Beside each FILE lies the report.json of its build. All read the same text; of
// its tokens llama.cpp gives the logits of the next one. What must hold: tokens are those of the original, and the error of
// the logits, |ours - original| / |original| over all of them (their mean at each token is taken away, which changes no
// probability), is at most TIMES sqrt(predicted^2 + 2 own^2).
//
// Predicted by the report: a block adds to what it is given, and the noise of its weights, as a share of them, is a share of what
// it adds. So it is the root of the sum of 10^(-SQNR/10) over the layers of a block, on average over the blocks, and over the
// layers outside blocks. Own is what llama.cpp does to activations, once in each model: it rounds them to 8 bits in front
// of weights in block types. It is measured: the first FILE must have weights as good as exact, in 16 bits, and may be MOST off. An
// original in 16 bits shows none of it; LEAST is what seven layers with 45 dB each make of a block, the noise of q8_0.
import fs from "node:fs";
import path from "node:path";
import {pathToFileURL} from "node:url";

const TIMES = 2.5, MOST = 0.1, LEAST = 0.015;
const LARGE = 1 << 16; // Of larger vocabularies every third token's logits are enough.
const TEXT = "The river rises in the hills and flows past two towns before it meets the sea. In spring it carries snow from the " +
  "mountains, and the bridges that were built over it in the last century stand low above the water.";

const [modules, original, ...files] = process.argv.slice(2);
const {getLlama, LlamaLogLevel} = await import(pathToFileURL(path.resolve(modules, "node_modules/node-llama-cpp/dist/index.js")));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: LlamaLogLevel.error, maxThreads: 2});

/** The tokens of TEXT in a model's own tokenizer, and the logits behind each, without their mean. */
async function read(file) {
  const model = await llama.loadModel({modelPath: file});
  const context = await model.createContext({contextSize: 256, threads: 2});
  const tokens = model.tokenize(TEXT);
  const step = [...model.iterateAllTokens()].length > LARGE ? 3 : 1;
  const out = await context.getSequence().controlledEvaluate(tokens.map((t, i) => (i % step ? t : [t, {generateNext: {logits: true}}])));
  const logits = out.filter(Boolean).map(({next}) => {
    const row = new Float64Array(next.logits.size);
    let sum = 0;
    for (const [token, x] of next.logits) { row[token] = x; sum += x; }
    return row.map((x) => x - sum / row.length);
  });
  await context.dispose();
  await model.dispose();
  return {tokens, logits};
}

const best = (row) => row.reduce((b, x, i) => (x > row[b] ? i : b), 0);

/** The logarithm of the sum of exp over a row. */
function total(row) {
  const top = row[best(row)];
  return top + Math.log(row.reduce((s, x) => s + Math.exp(x - top), 0));
}

function compare(ours, theirs) {
  let noise = 0, signal = 0, same = 0, divergence = 0;
  theirs.logits.forEach((a, i) => {
    const b = ours.logits[i], ta = total(a), tb = total(b);
    for (let j = 0; j < a.length; j++) {
      noise += (a[j] - b[j]) ** 2;
      signal += a[j] ** 2;
      divergence += Math.exp(a[j] - ta) * (a[j] - ta - b[j] + tb);
    }
    same += best(a) === best(b);
  });
  return {error: Math.sqrt(noise / signal), same, divergence: divergence / theirs.logits.length};
}

/** The error that a build's report predicts. */
function predicted(file) {
  const blocks = new Map();
  let outside = 0;
  for (const {name, sqnr} of JSON.parse(fs.readFileSync(file)).layers) {
    if (typeof sqnr !== "number") continue;
    const block = /(?:^blk|\blayers)\.(\d+)\./.exec(name), noise = 10 ** (-sqnr / 10);
    if (block) blocks.set(block[1], (blocks.get(block[1]) ?? 0) + noise);
    else outside += noise;
  }
  const sum = [...blocks.values()].reduce((a, b) => a + b, 0);
  return Math.sqrt(outside + sum / Math.max(blocks.size, 1));
}

const theirs = await read(original);
const failed = [];
let own;
for (const item of files) {
  const [name, file] = item.split("=");
  const want = predicted(path.join(path.dirname(file), "report.json"));
  const ours = await read(file);
  if (ours.tokens.join() !== theirs.tokens.join()) failed.push(`${name}: the text has other tokens`);
  if (ours.logits.length !== theirs.logits.length || ours.logits[0].length !== theirs.logits[0].length) {
    failed.push(`${name}: another vocabulary`);
    continue;
  }
  const {error, same, divergence} = compare(ours, theirs);
  if (own === undefined) {
    own = Math.max(error, LEAST);
    if (!(want < 0.01 && error < MOST)) failed.push(`${name}: the error of the logits is ${error.toFixed(3)}, of weights as good as exact`);
  } else if (!(error <= TIMES * Math.sqrt(want ** 2 + 2 * own ** 2))) failed.push(`${name}: the error of the logits is ${error.toFixed(3)}, predicted ${want.toFixed(3)}`);
  console.log(`| ${name} | ${fs.statSync(file).size.toLocaleString("en")} | ${error.toFixed(3)} (${want.toFixed(3)}) | ` +
    `${same} of ${theirs.logits.length} | ${divergence.toFixed(4)} |`);
}
failed.forEach((line) => console.error(line));
process.exit(failed.length ? 1 : 0);
