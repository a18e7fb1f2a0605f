// DeepL's own client for Node against the server at argv[2]: prints what each call gave, as JSON.
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , serverUrl, folder] = process.argv;
const deepl = createRequire(join(process.cwd(), "package.json"))("deepl-node");
const client = new deepl.DeepLClient("any key", { serverUrl, maxRetries: 0, minTimeout: 120_000 });
const told = {};

told.texts = (await client.translateText(["Guten Morgen.", "Danke."], null, "en-GB")).map((found) => ({
  text: found.text,
  source: found.detectedSourceLang,
  billed: found.billedCharacters,
}));
told.html = (await client.translateText("Das <b>Haus</b> ist rot.", "de", "en-US", { tagHandling: "html" })).text;
told.same = (await client.translateText("Das Haus ist rot.", "de", "de")).text;
told.sources = (await client.getSourceLanguages()).map((each) => each.code);
told.targets = (await client.getTargetLanguages()).map((each) => [each.code, each.supportsFormality]);
told.usage = { count: (await client.getUsage()).character.count, reached: (await client.getUsage()).anyLimitReached() };

const entries = new deepl.GlossaryEntries({ entries: { Haus: "mansion" } });
const one = await client.createGlossary("one", "de", "en", entries);
told.glossary = (await client.translateText("Das Haus ist rot.", "de", "en-US", { glossary: one })).text;
told.entries = (await client.getGlossaryEntries(one)).entries();
await client.deleteGlossary(one);
told.pairs = (await client.getGlossaryLanguagePairs()).map((pair) => `${pair.sourceLang}-${pair.targetLang}`);

const dictionary = (source, target, word, other) => ({
  sourceLangCode: source,
  targetLangCode: target,
  entries: new deepl.GlossaryEntries({ entries: { [word]: other } }),
});
const both = await client.createMultilingualGlossary("both", [
  dictionary("de", "en", "Haus", "mansion"),
  dictionary("en", "de", "house", "Villa"),
]);
await client.updateMultilingualGlossaryName(both, "renamed");
await client.replaceMultilingualGlossaryDictionary(both, dictionary("en", "de", "house", "Palast"));
await client.deleteMultilingualGlossaryDictionary(both, "de", "en");
const kept = await client.getMultilingualGlossary(both.glossaryId);
told.both = { name: kept.name, directions: kept.dictionaries.map((each) => each.sourceLangCode + each.targetLangCode) };
told.replaced = (await client.getMultilingualGlossaryDictionaryEntries(both, "en", "de")).entries.entries();
told.listed = (await client.listMultilingualGlossaries()).length;
await client.deleteMultilingualGlossary(both);

await writeFile(join(folder, "in.txt"), "Guten Morgen.\n");
const status = await client.translateDocument(join(folder, "in.txt"), join(folder, "out.txt"), "de", "en-US");
told.document = { status: status.status, text: await readFile(join(folder, "out.txt"), "utf-8") };

told.refusals = {};
for (const [name, call] of Object.entries({
  language: () => client.translateText("Haus", "de", "xx"),
  glossary: () => client.getGlossary("no-id"),
  formality: () => client.translateText("Good morning.", "en", "de", { formality: "more" }),
  rephrase: () => client.rephraseText("Good morning.", "en-US"),
})) {
  told.refusals[name] = await call().then(() => "answered", (error) => [error.constructor.name, error.message]);
}
console.log(JSON.stringify(told));
