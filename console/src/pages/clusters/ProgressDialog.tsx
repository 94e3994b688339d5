import { Link } from "react-router";
import { Dialog } from "../../components/Dialog";
import { Progress } from "../../components/Progress";
import { Themed } from "../../components/Themed";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";

export default function ProgressDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const t = useWords();
  const { namespace, name } = cluster.metadata;
  return (
    <Themed>
      <Dialog title={t("progress.titleOf", { name })} onClose={onClose} width={720}>
        <Progress cluster={cluster} />
        <p className="dialog-foot">
          <Link to={`/clusters/${namespace}/${name}/progress`}>{t("progress.asPage")}</Link>
        </p>
      </Dialog>
    </Themed>
  );
}
