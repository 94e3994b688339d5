import { Modal } from "antd";
import { Link } from "react-router";
import { Progress } from "../../components/Progress";
import type { Cluster } from "../../generated/api";
import { useWords } from "../../i18n";

export default function ProgressDialog({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const t = useWords();
  const { namespace, name } = cluster.metadata;
  return (
    <Modal open title={t("progress.titleOf", { name })} onCancel={onClose} footer={null} width={720}>
      <Progress cluster={cluster} />
      <p className="dialog-foot">
        <Link to={`/clusters/${namespace}/${name}/progress`}>{t("progress.asPage")}</Link>
      </p>
    </Modal>
  );
}
