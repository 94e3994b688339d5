/** antd with roost's colours and the reader's language around what uses it. Loaded with the first page that does. */
import { StyleProvider } from "@ant-design/cssinjs";
import { ConfigProvider } from "antd";
import enUS from "antd/es/locale/en_US";
import zhCN from "antd/es/locale/zh_CN";
import { useMemo, type ReactNode } from "react";
import { Outlet } from "react-router";
import { useLanguage, useTheme } from "../settings";
import { antdTheme } from "../theme";

export function Themed({ children }: { children: ReactNode }) {
  const language = useLanguage();
  const themeName = useTheme();
  const theme = useMemo(() => antdTheme(themeName), [themeName]);
  return (
    <StyleProvider layer>
      <ConfigProvider locale={language === "zh" ? zhCN : enUS} theme={theme} button={{ autoInsertSpace: false }}>
        {children}
      </ConfigProvider>
    </StyleProvider>
  );
}

/** The pages below a route. */
export default function ThemedPages() {
  return (
    <Themed>
      <Outlet />
    </Themed>
  );
}
