/** Times and sizes as people read them, in either language. Pure. */
import type { Language } from "./settings";

const UNITS = {
  en: { d: "d", h: "h", m: "m", s: "s", join: " " },
  zh: { d: "天", h: "小时", m: "分", s: "秒", join: " " },
} as const;

/** The two largest units: 45s, 3m 20s, 5h 2m, 12d. */
export function duration(seconds: number, language: Language): string {
  const unit = UNITS[language];
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  if (days >= 3) return `${days}${unit.d}`;
  if (days > 0) return hours > 0 ? `${days}${unit.d}${unit.join}${hours}${unit.h}` : `${days}${unit.d}`;
  if (hours > 0) return minutes > 0 ? `${hours}${unit.h}${unit.join}${minutes}${unit.m}` : `${hours}${unit.h}`;
  if (minutes > 0) return rest > 0 ? `${minutes}${unit.m}${unit.join}${rest}${unit.s}` : `${minutes}${unit.m}`;
  return `${rest}${unit.s}`;
}

export function ageOf(timestamp: string | undefined, now: number, language: Language): string {
  if (!timestamp) return "—";
  return duration((now - Date.parse(timestamp)) / 1000, language);
}

const locale = { en: "en-GB", zh: "zh-CN" } as const;

export function moment(timestamp: string | number, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: "medium", timeStyle: "medium" }).format(
    new Date(timestamp),
  );
}

export function day(timestamp: string | number, language: Language): string {
  return new Intl.DateTimeFormat(locale[language], { dateStyle: "medium" }).format(new Date(timestamp));
}

export function memory(mebibytes: number, language: Language): string {
  const number = (value: number) => new Intl.NumberFormat(locale[language], { maximumFractionDigits: 1 }).format(value);
  return mebibytes >= 1024 ? `${number(mebibytes / 1024)} GiB` : `${number(mebibytes)} MiB`;
}

/** `48011Mi`, as Kubernetes writes it, for people; anything else as it is. */
export function mebibytes(quantity: string | undefined, language: Language): string | undefined {
  const found = /^(\d+)Mi$/.exec(quantity ?? "");
  return found ? memory(Number(found[1]), language) : quantity;
}
