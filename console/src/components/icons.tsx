/** Own small line icons: 16 px, in the colour of the text beside them, and hidden from screen readers. */
import type { ReactNode } from "react";

const shapes = {
  clusters: <path d="M8 1.8 13.4 5v6L8 14.2 2.6 11V5zM2.6 5 8 8.2 13.4 5M8 8.2v6" />,
  key: <path d="M9.8 9.2a3.6 3.6 0 1 0-3-3L1.8 11.2v3h3v-2h2v-2zM11 5h.01" />,
  project: <path d="M1.8 4.2v8.6h12.4V5.6H7.6L6 3.4H1.8z" />,
  users: <path d="M6 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 6 8zM1.4 13.6c0-2.4 2-4 4.6-4s4.6 1.6 4.6 4M11 3.2a2.4 2.4 0 0 1 0 4.5M12 9.8c1.6.5 2.6 1.900 2.6 3.800" />,
  gate: <path d="M4.800 4h6.400a4 4 0 0 1 0 8H4.800a4 4 0 0 1 0-8zM11.200 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z" />,
  audit: <path d="M3.400 1.800h6.800l2.800 2.800v9.600H3.400zM5.800 7h4.600M5.800 9.600h4.600M5.800 12h2.800" />,
  release: <path d="M8 1.800 14 4.600v6.800L8 14.200 2 11.400V4.600zM5 3.200l6 2.900v3" />,
  registry: <path d="M2.200 3.200h11.600v4H2.200zM2.200 8.800h11.600v4H2.200zM4.600 5.200h.01M4.600 10.800h.01" />,
  sun: <path d="M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.600M8 13.400V15M1 8h1.600M13.400 8H15M3 3l1.200 1.200M11.800 11.800 13 13M3 13l1.200-1.200M11.800 4.200 13 3" />,
  moon: <path d="M13.600 9.800A6 6 0 0 1 6.200 2.400a6 6 0 1 0 7.400 7.400z" />,
  help: <path d="M8 14.400A6.400 6.400 0 1 0 8 1.600a6.400 6.400 0 0 0 0 12.800zM6.200 6.200c.1-1 .8-1.700 1.800-1.700 1.100 0 1.900.7 1.900 1.700 0 1.400-1.900 1.500-1.900 2.800M8 11.400h.01" />,
  copy: <path d="M5.400 5.400h8v8h-8zM10.600 5.400V2.600h-8v8h2.800" />,
  check: <path d="m2.800 8.400 3.400 3.400 7-7.400" />,
  cross: <path d="m3.600 3.600 8.800 8.800M12.400 3.600l-8.800 8.800" />,
  plus: <path d="M8 2.800v10.400M2.800 8h10.400" />,
  more: <path d="M3.400 8h.01M8 8h.01M12.600 8h.01" />,
  progress: <path d="M2.400 4h2M2.400 8h2M2.400 12h2M7 4h6.600M7 8h6.600M7 12h6.600" />,
  search: <path d="M7 11.800A4.800 4.800 0 1 0 7 2.200a4.800 4.800 0 0 0 0 9.600zM10.600 10.600 14 14" />,
  up: <path d="m4 9.600 4-4 4 4" />,
  down: <path d="m4 6.400 4 4 4-4" />,
  right: <path d="m6.200 4 4 4-4 4" />,
  warning: <path d="M8 2 15 13.800H1zM8 6.400v3.400M8 11.800h.01" />,
  retry: <path d="M13.400 8a5.400 5.400 0 1 1-1.700-3.900M13.600 1.800v3h-3" />,
  server: <path d="M2.400 2.600h11.200v4.600H2.400zM2.400 8.800h11.200v4.600H2.400zM5 4.900h.01M5 11.100h.01M8 4.900h3.200M8 11.100h3.200" />,
  import: <path d="M8 1.800v8M4.800 6.800 8 10l3.200-3.200M2.200 11v3h11.600v-3" />,
  link: <path d="M6.600 9.400a3 3 0 0 0 4.300 0l2.400-2.400a3 3 0 0 0-4.300-4.300L7.800 3.900M9.400 6.600a3 3 0 0 0-4.300 0L2.700 9A3 3 0 0 0 7 13.300l1.200-1.200" />,
  external: <path d="M9.400 2.400h4.200v4.200M13.600 2.400 7.600 8.400M11.600 9v4.400H2.600v-9H7" />,
  shield: <path d="M8 1.800 13.200 3.600v4c0 3.200-2.200 5.400-5.200 6.600-3-1.200-5.200-3.400-5.200-6.600v-4zM5.600 8l1.700 1.700 3.200-3.400" />,
  trash: <path d="M2.800 4.200h10.400M6 4V2.400h4V4M4.200 4.200l.6 9.400h6.400l.6-9.400" />,
  edit: <path d="m10.600 2.800 2.600 2.600-7.600 7.600-3.200.6.6-3.200z" />,
  terminal: <path d="M1.800 2.800h12.400v10.400H1.800zM4.400 6l2.200 2-2.200 2M8.200 10.200h3" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}
