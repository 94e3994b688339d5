/** Users and rights: people, services, their groups, what these give them, and tokens. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { listTokens, listUsers, revokeToken, type Token, type User } from "../../api/people";
import { Card } from "../../components/Card";
import { IconButton, TwoLines } from "../../components/cells";
import { DataTable, type Column } from "../../components/DataTable";
import { Dialog } from "../../components/Dialog";
import { Icon, type IconName } from "../../components/icons";
import { Page } from "../../components/Page";
import { Loading, Problem } from "../../components/Problem";
import { Dot } from "../../components/State";
import { useWords } from "../../i18n";
import { useLanguage } from "../../settings";
import { day } from "../../time";
import { RemoveUser, RightsDialog, TokenDialog, UserDialog } from "./UserDialogs";

type About = "edit" | "remove" | "token" | "rights";
type Open = { readonly kind: "new" } | { readonly kind: About; readonly user: User };

const ACTIONS: readonly { readonly kind: About; readonly icon: IconName; readonly word: string }[] = [
  { kind: "rights", icon: "shield", word: "users.rightsOf" },
  { kind: "token", icon: "key", word: "users.tokenFor" },
  { kind: "edit", icon: "edit", word: "common.editOf" },
  { kind: "remove", icon: "trash", word: "common.deleteOf" },
];

export default function UsersPage() {
  const t = useWords();
  const language = useLanguage();
  const users = useQuery({ queryKey: ["users"], queryFn: listUsers });
  const [open, setOpen] = useState<Open>();
  const columns: readonly Column<User>[] = [
    {
      key: "name",
      title: t("users.name"),
      width: "26%",
      value: (one) => one.name,
      render: (one) => (
        <TwoLines second={one.name} mono>
          <span className="name-link">{one.displayName || one.name}</span>
        </TwoLines>
      ),
    },
    {
      key: "groups",
      title: t("users.groups"),
      render: (one) => (
        <span className="tags">
          {one.groups.length === 0 && <span className="quiet">{t("users.noGroups")}</span>}
          {one.groups.map((group) => (
            <span className="tag" key={group}>
              {group}
            </span>
          ))}
        </span>
      ),
    },
    { key: "kind", title: t("users.kind"), width: "12%", render: (one) => t(one.service ? "users.service" : "users.person") },
    {
      key: "state",
      title: t("clusters.state"),
      width: "13%",
      render: (one) => (
        <span className="state">
          <Dot tone={one.disabled ? "idle" : "ok"} />
          {t(one.disabled ? "users.disabled" : "users.enabled")}
        </span>
      ),
    },
    { key: "created", title: t("users.created"), width: "13%", wide: true, render: (one) => <span className="nowrap">{day(one.created, language)}</span> },
    {
      key: "actions",
      title: "",
      width: "148px",
      align: "end",
      render: (user) => (
        <span className="row-actions">
          {ACTIONS.map(({ kind, icon, word }) => (
            <IconButton key={kind} icon={icon} label={t(word, { name: user.name })} onClick={() => setOpen({ kind, user })} />
          ))}
        </span>
      ),
    },
  ];
  const close = () => setOpen(undefined);
  return (
    <Page
      title={t("nav.users")}
      lead={t("users.lead")}
      actions={
        <Button type="primary" icon={<Icon name="plus" />} onClick={() => setOpen({ kind: "new" })}>
          {t("users.create")}
        </Button>
      }
    >
      {users.isPending && <Loading />}
      {users.error && <Problem error={users.error} again={() => void users.refetch()} />}
      {users.data && <DataTable label={t("nav.users")} rows={users.data} columns={columns} rowKey={(one) => one.name} />}
      <Tokens />
      {open?.kind === "new" && <UserDialog user={undefined} onClose={close} />}
      {open?.kind === "edit" && <UserDialog user={open.user} onClose={close} />}
      {open?.kind === "remove" && <RemoveUser user={open.user} onClose={close} />}
      {open?.kind === "token" && <TokenDialog user={open.user} onClose={close} />}
      {open?.kind === "rights" && <RightsDialog user={open.user} onClose={close} />}
    </Page>
  );
}

function Tokens() {
  const t = useWords();
  const language = useLanguage();
  const client = useQueryClient();
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: listTokens });
  const [revoking, setRevoking] = useState<Token>();
  const columns: readonly Column<Token>[] = [
    { key: "name", title: t("users.tokenName"), width: "28%", render: (one) => one.name },
    { key: "user", title: t("users.name"), render: (one) => <span className="mono">{one.user}</span> },
    { key: "expires", title: t("credentials.expires"), width: "20%", render: (one) => day(one.expires, language) },
    {
      key: "actions",
      title: "",
      width: "64px",
      align: "end",
      render: (one) => (
        <IconButton icon="trash" label={t("users.revoke", { name: one.name })} onClick={() => setRevoking(one)} />
      ),
    },
  ];
  if (!tokens.data || tokens.data.length === 0) return null;
  return (
    <div className="apart">
      <Card title={t("users.tokens")} bare>
        <div className="card-body quiet">{t("users.tokensText")}</div>
        <DataTable label={t("users.tokens")} rows={tokens.data} columns={columns} rowKey={(one) => one.id} />
      </Card>
      {revoking && (
        <Dialog
          title={t("users.revoke", { name: revoking.name })}
          onClose={() => setRevoking(undefined)}
          act={{
            text: t("users.revokeGo"),
            danger: true,
            go: async () => {
              await revokeToken(revoking.id);
              await client.invalidateQueries({ queryKey: ["tokens"] });
            },
          }}
        >
          <p>{t("users.revokeText", { user: revoking.user })}</p>
        </Dialog>
      )}
    </div>
  );
}
