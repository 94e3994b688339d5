/** Words in English and Chinese; only the language in use is fetched. */
import i18next, { type TOptions } from "i18next";
import { createContext, createElement, useContext, useEffect, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { initReactI18next, useTranslation } from "react-i18next";
import { currentLanguage, rememberLanguage, useLanguage, type Language } from "../settings";
import { saying, type Said } from "./sentences";

/** Words made from the models: descriptions of fields, conditions, reasons. */
export interface ModelWords {
  readonly fields: Readonly<Record<string, string>>;
  readonly conditions: Readonly<Record<string, readonly [string, string]>>;
  readonly reasons: Readonly<Record<string, string>>;
  /** What roost says in messages, English to this language; none in English. */
  readonly sentences: Readonly<Record<string, string>>;
}

const loaders = { en: () => import("./en"), zh: () => import("./zh") };
// Not needed before the first page works.
const modelLoaders = { en: () => import("../generated/words.en.json"), zh: () => import("../generated/words.zh.json") };

const modelWords: Partial<Record<Language, ModelWords>> = {};

async function load(language: Language): Promise<void> {
  if (i18next.hasResourceBundle(language, "translation")) return;
  const words = await loaders[language]();
  i18next.addResourceBundle(language, "translation", words.default, true, true);
}

export async function startWords(): Promise<void> {
  const language = currentLanguage();
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
    react: { useSuspense: false },
  });
  await load(language);
  await i18next.changeLanguage(language);
}

export async function chooseLanguage(language: Language): Promise<void> {
  await load(language);
  rememberLanguage(language);
  await i18next.changeLanguage(language);
}

export type Say = (key: string, values?: TOptions) => string;

const Words = createContext<Say>((key) => key);

/** Hears of the language once for the whole console: `useTranslation` in each cell of a table costs more than the cell. */
export function WordsProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  // A word without values is the same each time, and looking it up costs more than drawing it: a table asks for hundreds.
  const say = useMemo<Say>(() => {
    const plain = cached((key) => t(key, {}));
    return (key, values) => (values ? t(key, values as Record<string, unknown>) : plain(key));
  }, [t]);
  return createElement(Words, { value: say }, children);
}

/** Another function once the language is another. */
export function useWords(): Say {
  return useContext(Words);
}

/** All words of a language are there before it is chosen, so what is missing stays so. */
const there = { en: cached((key) => i18next.exists(key, { lng: "en" })), zh: cached((key) => i18next.exists(key, { lng: "zh" })) };

export function hasWord(key: string): boolean {
  return there[currentLanguage()](key);
}

function cached<T>(find: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) known.set(key, (found = find(key)));
    return found;
  };
}

const NONE: ModelWords = { fields: {}, conditions: {}, reasons: {}, sentences: {} };
const waiting = new Set<() => void>();
const asked = new Set<Language>();

function ask(language: Language): void {
  if (asked.has(language)) return;
  asked.add(language);
  modelLoaders[language]().then(
    (models) => {
      modelWords[language] = models.default as unknown as ModelWords;
      waiting.forEach((listener) => listener());
    },
    () => asked.delete(language),
  );
}

function subscribe(listener: () => void): () => void {
  waiting.add(listener);
  return () => waiting.delete(listener);
}

export function useModelWords(): ModelWords {
  const language = useLanguage();
  useEffect(() => ask(language), [language]);
  return useSyncExternalStore(subscribe, () => modelWords[language] ?? NONE);
}

const AS_STORED: Said = (message) => message;
const sayings = new WeakMap<ModelWords, Said>();

/** Turns a message, which the API holds in English, into the reader's language. */
export function useSaid(): Said {
  const words = useModelWords();
  if (words === modelWords.en || words === NONE) return AS_STORED;
  const said = sayings.get(words) ?? saying(words.sentences);
  sayings.set(words, said);
  return said;
}
