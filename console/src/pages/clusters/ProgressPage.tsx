import { useParams } from "react-router";
import { Page } from "../../components/Page";
import { Progress } from "../../components/Progress";
import { Stale } from "../../components/Stale";
import { useWords } from "../../i18n";
import { useCluster } from "../cluster/useCluster";

export default function ProgressPage() {
  const t = useWords();
  const { namespace = "", name = "" } = useParams();
  const { live, cluster, missing } = useCluster(namespace, name);
  const above = [
    { to: "/clusters", text: t("nav.clusters") },
    { to: `/clusters/${namespace}/${name}`, text: name },
  ];
  return (
    <Page title={t("progress.titleOf", { name })} above={above}>
      {missing ?? (
        <>
          <Stale live={live} />
          <div className="card">
            <div className="card-body">{cluster && <Progress cluster={cluster} />}</div>
          </div>
        </>
      )}
    </Page>
  );
}
