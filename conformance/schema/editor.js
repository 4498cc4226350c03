// What an editor offers and refuses with docs/recipe.schema.json, asked of the YAML language server that editors use.
// Run in a folder that has it installed: node editor.js REPOSITORY
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const from = (name) => require(require.resolve(name, { paths: [process.cwd()] }));

const { getLanguageService } = from('yaml-language-server/out/server/src/languageservice/yamlLanguageService.js');
const { SettingsState } = from('yaml-language-server/out/server/src/yamlSettings.js');
const { TextDocument } = from('vscode-languageserver-textdocument');

const root = process.argv[2];
const schema = JSON.parse(fs.readFileSync(path.join(root, 'docs/recipe.schema.json'), 'utf8'));
const settings = new SettingsState();
const service = getLanguageService({
  schemaRequestService: async () => JSON.stringify(schema),
  workspaceContext: { resolveRelativePath: (p) => p },
  yamlSettings: settings,
  telemetry: { send() {}, sendError() {}, sendTrack() {} },
  clientCapabilities: { textDocument: { completion: { completionItem: { documentationFormat: ['markdown'] } } } },
});
service.configure({
  validate: true, hover: true, completion: true, yamlVersion: '1.2',
  schemas: [{ uri: 'file:///recipe.schema.json', fileMatch: ['*.yaml'], schema }],
});

let count = 0;
function open(text) {
  const document = TextDocument.create(`file:///recipe-${count++}.yaml`, 'yaml', 1, text);
  settings.documents = { get: () => document };
  return document;
}

// at opens a text and returns it with the place of the mark ‸ in it.
function at(text) {
  const document = open(text.replace('‸', ''));
  return [document, document.positionAt(text.indexOf('‸'))];
}

async function offers(text, ...labels) {
  const [document, position] = at(text);
  const { items } = await service.doComplete(document, position, false);
  for (const label of labels) {
    const item = items.find((i) => i.label === label);
    assert.ok(item, `${text}\n${label} is not offered, but ${items.map((i) => i.label)}`);
    assert.ok(item.documentation, `${text}\n${label} has no help`);
  }
}

async function tells(text, words) {
  const [document, position] = at(text);
  const hover = await service.doHover(document, position);
  assert.ok(hover && hover.contents.value.includes(words), `${text}\nis told as ${hover && hover.contents.value}`);
}

async function marks(text, ...places) {
  const found = await service.doValidation(open(text), false);
  const got = found.map((d) => `${d.range.start.line + 1}:${d.range.start.character + 1}`);
  for (const place of places) assert.ok(got.includes(place), `${text}\n${place} is not marked, but ${got}`);
  if (places.length === 0) assert.deepEqual(found.map((d) => d.message), [], text);
}

const step = 'version: 1\npasses:\n  - ';
const prune = step + 'prune:\n      ';
const tests = async () => {
  await offers('version: 1\n‸', 'model', 'passes', 'gates', 'outputs');
  await offers(step + '‸', 'prune', 'quantize', 'targets', 'overrides');
  await offers(prune + '‸', 'sparsity', 'criterion', 'structure');
  await offers(prune + 'criterion: ‸', 'magnitude', 'taylor');
  await offers(prune + 'sparsity: 50%\n    targets:\n      - ‸', 'type:conv', 'role:head');
  await offers(prune + 'sparsity: 50%\n    overrides:\n      - set:\n          ‸', 'sparsity', 'criterion');
  await offers(step + 'quantize:\n      activations:\n        observer: ‸', 'minmax', 'percentile');
  await offers('version: 1\ngates:\n  - metric: ‸', 'top1', 'bytes');
  await offers('version: 1\ntarget: ‸', 'onnxruntime-cpu-arm64');

  await tells(prune + 'spar‸sity: 50%\n', 'must be at least 0 and less than 1');
  await tells(prune + 'criterion: tay‸lor\n', 'gradient of the loss');

  const head = 'version: 1\nmodel: {path: a.onnx}\n';
  await marks(head + 'passes:\n  - prune: {sparsity: 50, criterion: magnitud}\n', '4:23', '4:38');
  await marks(head + 'passes:\n  - quantise: {}\n', '4:5');
  await marks(head + 'passes:\n  - distill: {steps: 1}\n    overrides: []\n', '4:5');
  await marks(head + 'passes:\n  - prune: {sparsity: "${{ vars.x }}"}\nvars: {x: 0.5}\n');
  const recipes = fs.readdirSync(path.join(root, 'recipes')).filter((f) => f.endsWith('.yaml') && !f.endsWith('_test.yaml'));
  for (const file of recipes) await marks(fs.readFileSync(path.join(root, 'recipes', file), 'utf8'));
  console.log(`yaml-language-server agrees in ${count} places`);
};
tests().then(() => process.exit(0), (e) => { console.error(e.message); process.exit(1); });
