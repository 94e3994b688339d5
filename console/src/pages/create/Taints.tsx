import { Button, Input, Select } from "antd";
import { IconButton } from "../../components/cells";
import { Icon } from "../../components/icons";
import type { Machine } from "../../generated/api";
import { useWords } from "../../i18n";

export type Taint = NonNullable<Machine["spec"]["taints"]>[number];

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

export function Taints({ value, onChange }: { value: readonly Taint[]; onChange: (value: readonly Taint[] | undefined) => void }) {
  const t = useWords();
  const put = (next: readonly Taint[]) => onChange(next.length > 0 ? next : undefined);
  const change = (index: number, part: Partial<Taint>) =>
    put(value.map((taint, at) => (at === index ? { ...taint, ...part } : taint)));
  return (
    <div className="pairs">
      {value.map((taint, index) => (
        <div className="pair pair-three" key={index}>
          <Input
            aria-label={t("form.key")}
            placeholder="node-role.kubernetes.io/infra"
            className="mono"
            value={taint.key}
            onChange={(event) => change(index, { key: event.target.value })}
          />
          <Input
            aria-label={t("form.value")}
            placeholder="reserved"
            className="mono"
            value={taint.value ?? ""}
            onChange={(event) => change(index, { value: event.target.value || undefined })}
          />
          <Select
            aria-label={t("machine.effect")}
            value={taint.effect}
            options={EFFECTS.map((effect) => ({ value: effect, label: effect }))}
            onChange={(effect) => change(index, { effect })}
          />
          <IconButton icon="cross" label={t("form.removePair", { key: taint.key })} onClick={() => put(value.filter((_, at) => at !== index))} />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<Icon name="plus" size={13} />}
          onClick={() => put([...value, { key: "", effect: "NoSchedule" }])}
        >
          {t("machine.addTaint")}
        </Button>
      </div>
    </div>
  );
}
