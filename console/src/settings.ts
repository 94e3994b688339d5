/** What a person chose in this browser: theme and language. Kept in local storage, nothing else is. */
import { useSyncExternalStore } from "react";
import type { ThemeName } from "./theme";

export type Language = "en" | "zh";

const listeners = new Set<() => void>();

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still works.
  }
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function currentTheme(): ThemeName {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function chooseTheme(theme: ThemeName): void {
  document.documentElement.dataset.theme = theme;
  keep("roost.theme", theme);
}

export function useTheme(): ThemeName {
  return useSyncExternalStore(subscribe, currentTheme);
}

export function currentLanguage(): Language {
  return document.documentElement.lang.startsWith("zh") ? "zh" : "en";
}

export function rememberLanguage(language: Language): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  keep("roost.language", language);
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage);
}
