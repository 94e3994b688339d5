"""The words of rules about attached clusters and the smaller kinds. Part of texts.py."""

from __future__ import annotations

from typing import Final

from roost.api.validation.terms import Text

KIND_TEXTS: Final[dict[str, Text]] = {
    # Imported and registered clusters.
    "version.found": Text(
        "{given} can't be asked of a cluster that exists already; leave it out, status.version tells what it runs",
        "{given} 不能用于已存在的集群；请不要填写，status.version 会给出其版本",
    ),
    "server.form": Text(
        "{given} is not the URL of an API; write one such as {right}",
        "{given} 不是 API 的 URL；请写地址，例如 {right}",
    ),
    "server.http": Text(
        "{given} is not encrypted, so that the credential could be read on its way; write {right}",
        "{given} 未加密，凭证可能在途中被读取；请写 {right}",
    ),
    "server.user": Text(
        "holds a user or password; take it out of the URL and put it into the Secret of the credential",
        "含有用户或密码；请从 URL 中去掉，写入凭证的 Secret",
    ),
    "server.required": Text(
        "is required, since the Secret {given} holds a token alone; write the URL of the API, such as {right}",
        "必填，因为 Secret {given} 只含 token；请写 API 的 URL，例如 {right}",
    ),
    "import.secret.absent": Text(
        "there is no Secret {given} in the namespace {namespace}; create it with type Opaque and the key token or "
        "kubeconfig",
        "命名空间 {namespace} 中没有 Secret {given}；请创建类型为 Opaque、含键 token 或 kubeconfig 的 Secret",
    ),
    "import.secret.keys": Text(
        "the Secret {given} has neither the key token nor kubeconfig; add one of them",
        "Secret {given} 既没有键 token 也没有 kubeconfig；请添加其中之一",
    ),
    "accepted.automatic": Text(
        "is only for approval Manual; leave it out, or write approval Manual",
        "仅用于 approval Manual；请不要填写，或将 approval 写为 Manual",
    ),
    # MachineCheck and MachineDraft.
    "check.address": Text(
        "is required where no address of the machine is given; write where its SSH service is reached",
        "未填写机器地址时必填；请写其 SSH 服务的地址",
    ),
    "draft.secret": Text(
        "looks like something secret, which a draft never holds; take it out, and name a Secret when the "
        "Machine is made",
        "像是机密内容，而草稿从不保存机密；请将其删除，在创建机器时填写 Secret 的名称",
    ),
    "draft.owner": Text(
        "{given} is not you; a draft belongs to whoever writes it: {right}",
        "{given} 不是您；草稿属于写入者：{right}",
    ),
    # Project and FeatureGate.
    "project.absent": Text(
        "there is no Project {given} yet; the cluster joins it once there is",
        "还没有项目 {given}；出现后集群才会加入",
    ),
    "project.later": Text(
        "the cluster joins the Project {given} once it is Available", "集群可用后才会加入项目 {given}"
    ),
    "project.cluster.absent": Text(
        "there is no Cluster {given} in the namespace {namespace}; create it first, a Cluster joins once it is "
        "Available",
        "命名空间 {namespace} 中没有集群 {given}；请先创建，集群可用后才能加入",
    ),
    "project.cluster.early": Text(
        "the Cluster {given} in the namespace {namespace} is not Available yet; add it once it is, or write the "
        "Project into its spec.project, and it joins then by itself",
        "命名空间 {namespace} 中的集群 {given} 尚不可用；请在可用后添加，或将项目写入其 spec.project，届时自动加入",
    ),
    "project.global": Text(
        "the Cluster global stands for the platform itself and belongs to no Project",
        "集群 global 代表平台自身，不属于任何项目",
    ),
    "project.twice": Text(
        "the Cluster {given} in the namespace {namespace} stands there twice; leave one",
        "命名空间 {namespace} 中的集群 {given} 出现了两次；请只保留一个",
    ),
    "member.one": Text("must have either user or group", "必须且只能填写 user 或 group"),
    "member.system": Text(
        "{given} is one of Kubernetes' own identities; name a user or group of the platform",
        "{given} 是 Kubernetes 自己的身份；请填写平台的用户或组",
    ),
    "member.twice": Text("{given} is a member already; leave one", "{given} 已是成员；请只保留一个"),
    "gate.used": Text(
        "{clusters} use what {gate} opens and go on as they are; new clusters can't choose it any more",
        "{clusters} 正在使用 {gate} 所开启的功能，将照常运行；新集群不能再选择",
    ),
    "gate.unknown": Text("roost knows no feature {given}; write {right}", "roost 没有功能 {given}；请写 {right}"),
}
