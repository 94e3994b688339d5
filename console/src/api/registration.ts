/** The manifest by which a cluster registers itself; it holds a token that works once. */
import { text } from "./http";

export async function registrationManifest(namespace: string, name: string): Promise<string> {
  const path = `/roost/v1/clusters/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/registration`;
  const answer = await text(path, { method: "POST", body: {}, accept: "*/*" });
  if (!answer.trimStart().startsWith("{")) return answer;
  const found = JSON.parse(answer) as { manifest?: string };
  return found.manifest ?? answer;
}

/** Of the platform's own API. */
export const PLATFORM_KUBECONFIG = "/roost/v1/kubeconfig";

/** `kubeconfig` through the gateway; it holds no secret. */
export function kubeconfigPath(namespace: string, name: string, direct: boolean): string {
  const path = `/roost/v1/clusters/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/kubeconfig`;
  return direct ? `${path}?direct=1` : path;
}
