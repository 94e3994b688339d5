/** Every file beside this one, by its name. */
import { byName } from "../files";

export default byName(import.meta.glob<Record<string, unknown>>("./*.json", { eager: true, import: "default" }));
