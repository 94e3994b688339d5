/** The four parts of the form, as the fields stand in the reference: basic information, network, nodes, extension. */
import { Button, Input, Select } from "antd";
import { useEffect, useMemo, useRef } from "react";
import { featureGates, releases, cloudCredentials, clusters, projects } from "../../api/resources";
import { useLive } from "../../api/watch";
import { Field } from "../../components/Field";
import { Toggle } from "../../components/inputs";
import { useForm, useField } from "../../form/context";
import { at } from "../../form/findings";
import { ChoiceField, ListField, NumberField, PairsField, SelectField, SwitchField, TextField } from "../../form/controls";
import { machineName, readAt, written } from "../../form/model";
import { NamespaceField } from "../../form/NamespaceField";
import { DEFAULT_IPS_PER_NODE, maximumNodes } from "../../form/network";
import { useWords } from "../../i18n";
import { clusterType } from "../../states";

const ENDPOINT = "spec.onPremises.controlPlaneEndpoint";
const NETWORK = "spec.onPremises.network";

function useSet() {
  const { change } = useForm();
  return (path: string, value: unknown) => change((before) => written(before, path, value));
}

export function BasicSection() {
  const t = useWords();
  const { form, change, findings } = useForm();
  const set = useSet();
  const live = useLive(releases);
  const gates = useLive(featureGates);
  const known = useLive(projects);
  const versions = useMemo(
    () =>
      [...(live.items?.values() ?? [])]
        .map((release) => release.spec.version)
        .sort((one, other) => other.localeCompare(one, "en", { numeric: true })),
    [live.items],
  );
  // The newest is recommended, so it is chosen until somebody chooses otherwise.
  const newest = versions[0];
  const proposed = useRef(form.spec.version !== undefined);
  useEffect(() => {
    if (proposed.current || !newest) return;
    proposed.current = true;
    change((before) => (before.spec.version ? before : written(before, "spec.version", newest)));
  }, [newest, change]);
  const docker = gates.items?.get("cri-docker")?.spec.enabled === true;
  const vip = readAt(form, `${ENDPOINT}.selfBuiltVIP`) !== undefined;
  const external = readAt(form, `${ENDPOINT}.externalAccess`) !== undefined;
  const runtime = readAt(form, "spec.onPremises.runtime.type");
  const family = (readAt(form, `${NETWORK}.ipFamily`) ?? "IPv4") as string;
  const controlPlanes = form.machines.filter((row) => row.spec.role === "ControlPlane");
  const host = (readAt(form, `${ENDPOINT}.host`) ?? "") as string;
  const isOnlyNode =
    controlPlanes.length === 1 && host !== "" && [controlPlanes[0]?.spec.addresses.ipv4, controlPlanes[0]?.spec.addresses.ipv6].includes(host);
  return (
    <div className="form-grid">
      <TextField path="metadata.name" needed />
      <NamespaceField
        value={form.namespace}
        errors={at(findings, "Cluster", "metadata.namespace").map((one) => one.text)}
        onChange={(namespace) => change((before) => ({ ...before, namespace }))}
      />
      <TextField path="spec.displayName" />
      <SelectField
        path="spec.version"
        needed
        choices={versions.map((value, index) => ({ value, label: index === 0 ? t("form.newest", { version: value }) : value }))}
        placeholder={versions.length === 0 && live.items ? t("form.noReleases") : t("form.choose")}
      />
      <SelectField
        path="spec.project"
        clear
        choices={[...(known.items?.values() ?? [])].map((project) => ({
          value: project.metadata.name,
          label: project.spec.displayName || project.metadata.name,
        }))}
        placeholder={t("form.noProject")}
      />
      <ChoiceField
        path="spec.onPremises.runtime.type"
        choices={[
          { value: "Containerd", label: "containerd" },
          { value: "Docker", label: "Docker", disabled: !docker },
        ]}
        hint={docker ? undefined : t("form.dockerGate")}
      />
      <ChoiceField path="spec.onPremises.network.ipFamily" hint={family === "DualStack" ? t("form.dualStackHint") : undefined} />
      <TextField path="spec.onPremises.runtime.logMaxSize" />
      <NumberField path="spec.onPremises.runtime.logMaxFiles" />
      <TextField
        path="spec.onPremises.runtime.dataDirectory"
        whole
        placeholder={runtime === "Docker" ? "/var/lib/docker" : "/var/lib/containerd"}
      />
      <TextField path="spec.onPremises.controlPlaneEndpoint.host" needed placeholder={t("form.endpointExample")} />
      <NumberField path="spec.onPremises.controlPlaneEndpoint.port" />
      <div className="whole">
        <Toggle id="vip" label={t("form.vipSwitch")} help={t("form.vipHelp")} checked={vip} onChange={(on) => set(`${ENDPOINT}.selfBuiltVIP`, on ? {} : undefined)} />
      </div>
      {vip ? (
        <>
          <div className="note note-warn whole">
            <p>{t("form.vipWhy")}</p>
            <ul>
              <li>{t("form.vipFaster")}</li>
              <li>{t("form.vipSimpler")}</li>
            </ul>
            <p>{t("form.vipNeeds")}</p>
          </div>
          <NumberField path="spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.virtualRouterID" needed />
          <TextField path="spec.onPremises.controlPlaneEndpoint.selfBuiltVIP.address" />
        </>
      ) : (
        <div className="note whole">
          <p>{t("form.balancerPorts")}</p>
          {isOnlyNode && <p className="field-warning">{t("form.onlyNode")}</p>}
        </div>
      )}
      <div className="whole">
        <Toggle id="external" label={t("form.externalSwitch")} help={t("form.externalHelp")} checked={external} onChange={(on) => set(`${ENDPOINT}.externalAccess`, on ? { host: "" } : undefined)} />
      </div>
      {external && (
        <>
          <TextField path="spec.onPremises.controlPlaneEndpoint.externalAccess.host" needed />
          <NumberField path="spec.onPremises.controlPlaneEndpoint.externalAccess.port" />
        </>
      )}
      <RegistryFields />
    </div>
  );
}

function RegistryFields() {
  const t = useWords();
  const { form, change } = useForm();
  const credentials = useLive(cloudCredentials, "roost-system");
  const type = (readAt(form, "spec.onPremises.registry.type") ?? "BuiltIn") as string;
  const secret = useField("spec.onPremises.registry.credential.name");
  const ready = [...(credentials.items?.values() ?? [])].some(
    (one) => one.metadata.name === "public-registry-credential" && one.status?.valid !== false,
  );
  return (
    <>
      <ChoiceField path="spec.onPremises.registry.type" whole />
      {type === "Public" && !ready && credentials.items && (
        <p className="note note-warn whole">{t("form.publicNeedsCredential")}</p>
      )}
      {type !== "Public" && (
        <TextField
          path="spec.onPremises.registry.address"
          needed={type === "Private"}
          placeholder={type === "Private" ? "registry.example.com:5000" : t("form.builtInAddress")}
        />
      )}
      {type === "Private" && (
        <>
          <TextField path="spec.onPremises.registry.credential.name" placeholder={t("form.secretName")} disabled={!!form.registryAuth.user} />
          {!secret.value && (
            <>
              <Field id="registry-user" label={t("form.registryUser")} help={t("form.registryUserHelp")}>
                <Input
                  id="registry-user"
                  autoComplete="off"
                  value={form.registryAuth.user}
                  onChange={(event) =>
                    change((before) => ({ ...before, registryAuth: { ...before.registryAuth, user: event.target.value } }))
                  }
                />
              </Field>
              <Field id="registry-password" label={t("form.registryPassword")}>
                <Input.Password
                  id="registry-password"
                  autoComplete="new-password"
                  value={form.registryAuth.password}
                  onChange={(event) =>
                    change((before) => ({ ...before, registryAuth: { ...before.registryAuth, password: event.target.value } }))
                  }
                />
              </Field>
            </>
          )}
        </>
      )}
      {type === "Private" && <TextField path="spec.onPremises.registry.ca" whole multiline placeholder="-----BEGIN CERTIFICATE-----" />}
    </>
  );
}

export function NetworkSection() {
  const t = useWords();
  const { form, change } = useForm();
  const network = form.spec.onPremises?.network ?? {};
  const plugin = network.plugin ?? "Flannel";
  const ovn = plugin === "KubeOVN";
  const underlay = ovn && network.transmitMode === "Underlay";
  const pods = network.podCIDR || "10.16.0.0/16";
  const most = maximumNodes(pods, network.ipsPerNode);
  const hint =
    most === undefined
      ? undefined
      : t("form.maximumNodes", { count: Number(most), each: network.ipsPerNode ?? DEFAULT_IPS_PER_NODE });
  const dual = network.ipFamily === "DualStack";
  const six = network.ipFamily === "IPv6";
  const example = (four: string, sixth: string) => (dual ? `${four},${sixth}` : six ? sixth : four);
  return (
    <div className="form-grid">
      <ChoiceField
        path="spec.onPremises.network.plugin"
        whole
        onChosen={(value) => {
          if (value === "KubeOVN") return;
          change((before) => {
            let next = before;
            for (const field of ["transmitMode", "joinCIDR", "gateway", "vlanID", "reservedIPs"]) {
              next = written(next, `${NETWORK}.${field}`, undefined);
            }
            return next;
          });
        }}
      />
      <p className="note whole">{t(`form.plugin${plugin}`)}</p>
      {ovn && <ChoiceField path="spec.onPremises.network.transmitMode" whole />}
      {underlay && <p className="note note-warn whole">{t("form.underlayNote")}</p>}
      <TextField
        path="spec.onPremises.network.podCIDR"
        placeholder={example("10.16.0.0/16", "fd00:10:16::/112")}
        hint={plugin === "Flannel" || plugin === "Custom" ? hint : undefined}
      />
      <NumberField
        path="spec.onPremises.network.ipsPerNode"
        placeholder={plugin === "Flannel" ? String(DEFAULT_IPS_PER_NODE) : undefined}
      />
      <TextField path="spec.onPremises.network.serviceCIDR" placeholder={example("10.112.0.0/12", "fd00:10:112::/112")} />
      <TextField path="spec.onPremises.network.dnsDomain" />
      {ovn && !underlay && <TextField path="spec.onPremises.network.joinCIDR" placeholder={example("100.64.0.0/16", "fd00:100:64::/112")} />}
      {underlay && (
        <>
          <TextField path="spec.onPremises.network.gateway" needed />
          <NumberField path="spec.onPremises.network.vlanID" placeholder="0" />
        </>
      )}
      {ovn && <ListField path="spec.onPremises.network.reservedIPs" whole placeholder="10.16.0.2, 10.16.0.100..10.16.0.120" />}
      <p className="note note-warn whole">{t("form.networkFrozen")}</p>
    </div>
  );
}

export function NodeSettings() {
  const t = useWords();
  const { form, change } = useForm();
  const all = useLive(clusters);
  const monitoring = form.spec.onPremises?.monitoring;
  const victoria = monitoring?.type === "VictoriaMetrics";
  const agentOnly = victoria && monitoring.deployment === "AgentOnly";
  const linked = monitoring?.linkedCluster;
  const link = useField("spec.onPremises.monitoring.linkedCluster.name");
  const suitable = form.machines.filter((row) => row.spec.role === "Worker" || row.spec.allowApps);
  return (
    <div className="form-grid">
      <TextField
        path="spec.onPremises.network.nic"
        placeholder="eth0"
        needed={form.spec.onPremises?.network?.transmitMode === "Underlay"}
      />
      <ChoiceField path="spec.onPremises.nodeName" />
      <SelectField path="spec.onPremises.monitoring.type" clear placeholder={t("form.noMonitoring")} />
      {victoria && <ChoiceField path="spec.onPremises.monitoring.deployment" />}
      {agentOnly && (
        <Field id={link.id} label={t("form.linkedCluster")} help={t("form.linkedClusterHelp")} errors={link.errors} needed>
          <Select
            id={link.id}
            aria-describedby={`${link.id}-notes`}
            value={linked?.name ? `${linked.namespace ?? form.namespace}/${linked.name}` : undefined}
            options={[...(all.items?.entries() ?? [])]
              .filter(([, one]) => clusterType(one) !== "registered")
              .map(([key]) => ({ value: key, label: key }))}
            onBlur={link.leave}
            onChange={(key: string) => {
              const [namespace = "", name = ""] = key.split("/");
              change((before) => written(before, "spec.onPremises.monitoring.linkedCluster", { namespace, name }));
            }}
          />
        </Field>
      )}
      {monitoring?.type && (
        <SelectField
          path="spec.onPremises.monitoring.machines"
          many
          choices={suitable.map((row) => ({ value: machineName(row, form.name), label: machineName(row, form.name) }))}
        />
      )}
    </div>
  );
}

export function ExtensionSection() {
  const t = useWords();
  const { form, change } = useForm();
  const docker = form.spec.onPremises?.runtime?.type === "Docker";
  const annotations = form.spec.annotations ?? {};
  const url = "cpaas.io/platform-url";
  return (
    <div className="form-grid">
      <p className="note note-warn whole">{t("form.extensionWarning")}</p>
      {docker && <PairsField path="spec.onPremises.dockerExtraArgs" />}
      <PairsField path="spec.onPremises.kubeletExtraArgs" />
      <PairsField path="spec.onPremises.controllerManagerExtraArgs" />
      <PairsField path="spec.onPremises.schedulerExtraArgs" />
      <PairsField path="spec.onPremises.apiServerExtraArgs" />
      <ListField path="spec.onPremises.publicAlternativeNames" whole placeholder="api.example.com, 203.0.113.7" />
      <PairsField path="spec.annotations" />
      {annotations[url] === undefined && (
        <div className="whole">
          <Button
            size="small"
            onClick={() => change((before) => written(before, "spec.annotations", { ...annotations, [url]: "https://" }))}
          >
            {t("form.addPlatformURL", { key: url })}
          </Button>
        </div>
      )}
      <SwitchField path="spec.paused" />
      <ChoiceField path="spec.approval" />
    </div>
  );
}
