/**
 * A table of rows of one height: sorts, says so to screen readers, and draws only the rows in sight once there are
 * many, so that thousands stay quick. A component of our own because antd's draws every row, and weighs more.
 */
import { memo, useCallback, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useWords } from "../i18n";
import { Icon } from "./icons";

export interface Column<T> {
  readonly key: string;
  readonly title: ReactNode;
  readonly render: (row: T) => ReactNode;
  /** What the column sorts by; without it the column does not sort. */
  readonly value?: (row: T) => string | number;
  readonly width?: string;
  readonly align?: "end";
  /** Left out on narrow windows. */
  readonly wide?: boolean;
}

export interface Sorting {
  readonly key: string;
  readonly down: boolean;
}

interface Props<T> {
  readonly label: string;
  readonly rows: readonly T[];
  /** While these and a row stay the same objects, the row is not drawn again: what `render` shows comes from them. */
  readonly columns: readonly Column<T>[];
  readonly rowKey: (row: T) => string;
  readonly sorting?: Sorting | undefined;
  readonly onSort?: (sorting: Sorting) => void;
  readonly rowHeight?: number;
  /** The rows come in the order of `sorting` (sortRows): who filters thousands sorts them once, not at each key. */
  readonly ordered?: boolean;
}

/** Above this a table draws what is in sight. Each row drawn besides is time between a key and what it finds. */
const MANY = 40;
/** Rows kept ready on either side of what is in sight; the window moves by as many. */
const SPARE = 6;

function compare(one: string | number, other: string | number): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return collator.compare(String(one), String(other));
}
const collator = new Intl.Collator("en", { numeric: true });

export function sortRows<T>(rows: readonly T[], columns: readonly Column<T>[], sorting: Sorting | undefined): readonly T[] {
  const value = columns.find((column) => column.key === sorting?.key)?.value;
  if (!value || !sorting) return rows;
  const sign = sorting.down ? -1 : 1;
  return rows
    .map((row) => [row, value(row)] as const)
    .sort((one, other) => sign * compare(one[1], other[1]))
    .map(([row]) => row);
}

/**
 * First row to draw and the one after the last, of a body that begins `top` pixels below the window's upper edge. Moves
 * in steps, so that scrolling seldom renders. Pure.
 */
export function rowsInSight(count: number, height: number, top: number, windowHeight: number): readonly [number, number] {
  if (count <= MANY) return [0, count];
  const sight = Math.ceil(windowHeight / height) + 1;
  // A table that became shorter may end above what was in sight.
  const first = Math.min(Math.floor(-top / height), count - sight);
  const from = Math.floor(Math.max(0, first - SPARE) / SPARE) * SPARE;
  const to = Math.ceil(Math.max(sight, first + sight + SPARE) / SPARE) * SPARE;
  return [from, Math.min(count, to)];
}

function useWindow(count: number, height: number) {
  const body = useRef<HTMLTableSectionElement>(null);
  // Before the first layout: a body that ends where the window does.
  const [range, setRange] = useState(() => rowsInSight(Number.MAX_SAFE_INTEGER, height, SPARE * height, window.innerHeight));
  const measure = useCallback(() => {
    if (count <= MANY || !body.current) return;
    const [from, to] = rowsInSight(count, height, body.current.getBoundingClientRect().top, window.innerHeight);
    setRange((before) => (before[0] === from && before[1] === to ? before : [from, to]));
  }, [count, height]);
  useLayoutEffect(() => {
    measure();
    window.addEventListener("scroll", measure, { passive: true });
    window.addEventListener("resize", measure);
    return () => {
      window.removeEventListener("scroll", measure);
      window.removeEventListener("resize", measure);
    };
  }, [measure]);
  const [from, to] = count <= MANY ? [0, count] : [Math.min(range[0], count), Math.min(range[1], count)];
  return { body, from, to };
}

export function DataTable<T>({ label, rows, columns, rowKey, sorting, onSort, rowHeight = 60, ordered }: Props<T>) {
  const t = useWords();
  const [own, setOwn] = useState<Sorting | undefined>(sorting);
  const used = onSort ? sorting : own;
  const sorted = useMemo(() => (ordered ? rows : sortRows(rows, columns, used)), [ordered, rows, columns, used]);
  const { body, from, to } = useWindow(sorted.length, rowHeight);
  const windowed = sorted.length > MANY;
  const press = (key: string) => {
    const next = { key, down: used?.key === key ? !used.down : false };
    if (onSort) onSort(next);
    else setOwn(next);
  };
  const spacer = (count: number) =>
    count > 0 && (
      <tr aria-hidden="true">
        <td colSpan={columns.length} style={{ height: count * rowHeight, padding: 0, border: 0 }} />
      </tr>
    );
  return (
    <div className="table-frame">
      <table className="table" aria-label={label} aria-rowcount={windowed ? sorted.length + 1 : undefined}>
        <thead>
          <tr aria-rowindex={windowed ? 1 : undefined}>
            {columns.map((column) => {
              const active = used?.key === column.key;
              return (
                <th
                  key={column.key}
                  scope="col"
                  style={column.width ? { width: column.width } : undefined}
                  className={classes(column)}
                  aria-sort={active ? (used.down ? "descending" : "ascending") : undefined}
                >
                  {column.value ? (
                    <button type="button" className="sort" onClick={() => press(column.key)}>
                      {column.title}
                      <span className={active ? "sort-mark" : "sort-mark sort-off"}>
                        <Icon name={active && used.down ? "down" : "up"} size={12} />
                      </span>
                    </button>
                  ) : (
                    column.title || <span className="visually-hidden">{t("common.actions")}</span>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody ref={body}>
          {windowed && spacer(from)}
          {sorted.slice(from, to).map((row, index) => (
            <tr
              key={rowKey(row)}
              style={windowed ? { height: rowHeight } : undefined}
              aria-rowindex={windowed ? from + index + 2 : undefined}
            >
              <Cells row={row} columns={columns} />
            </tr>
          ))}
          {windowed && spacer(sorted.length - to)}
        </tbody>
      </table>
    </div>
  );
}

function PlainCells<T>({ row, columns }: { row: T; columns: readonly Column<T>[] }): ReactNode {
  return columns.map((column) => (
    <td key={column.key} className={classes(column)}>
      {column.render(row)}
    </td>
  ));
}
const Cells = memo(PlainCells) as typeof PlainCells;

function classes<T>(column: Column<T>): string | undefined {
  return [column.align === "end" ? "end" : "", column.wide ? "wide-only" : ""].filter(Boolean).join(" ") || undefined;
}
