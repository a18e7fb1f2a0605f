// The npm package `libretranslate` against the server at argv[2]: prints what each call gave, as JSON.
import { createRequire } from "node:module";
import { join } from "node:path";

const [, , apiurl] = process.argv;
const { translate } = createRequire(join(process.cwd(), "package.json"))("libretranslate");
const ask = (query, source, format) => translate({ query, source, target: "en", format, apiurl });

console.log(
  JSON.stringify({
    text: await ask("Guten Morgen.", "de"),
    detected: await ask("Guten Morgen, wie geht es dir?"),
    html: await ask("<p>Das <b>Haus</b> ist rot.</p>", "de", "html"),
    unknown: await ask("Haus", "xx").catch((error) => error.message),
  }),
);
