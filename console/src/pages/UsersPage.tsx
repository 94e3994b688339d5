/** Users and rights: people, services, their groups, and tokens. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Input, InputNumber, Modal, Select, Switch } from "antd";
import { useState } from "react";
import { changeUser, createToken, createUser, listTokens, listUsers, removeUser, revokeToken, type Token, type User } from "../api/people";
import { Code } from "../components/Copy";
import { DataTable, type Column } from "../components/DataTable";
import { Field } from "../components/Field";
import { Icon } from "../components/icons";
import { Page } from "../components/Page";
import { Loading, Problem, problemText } from "../components/Problem";
import { Dot } from "../components/State";
import { useWords } from "../i18n";
import { useLanguage } from "../settings";
import { day } from "../time";

const GROUPS = ["administrators", "auditors"];

type Open = { readonly kind: "new" } | { readonly kind: "edit" | "remove" | "token"; readonly user: User };

export default function UsersPage() {
  const t = useWords();
  const language = useLanguage();
  const users = useQuery({ queryKey: ["users"], queryFn: listUsers });
  const tokens = useQuery({ queryKey: ["tokens"], queryFn: listTokens });
  const [open, setOpen] = useState<Open>();
  const client = useQueryClient();
  const [error, setError] = useState<unknown>();
  const columns: readonly Column<User>[] = [
    {
      key: "name",
      title: t("users.name"),
      width: "26%",
      value: (one) => one.name,
      render: (one) => (
        <span className="two">
          <span className="name-link">{one.displayName || one.name}</span>
          <span className="second mono">{one.name}</span>
        </span>
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
    { key: "kind", title: t("users.kind"), width: "14%", render: (one) => t(one.service ? "users.service" : "users.person") },
    {
      key: "state",
      title: t("clusters.state"),
      width: "14%",
      render: (one) => (
        <span className="state">
          <Dot tone={one.disabled ? "idle" : "ok"} />
          {t(one.disabled ? "users.disabled" : "users.enabled")}
        </span>
      ),
    },
    { key: "created", title: t("users.created"), width: "13%", wide: true, render: (one) => day(one.created, language) },
    {
      key: "actions",
      title: "",
      width: "112px",
      align: "end",
      render: (one) => (
        <span className="row-actions">
          <button type="button" className="icon-button" aria-label={t("users.tokenFor", { name: one.name })} onClick={() => setOpen({ kind: "token", user: one })}>
            <Icon name="key" />
          </button>
          <button type="button" className="icon-button" aria-label={t("common.editOf", { name: one.name })} onClick={() => setOpen({ kind: "edit", user: one })}>
            <Icon name="edit" />
          </button>
          <button type="button" className="icon-button" aria-label={t("common.deleteOf", { name: one.name })} onClick={() => setOpen({ kind: "remove", user: one })}>
            <Icon name="trash" />
          </button>
        </span>
      ),
    },
  ];
  const tokenColumns: readonly Column<Token>[] = [
    { key: "name", title: t("users.tokenName"), width: "28%", render: (one) => one.name },
    { key: "user", title: t("users.name"), render: (one) => <span className="mono">{one.user}</span> },
    { key: "expires", title: t("credentials.expires"), width: "20%", render: (one) => day(one.expires, language) },
    {
      key: "actions",
      title: "",
      width: "64px",
      align: "end",
      render: (one) => (
        <button
          type="button"
          className="icon-button"
          aria-label={t("users.revoke", { name: one.name })}
          onClick={() => {
            setError(undefined);
            revokeToken(one.id).then(() => client.invalidateQueries({ queryKey: ["tokens"] }), setError);
          }}
        >
          <Icon name="trash" />
        </button>
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
      {error !== undefined && (
        <p className="field-error" role="alert">
          {problemText(error, t)}
        </p>
      )}
      {tokens.data && tokens.data.length > 0 && (
        <section className="card apart">
          <div className="card-head">
            <h2>{t("users.tokens")}</h2>
          </div>
          <div className="card-body quiet">{t("users.tokensText")}</div>
          <DataTable label={t("users.tokens")} rows={tokens.data} columns={tokenColumns} rowKey={(one) => one.id} />
        </section>
      )}
      {(open?.kind === "new" || open?.kind === "edit") && <UserDialog user={open.kind === "edit" ? open.user : undefined} onClose={close} />}
      {open?.kind === "remove" && <RemoveUser user={open.user} onClose={close} />}
      {open?.kind === "token" && <TokenDialog user={open.user} onClose={close} />}
    </Page>
  );
}

function UserDialog({ user, onClose }: { user: User | undefined; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const [name, setName] = useState(user?.name ?? "");
  const [displayName, setDisplayName] = useState(user?.displayName ?? "");
  const [groups, setGroups] = useState<string[]>([...(user?.groups ?? [])]);
  const [service, setService] = useState(user?.service ?? false);
  const [disabled, setDisabled] = useState(user?.disabled ?? false);
  const [password, setPassword] = useState("");
  const [made, setMade] = useState<User>();
  const send = useMutation({
    mutationFn: () => {
      const given = password ? ({ password } as Partial<User>) : {};
      return user ? changeUser(user.name, { displayName, groups, disabled, ...given }) : createUser({ name, displayName, groups, service, ...given });
    },
    onSuccess: (answer) => {
      void client.invalidateQueries({ queryKey: ["users"] });
      if (answer.password) setMade(answer);
      else onClose();
    },
  });
  if (made) {
    return (
      <Modal open title={t("users.made", { name: made.name })} onCancel={onClose} footer={<Button type="primary" onClick={onClose}>{t("common.close")}</Button>}>
        <div className="stack">
          <p>{t("users.passwordOnce")}</p>
          <p>
            <Code>{made.password ?? ""}</Code>
          </p>
        </div>
      </Modal>
    );
  }
  return (
    <Modal
      open
      title={user ? t("users.editTitle", { name: user.name }) : t("users.create")}
      onCancel={onClose}
      onOk={() => send.mutate()}
      okText={user ? t("common.save") : t("users.create")}
      cancelText={t("common.cancel")}
      okButtonProps={{ disabled: !name, loading: send.isPending }}
    >
      <div className="stack">
        {!user && (
          <Field id="u-name" label={t("users.name")} help={t("users.nameHelp")} needed>
            <Input id="u-name" aria-describedby="u-name-notes" autoComplete="off" value={name} onChange={(event) => setName(event.target.value.trim())} />
          </Field>
        )}
        <Field id="u-display" label={t("form.displayName")}>
          <Input id="u-display" value={displayName} onChange={(event) => setDisplayName(event.target.value)} />
        </Field>
        <Field id="u-groups" label={t("users.groups")} help={t("users.groupsHelp")}>
          <Select
            id="u-groups"
            aria-describedby="u-groups-notes"
            mode="tags"
            tokenSeparators={[",", " "]}
            value={groups}
            onChange={setGroups}
            options={GROUPS.map((value) => ({ value, label: value }))}
          />
        </Field>
        {!user && (
          <Field id="u-service" label={t("users.isService")} help={t("users.isServiceHelp")}>
            <span>
              <Switch id="u-service" aria-describedby="u-service-notes" checked={service} onChange={setService} />
            </span>
          </Field>
        )}
        {!service && (
          <Field id="u-password" label={t(user ? "users.newPassword" : "signIn.password")} help={t(user ? "users.newPasswordHelp" : "users.passwordHelp")}>
            <Input.Password id="u-password" aria-describedby="u-password-notes" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />
          </Field>
        )}
        {user && (
          <Field id="u-disabled" label={t("users.disable")} help={t("users.disableHelp")}>
            <span>
              <Switch id="u-disabled" aria-describedby="u-disabled-notes" checked={disabled} onChange={setDisabled} />
            </span>
          </Field>
        )}
        {send.error && (
          <p className="field-error" role="alert">
            {problemText(send.error, t)}
          </p>
        )}
      </div>
    </Modal>
  );
}

function RemoveUser({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const send = useMutation({
    mutationFn: () => removeUser(user.name),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["users"] });
      onClose();
    },
  });
  return (
    <Modal
      open
      title={t("users.removeTitle", { name: user.name })}
      onCancel={onClose}
      onOk={() => send.mutate()}
      okText={t("common.delete")}
      cancelText={t("common.cancel")}
      okButtonProps={{ danger: true, loading: send.isPending }}
    >
      <p>{t("users.removeText")}</p>
      {send.error && (
        <p className="field-error" role="alert">
          {problemText(send.error, t)}
        </p>
      )}
    </Modal>
  );
}

function TokenDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useWords();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState(90);
  const send = useMutation({
    mutationFn: () => createToken(name, user.name, days),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["tokens"] }),
  });
  const made = send.data?.token;
  return (
    <Modal
      open
      title={t("users.tokenFor", { name: user.name })}
      onCancel={onClose}
      footer={
        <div className="dialog-buttons">
          <span className="grow" />
          <Button onClick={onClose}>{t(made ? "common.close" : "common.cancel")}</Button>
          {!made && (
            <Button type="primary" disabled={!name} loading={send.isPending} onClick={() => send.mutate()}>
              {t("users.tokenMake")}
            </Button>
          )}
        </div>
      }
    >
      {made ? (
        <div className="stack">
          <p>{t("users.tokenOnce")}</p>
          <p>
            <Code>{made}</Code>
          </p>
        </div>
      ) : (
        <div className="stack">
          <Field id="t-name" label={t("users.tokenName")} needed>
            <Input id="t-name" value={name} onChange={(event) => setName(event.target.value.trim())} />
          </Field>
          <Field id="t-days" label={t("users.tokenDays")}>
            <InputNumber<number> id="t-days" min={1} max={365} precision={0} value={days} onChange={(value) => setDays(value ?? 90)} />
          </Field>
          {send.error && (
            <p className="field-error" role="alert">
              {problemText(send.error, t)}
            </p>
          )}
        </div>
      )}
    </Modal>
  );
}
