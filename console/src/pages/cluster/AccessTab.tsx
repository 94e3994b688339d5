import { useQuery } from "@tanstack/react-query";
import { Button, Switch } from "antd";
import { useState } from "react";
import { text as fetchText } from "../../api/http";
import { kubeconfigPath, PLATFORM_KUBECONFIG, registrationManifest } from "../../api/registration";
import { Card } from "../../components/Card";
import { Code, Copy } from "../../components/Copy";
import { Problem, Refused } from "../../components/Problem";
import { useAct } from "../../components/useAct";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";

function save(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export default function AccessTab({ cluster }: { cluster: Cluster }) {
  return (
    <>
      {cluster.spec.registered && <Registration cluster={cluster} />}
      <Kubeconfig cluster={cluster} />
    </>
  );
}

function Kubeconfig({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const { namespace = "", name } = cluster.metadata;
  const [direct, setDirect] = useState(false);
  const [open, setOpen] = useState(false);
  const platform = cluster.spec.global !== undefined;
  const path = platform ? PLATFORM_KUBECONFIG : kubeconfigPath(namespace, name, direct);
  const query = useQuery({
    queryKey: ["kubeconfig", path],
    enabled: open,
    gcTime: 0,
    queryFn: () => fetchText(path, { accept: "application/yaml" }),
  });
  const server = platform ? window.location.origin : `${window.location.origin}/clusters/${namespace}/${name}`;
  return (
    <Card title={t("access.kubeconfig")}>
      <div className="access">
        <p className="quiet">{t("access.lead")}</p>
        {!platform && (
          <p>
            <Code>{`roost kubeconfig ${name} -n ${namespace} --server ${window.location.origin}`}</Code>
          </p>
        )}
        <p>
          {t("access.server")} <Code>{server}</Code>
        </p>
        {!cluster.spec.registered && !platform && (
          <label className="inline" htmlFor="direct">
            <Switch id="direct" checked={direct} onChange={setDirect} />
            {t("access.direct")}
          </label>
        )}
        {direct && <p className="note note-warn">{t("access.directWarning")}</p>}
        <div className="inline">
          <Button onClick={() => setOpen(true)} loading={query.isFetching}>
            {t("access.show")}
          </Button>
          <Button disabled={!query.data} onClick={() => query.data && save(query.data, `${name}.kubeconfig`, "application/yaml")}>
            {t("access.download")}
          </Button>
          {query.data && <Copy text={query.data} />}
        </div>
        {query.error && <Problem error={query.error} />}
        {query.data && (
          <pre className="output" tabIndex={0} aria-label={t("access.kubeconfig")}>
            {query.data}
          </pre>
        )}
      </div>
    </Card>
  );
}

function Registration({ cluster }: { cluster: Cluster }) {
  const t = useWords();
  const { namespace = "", name } = cluster.metadata;
  const [manifest, setManifest] = useState<string>();
  const { busy, error, run } = useAct();
  const make = () => run(async () => setManifest(await registrationManifest(namespace, name)));
  return (
    <Card title={t("access.register")}>
      <div className="access">
        <p className="quiet">{t("access.registerLead")}</p>
        <p>
          <Code>{`kubectl apply -f ${name}-registration.yaml`}</Code>
        </p>
        <div className="inline">
          <Button type="primary" loading={busy} onClick={() => void make()}>
            {t("access.make")}
          </Button>
          {manifest && (
            <>
              <Button onClick={() => save(manifest, `${name}-registration.yaml`, "application/yaml")}>{t("access.download")}</Button>
              <Copy text={manifest} />
            </>
          )}
        </div>
        <Refused error={error} />
        {manifest && <p className="note note-warn">{t("access.once")}</p>}
      </div>
    </Card>
  );
}
