/** The external name of the built-in registry: the three objects that the reference names, in kube-system. */
import { ApiError } from "./http";
import { create, get, merge, secrets, type Resource } from "./resources";
import type { KubeObject, Secret } from "./objects";

interface Ingress extends KubeObject {
  spec: {
    rules: { host: string; http: { paths: unknown[] } }[];
    tls: { secretName: string; hosts: string[] }[];
  };
}

interface Service extends KubeObject {
  spec: Record<string, unknown>;
}

const ingresses: Resource<Ingress> = {
  kind: "Ingress",
  root: "/apis/networking.k8s.io/v1",
  plural: "ingresses",
  namespaced: true,
};
const services: Resource<Service> = { kind: "Service", root: "/api/v1", plural: "services", namespaced: true };
const NAMESPACE = "kube-system";
const SECRET = "registry-address.tls";
const NAME = "registry-address";

async function found<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.kind === "missing") return undefined;
    throw error;
  }
}

export async function externalName(): Promise<string> {
  const ingress = await found(get(ingresses, { namespace: NAMESPACE, name: NAME }));
  return ingress?.spec.rules.find((rule) => rule.host)?.host ?? "";
}

export async function setExternalName(host: string, certificate: string, key: string): Promise<void> {
  const secret: Secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: SECRET, namespace: NAMESPACE },
    type: "kubernetes.io/tls",
    stringData: { "tls.crt": certificate, "tls.key": key },
  };
  try {
    await create(secrets, secret);
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind !== "conflict") throw error;
    await merge(secrets, { namespace: NAMESPACE, name: SECRET }, { stringData: secret.stringData });
  }
  const backend = { service: { name: "registry", port: { number: 443 } } };
  const paths = [{ path: "/v2/", pathType: "ImplementationSpecific", backend }];
  const spec = { rules: [{ host, http: { paths } }], tls: [{ secretName: SECRET, hosts: [host] }] };
  if (await found(get(ingresses, { namespace: NAMESPACE, name: NAME }))) {
    await merge(ingresses, { namespace: NAMESPACE, name: NAME }, { spec });
  } else {
    const annotations = { "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" };
    await create(ingresses, {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: NAME, namespace: NAMESPACE, labels: { service_name: "registry" }, annotations },
      spec,
    });
  }
  if (await found(get(services, { namespace: NAMESPACE, name: "registry" }))) return;
  await create(services, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "registry", namespace: NAMESPACE, labels: { name: "registry", service_name: "registry" } },
    spec: {
      ports: [{ port: 443, protocol: "TCP", targetPort: 60080 }],
      selector: { component: "registry" },
      type: "ClusterIP",
    },
  });
}
