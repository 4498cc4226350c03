// Drives `pare lsp` with the client library that VS Code uses, and checks what an editor would see of a recipe.
//
//   node conformance/lsp/client.mjs MODULES PARE RECIPE
//
// MODULES is the folder with node_modules, PARE the program, RECIPE is recipes/fashion.yaml. Prints N passed, M failed,
// and exits 1 if M is not 0.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [modules, pare, recipe] = process.argv.slice(2).map((p) => path.resolve(p));
const load = createRequire(path.join(modules, "package.json"));
const lsp = load("vscode-languageserver-protocol/node");

let passed = 0;
let failed = 0;
const check = (what, ok, seen) => {
  if (ok) {
    passed++;
  } else {
    failed++;
    console.log(`FAILED ${what}\n  ${JSON.stringify(seen)}`);
  }
};

const server = spawn(pare, ["lsp", "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const exited = new Promise((done) => server.on("exit", done));
const connection = lsp.createProtocolConnection(
  new lsp.StreamMessageReader(server.stdout),
  new lsp.StreamMessageWriter(server.stdin),
);
const late = setTimeout(() => {
  console.log("FAILED no answer within a minute");
  server.kill();
  process.exit(1);
}, 60_000);

// Findings as they are published, and whoever waits for those of a version.
const published = new Map();
const waiting = [];
connection.onNotification(lsp.PublishDiagnosticsNotification.type, (p) => {
  published.set(p.version, p.diagnostics);
  for (const w of waiting) if (published.has(w.version)) w.done(published.get(w.version));
});
const findings = (version) =>
  published.has(version) ? Promise.resolve(published.get(version)) : new Promise((done) => waiting.push({ version, done }));

// What the client asks to watch is asked by a request of the server.
let watched = null;
connection.onRequest(lsp.RegistrationRequest.type, (p) => {
  watched = p.registrations[0]?.method;
});
connection.listen();

const uri = pathToFileURL(recipe).href;
const textDocument = { uri };
let text = readFileSync(recipe, "utf8");
let version = 1;

const position = (offset) => {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length - 1, character: lines.at(-1).length };
};
const offsetOf = (p) => text.split("\n").slice(0, p.line).reduce((n, l) => n + l.length + 1, 0) + p.character;
// at finds the place of | in a text of the recipe, in the first place where it stands.
const at = (marked) => {
  const [before, after] = marked.split("|");
  if (!text.includes(before + after)) throw new Error(`${marked} does not stand in the recipe`);
  return position(text.indexOf(before + after) + before.length);
};
const applied = (edits) => {
  let out = text;
  for (const e of [...edits].sort((a, b) => offsetOf(b.range.start) - offsetOf(a.range.start)))
    out = out.slice(0, offsetOf(e.range.start)) + e.newText + out.slice(offsetOf(e.range.end));
  return out;
};
// edit replaces a text, the first one of several, as typing does, and returns the findings that follow.
const edit = async (old, now) => {
  if (!text.includes(old)) throw new Error(`${old} does not stand in the recipe`);
  const i = text.indexOf(old);
  const range = { start: position(i), end: position(i + old.length) };
  text = text.slice(0, i) + now + text.slice(i + old.length);
  version++;
  await connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version },
    contentChanges: [{ range, text: now }],
  });
  return findings(version);
};
const hover = async (marked) =>
  (await connection.sendRequest(lsp.HoverRequest.type, { textDocument, position: at(marked) }))?.contents.value ?? "";
const labels = async (marked) => {
  const list = await connection.sendRequest(lsp.CompletionRequest.type, { textDocument, position: at(marked) });
  return list.items.map((i) => i.label);
};
const define = async (marked) => {
  const l = await connection.sendRequest(lsp.DefinitionRequest.type, { textDocument, position: at(marked) });
  return l && text.split("\n")[l.range.start.line].slice(l.range.start.character, l.range.end.character);
};

const initialized = await connection.sendRequest(lsp.InitializeRequest.type, {
  processId: process.pid,
  rootUri: pathToFileURL(path.dirname(recipe)).href,
  workspaceFolders: null,
  capabilities: {
    textDocument: {
      hover: { contentFormat: ["markdown", "plaintext"] },
      completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
      codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix"] } } },
      documentSymbol: { hierarchicalDocumentSymbolSupport: true },
      publishDiagnostics: { relatedInformation: true, versionSupport: true, codeDescriptionSupport: true },
    },
    workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
  },
});
const can = initialized.capabilities;
check("capabilities", can.hoverProvider && can.completionProvider && can.definitionProvider && can.codeActionProvider &&
  can.documentFormattingProvider && can.documentSymbolProvider, can);
check("incremental changes", can.textDocumentSync.change === lsp.TextDocumentSyncKind.Incremental, can.textDocumentSync);
check("UTF-16 unless asked otherwise", can.positionEncoding === lsp.PositionEncodingKind.UTF16, can.positionEncoding);
await connection.sendNotification(lsp.InitializedNotification.type, {});

await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, {
  textDocument: { uri, languageId: "yaml", version, text },
});
let found = await findings(1);
check("the recipe has no errors", !found.some((d) => d.severity === lsp.DiagnosticSeverity.Error), found);
check("files are watched", watched === lsp.DidChangeWatchedFilesNotification.method, watched);

// Findings, and what mends them.
found = await edit("criterion: taylor", "criterion: tailor");
const slip = found.find((d) => d.code === "unknown-value");
check("a slip is found", slip && text.slice(offsetOf(slip.range.start), offsetOf(slip.range.end)) === "tailor", found);
check("a finding leads to its page", slip?.codeDescription?.href.endsWith("docs/checks.md#unknown-value"), slip);
const actions = await connection.sendRequest(lsp.CodeActionRequest.type, {
  textDocument, range: slip.range, context: { diagnostics: [slip] },
});
const fix = actions.find((a) => a.kind === lsp.CodeActionKind.QuickFix && a.isPreferred);
check("a quick fix mends it", fix && applied(fix.edit.changes[uri]).includes("criterion: taylor"), actions);
found = await edit("criterion: tailor", "criterion: taylor");
check("and then it is gone", !found.some((d) => d.code === "unknown-value"), found);
found = await edit('targets: ["block*.conv1"]', 'targets: ["blok*.conv1"]');
check("selectors are held against the model", found.some((d) => d.code === "selector-matches-nothing"), found);
await edit('targets: ["blok*.conv1"]', 'targets: ["block*.conv1"]');

// Hover.
check("help on a parameter", /share of the weights/i.test(await hover("sparsi|ty: ${{")), await hover("sparsi|ty: ${{"));
check("the value of a variable", /vars\.sparsity\*\* = `0?\.\d+`/.test(await hover("${{ vars.spar|sity")), await hover("${{ vars.spar|sity"));
const picked = await hover('["block*.con|v1"]');
check("layers that a selector picks", /matches \d+ of \d+ layers/.test(picked) && picked.includes("block1.conv1"), picked);
const override = await hover("s|et: {sparsity: 0}");
check("an override's layers and parameters", override.includes("This override matches") && override.includes("sparsity: 0\n"), override);
const fact = await hover("layer.par|ams");
check("a fact in a condition", fact.includes("**layer.params** (int)"), fact);

// Completion, in a text that is no YAML.
let list = await labels("criterion: |taylor");
check("words of an enumeration", list.includes("magnitude") && list.includes("taylor"), list);
await edit("\ngates:\n", "\n  - \ngates:\n");
list = await labels("\n  - |\ngates:\n");
check("passes where a step begins", ["fold", "prune", "distill", "quantize"].every((p) => list.includes(p)), list);
await edit("\n  - \ngates:\n", "\n  - quantize: {weights: {\ngates:\n");
list = await labels("quantize: {weights: {|\ngates:\n");
check("keys inside brackets that are open", list.includes("type") && list.includes("granularity"), list);
await edit("quantize: {weights: {\ngates:\n", "quantize: {}\n    overrides:\n      - when: layer.\ngates:\n");
list = await labels("when: layer.|\ngates:\n");
check("facts in a condition", list.includes("params") && list.includes("type"), list);
await edit("\n  - quantize: {}\n    overrides:\n      - when: layer.\ngates:\n", "\ngates:\n");
list = await labels("data: |calibration");
check("data sets", ["train", "calibration", "test"].every((d) => list.includes(d)), list);

// Definition, symbols, formatting.
check("definition of a variable", (await define("${{ vars.spar|sity")) === "sparsity", await define("${{ vars.spar|sity"));
check("definition of a data set", (await define("data: cali|bration")) === "calibration", await define("data: cali|bration"));
const symbols = await connection.sendRequest(lsp.DocumentSymbolRequest.type, { textDocument });
const steps = symbols.find((s) => s.name === "passes")?.children.map((s) => s.name) ?? [];
check("steps are symbols", steps.includes("thin-filters") && steps.includes("pack"), steps);
await edit("model:\n  path: models/fashion.onnx", "model:\n     path:   'models/fashion.onnx'");
const edits = await connection.sendRequest(lsp.DocumentFormattingRequest.type, {
  textDocument, options: { tabSize: 2, insertSpaces: true },
});
check("formatting", applied(edits).includes("model:\n  path: models/fashion.onnx\n"), edits);

// Taking leave.
await connection.sendRequest(lsp.ShutdownRequest.type);
const refused = await connection.sendRequest(lsp.HoverRequest.type, { textDocument, position: { line: 0, character: 0 } })
  .then(() => null, (e) => e);
check("nothing after shutdown", refused?.code === lsp.ErrorCodes.InvalidRequest, refused);
await connection.sendNotification(lsp.ExitNotification.type);
check("exit code", (await exited) === 0, await exited);
clearTimeout(late);
connection.dispose();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
