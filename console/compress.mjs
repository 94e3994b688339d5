// Beside each file that shrinks, the same one compressed, so that the gateway only has to hand it out.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = process.env.ROOST_CONSOLE_OUT;
if (!root) throw new Error("ROOST_CONSOLE_OUT is not set");
for (const name of readdirSync(root, { recursive: true })) {
  if (!/\.(js|css|html|svg)$/.test(name)) continue;
  const path = join(root, name);
  const whole = readFileSync(path);
  if (whole.length < 1024) continue;
  const options = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length } };
  writeFileSync(`${path}.br`, brotliCompressSync(whole, options));
  writeFileSync(`${path}.gz`, gzipSync(whole, { level: 9 }));
}
