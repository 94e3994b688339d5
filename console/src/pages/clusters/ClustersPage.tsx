import { lazy, memo, Suspense, useCallback, useMemo, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { keyOf } from "../../api/applyUpdate";
import { clusters } from "../../api/resources";
import { useLive } from "../../api/watch";
import { DataTable, sortRows, type Sorting } from "../../components/DataTable";
import { Page } from "../../components/Page";
import { PlainButton, PlainSearch, PlainSelect } from "../../components/plain";
import { Empty, Loading, Problem } from "../../components/Problem";
import { Stale } from "../../components/Stale";
import { useWords } from "../../i18n";
import { useColumns } from "./columns";
import { filtered } from "./filter";

const ProgressDialog = lazy(() => import("./ProgressDialog"));

export function ClustersPage() {
  const t = useWords();
  const navigate = useNavigate();
  const live = useLive(clusters);
  const [search, setSearch] = useSearchParams();
  const [typed, setTyped] = useState(search.get("q") ?? "");
  const type = search.get("type") ?? "";
  const progressOf = search.get("progress");
  const columns = useColumns();

  const set = useCallback(
    (changes: Record<string, string>) => {
      setSearch(
        (before) => {
          const next = new URLSearchParams(before);
          for (const [key, value] of Object.entries(changes)) {
            if (value) next.set(key, value);
            else next.delete(key);
          }
          return next;
        },
        { replace: true },
      );
    },
    [setSearch],
  );

  const key = search.get("sort") ?? "name";
  const down = search.get("down") === "1";
  const sorting = useMemo<Sorting>(() => ({ key, down }), [key, down]);
  // Sorted before it is filtered: a key costs no comparing of thousands of names. And not deferred: what is left to do
  // for a key takes less than the second drawing that deferring it asks for.
  const sorted = useMemo(() => sortRows([...(live.items?.values() ?? [])], columns, sorting), [live.items, columns, sorting]);
  const rows = useMemo(() => filtered(sorted, typed, type), [sorted, typed, type]);
  const onSort = useCallback((next: Sorting) => set({ sort: next.key, down: next.down ? "1" : "" }), [set]);
  const onType = useCallback((value: string) => set({ type: value }), [set]);

  const open = progressOf ? live.items?.get(progressOf) : undefined;
  const actions = useMemo(
    () => (
      <>
        <PlainButton icon="link" onClick={() => void navigate("/clusters/new?way=connect")}>
          {t("clusters.connect")}
        </PlainButton>
        <PlainButton primary icon="plus" onClick={() => void navigate("/clusters/new")}>
          {t("clusters.create")}
        </PlainButton>
      </>
    ),
    [t, navigate],
  );

  // Who may not see all clusters may still belong to projects.
  const yours = live.error?.kind === "forbidden" && <Link to="/projects">{t("clusters.yours")}</Link>;
  if (!live.items) {
    return (
      <Page title={t("nav.clusters")} lead={t("clusters.lead")}>
        {live.error ? <Problem error={live.error} again={live.again} action={yours} /> : <Loading />}
      </Page>
    );
  }
  return (
    <Page title={t("nav.clusters")} lead={t("clusters.lead")} actions={actions}>
      <Stale live={live} />
      {live.items.size === 0 ? (
        <Empty title={t("clusters.emptyTitle")} action={actions}>
          {t("clusters.emptyText")}
        </Empty>
      ) : (
        <>
          <div className="toolbar">
            <PlainSearch
              label={t("clusters.filter")}
              clear={t("common.clearFilter")}
              value={typed}
              onChange={setTyped}
              onBlur={() => set({ q: typed })}
            />
            <TypeFilter value={type} onChange={onType} />
            <span className="grow" />
            <span className="quiet" aria-live="polite">
              {t("clusters.count", { count: rows.length, total: live.items.size + live.coming })}
            </span>
          </div>
          {rows.length === 0 && live.coming > 0 ? (
            <Loading />
          ) : rows.length === 0 ? (
            <Empty
              title={t("clusters.nothingFound")}
              action={
                <PlainButton
                  onClick={() => {
                    setTyped("");
                    set({ q: "", type: "" });
                  }}
                >
                  {t("common.clearFilter")}
                </PlainButton>
              }
            />
          ) : (
            <DataTable
              label={t("nav.clusters")}
              rows={rows}
              columns={columns}
              rowKey={keyOf}
              sorting={sorting}
              onSort={onSort}
              ordered
            />
          )}
        </>
      )}
      {open && (
        <Suspense fallback={null}>
          <ProgressDialog cluster={open} onClose={() => set({ progress: "" })} />
        </Suspense>
      )}
    </Page>
  );
}

const TYPES = ["", "onPremises", "imported", "registered", "global"] as const;

/** Apart, so that a key in the field beside it does not draw it again. */
const TypeFilter = memo(function TypeFilter(props: { value: string; onChange: (value: string) => void }) {
  const t = useWords();
  const options = useMemo(
    () => TYPES.map((value) => ({ value, label: value ? t(`type.${value}.kind`) : t("clusters.allTypes") })),
    [t],
  );
  return <PlainSelect label={t("clusters.type")} value={props.value} onChange={props.onChange} options={options} />;
});
