/** Words in English and Chinese; only the language in use is fetched. */
import i18next, { type TOptions } from "i18next";
import { useCallback, useEffect, useSyncExternalStore } from "react";
import { initReactI18next, useTranslation } from "react-i18next";
import { currentLanguage, rememberLanguage, useLanguage, type Language } from "../settings";

/** Words made from the models: descriptions of fields, conditions, reasons. */
export interface ModelWords {
  readonly fields: Readonly<Record<string, string>>;
  readonly conditions: Readonly<Record<string, readonly [string, string]>>;
  readonly reasons: Readonly<Record<string, string>>;
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

export function useWords(): Say {
  const { t } = useTranslation();
  return useCallback<Say>((key, values) => t(key, (values ?? {}) as Record<string, unknown>), [t]);
}

export function hasWord(key: string): boolean {
  return i18next.exists(key);
}

const NONE: ModelWords = { fields: {}, conditions: {}, reasons: {} };
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
