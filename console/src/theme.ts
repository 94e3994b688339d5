/** antd's tokens, from the same colours that index.css gives the rest of the console. */
import { theme as antd, type ThemeConfig } from "antd";

export type ThemeName = "light" | "dark";

const palette = {
  light: {
    accent: "#1f5f8b",
    onAccent: "#ffffff",
    text: "#1b2327",
    quiet: "#55616a",
    line: "#dfe4e7",
    control: "#8a959c",
    surface: "#ffffff",
    raised: "#ffffff",
    ok: "#24703f",
    warn: "#8a5a00",
    bad: "#b3261e",
  },
  dark: {
    accent: "#74b7e0",
    onAccent: "#0c1a23",
    text: "#e6eaec",
    quiet: "#a8b3ba",
    line: "#2d3539",
    control: "#6b777e",
    surface: "#1a1f22",
    raised: "#22282c",
    ok: "#6cc592",
    warn: "#e3b55c",
    bad: "#f5948b",
  },
} as const;

export const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", ' +
  '"Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif';
export const MONO =
  'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace';

export function antdTheme(name: ThemeName): ThemeConfig {
  const color = palette[name];
  return {
    algorithm: name === "dark" ? antd.darkAlgorithm : antd.defaultAlgorithm,
    cssVar: { key: name },
    hashed: false,
    token: {
      colorPrimary: color.accent,
      colorInfo: color.accent,
      colorLink: color.accent,
      colorSuccess: color.ok,
      colorWarning: color.warn,
      colorError: color.bad,
      colorText: color.text,
      colorTextSecondary: color.quiet,
      colorTextDescription: color.quiet,
      colorTextPlaceholder: color.quiet,
      colorTextTertiary: color.quiet,
      colorBorder: color.control,
      colorBorderSecondary: color.line,
      colorBgContainer: color.surface,
      colorBgElevated: color.raised,
      colorTextLightSolid: color.onAccent,
      borderRadius: 6,
      fontSize: 14,
      fontFamily: FONT,
      fontFamilyCode: MONO,
      controlHeight: 34,
      motion: true,
      motionDurationMid: "0.12s",
      motionDurationSlow: "0.16s",
      boxShadowSecondary: "0 8px 28px rgb(0 0 0 / 16%)",
    },
    components: {
      Button: { primaryShadow: "none", defaultShadow: "none", dangerShadow: "none", primaryColor: color.onAccent },
      Tooltip: { colorBgSpotlight: name === "dark" ? "#39434a" : "#263138", colorTextLightSolid: "#f4f7f8" },
    },
  };
}
