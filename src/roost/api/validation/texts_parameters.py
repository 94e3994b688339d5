"""The words of rules about nodes, runtime, registry, monitoring and annotations. Part of texts.py."""

from __future__ import annotations

from typing import Final

from roost.api.validation.terms import Text

PARAMETER_TEXTS: Final[dict[str, Text]] = {
    # Keys and values of labels, taints and annotations.
    "label.key": Text(
        "{given} is not a key as Kubernetes writes it: at most 63 of letters, digits, -, _ and dots, with a DNS name "
        "and / before if need be, such as {right}",
        "{given} 不是 Kubernetes 的键：最多 63 个字母、数字、-、_ 和点，前面可加域名和 /，例如 {right}",
    ),
    "label.value": Text(
        "{given} is not a value as Kubernetes writes it: at most 63 of letters, digits, -, _ and dots, such as "
        "{right}",
        "{given} 不是 Kubernetes 的值：最多 63 个字母、数字、-、_ 和点，例如 {right}",
    ),
    "label.role": Text(
        "{given} marks a role; write {right} instead, so that it is kept with the value that it has to have",
        "{given} 表示角色；请改写{right}，以便按应有的取值保持",
    ),
    "label.owned": Text(
        "{given} is kept by kubelet or roost itself; leave it out or take another key",
        "{given} 由 kubelet 或 roost 自己维护；请不要填写或换一个键",
    ),
    "annotation.taken": Text(
        "{given} means something to roost or kubectl on this object; take another key",
        "{given} 在该对象上对 roost 或 kubectl 有特定含义；请换一个键",
    ),
    "annotation.url": Text(
        "{given} is not an https URL by which the cluster reaches the platform; write one such as {right}",
        "{given} 不是集群访问平台所用的 https URL；请写地址，例如 {right}",
    ),
    "annotation.platform": Text(
        "{given} is none of the platform's addresses ({addresses}), so that what talks to the platform may not find "
        "it there; write one of them, or add it with `roost address add {add}`",
        "{given} 不是平台的地址（{addresses}），需要访问平台的组件可能无法连接；请填写其中之一，"
        "或用 `roost address add {add}` 添加",
    ),
    "annotation.platform.none": Text(
        "{given}: the platform listens on loopback only, so that nothing in the cluster can reach it; start it with "
        "`roost up --address`",
        "{given}：平台只监听回环地址，集群中的组件无法访问；请用 `roost up --address` 启动平台",
    ),
    # Nodes.
    "nodename.ipv6": Text(
        "IP needs IPv4, since the name of a Node holds no colon; write Hostname, or ipFamily DualStack",
        "IP 需要 IPv4，因为节点名称不能包含冒号；请写 Hostname，或将 ipFamily 改为 DualStack",
    ),
    "maxpods.many": Text(
        "{given} Pods on one node are more than the {most} that are recommended; the node may become slow and "
        "its Pods late",
        "单个节点 {given} 个 Pod 超过建议的 {most} 个；节点可能变慢，Pod 可能延迟",
    ),
    "maxpods.addresses": Text(
        "{given} Pods are more than the {per_node} addresses of one node; those beyond stay without one, so write "
        "at most {per_node} or a larger ipsPerNode",
        "{given} 个 Pod 超过单个节点的 {per_node} 个地址；超出的 Pod 得不到地址，请最多写 {per_node}，或增大 "
        "ipsPerNode",
    ),
    "apps.worker": Text(
        "is only for control planes; a worker takes workload anyway, so leave it out",
        "仅用于控制平面；工作节点本来就运行应用，请不要填写",
    ),
    "role.control": Text(
        "{given} is no custom role; write role ControlPlane for a control plane",
        "{given} 不是自定义角色；控制平面请写 role ControlPlane",
    ),
    "role.custom": Text(
        "{given} is only for workers; leave it out, or make the Machine a Worker",
        "{given} 仅用于工作节点；请不要填写，或将机器改为 Worker",
    ),
    "role.twice": Text("{given} stands there twice; leave one", "{given} 出现了两次；请只保留一个"),
    "taint.role.absent": Text(
        "{given} taints for the role {role}, which the Machine does not have; add it to spec.roles if it shall",
        "{given} 是角色 {role} 的污点，而机器没有该角色；如需要请加入 spec.roles",
    ),
    "taint.control": Text(
        "{given} follows from role and allowApps; set allowApps instead",
        "{given} 由 role 和 allowApps 决定；请改为设置 allowApps",
    ),
    "taint.effect": Text(
        "{given} is not the effect of a role's taint; write NoSchedule",
        "{given} 不是角色污点的效果；请写 NoSchedule",
    ),
    "taint.owned": Text(
        "{given} is set and taken away by Kubernetes or roost itself; take another key",
        "{given} 由 Kubernetes 或 roost 自己设置和移除；请换一个键",
    ),
    "taint.twice": Text(
        "{given} stands there twice; a Node has one taint for each key and effect",
        "{given} 出现了两次；节点上每个键和效果只能有一个污点",
    ),
    # Addresses and devices of a Machine.
    "addresses.none": Text(
        "is required; write ipv4, ipv6, or both in a dual-stack cluster",
        "必填；请写 ipv4、ipv6，双栈集群两者都写",
    ),
    "addresses.family": Text(
        "is required with the Cluster's ipFamily {family}; write the machine's address of that family",
        "集群的 ipFamily 为 {family} 时必填；请写机器在该协议下的地址",
    ),
    "addresses.unused": Text(
        "{given} has no effect with the Cluster's ipFamily {family}",
        "集群的 ipFamily 为 {family} 时 {given} 不起作用",
    ),
    "nic.useless": Text(
        "{given} has no effect with {plugin}, which takes the Cluster's device or that of the default route",
        "{given} 在 {plugin} 下不起作用；它使用集群网卡或默认路由对应的网卡",
    ),
    "bridge.overlay": Text(
        "is only for a Cluster whose default subnet is Underlay, which {cluster} has not; leave it out",
        "仅用于默认子网为 Underlay 的集群，而 {cluster} 不是；请不要填写",
    ),
    "bridge.creation": Text(
        "is only for Machines that are added later, since no bridge network exists yet; leave it out now",
        "仅用于以后添加的机器，因为此时还没有桥接网络；请先不要填写",
    ),
    # Runtime.
    "docker.gate": Text(
        "Docker is only to be had with the FeatureGate {gate}; enable it with `kubectl patch featuregate {gate} "
        '--type=merge -p \'{{"spec":{{"enabled":true}}}}\'`, or write Containerd',
        "使用 Docker 须先启用功能开关 {gate}：`kubectl patch featuregate {gate} --type=merge "
        '-p \'{{"spec":{{"enabled":true}}}}\'`；否则请写 Containerd',
    ),
    "docker.gate.unknown": Text(
        "Docker is only to be had where the FeatureGate {gate} is enabled on the platform",
        "仅当平台启用了功能开关 {gate} 时才能使用 Docker",
    ),
    "docker.gate.closed": Text(
        "the FeatureGate {gate} is closed; this cluster goes on with Docker as it is, and no new one can choose it",
        "功能开关 {gate} 已关闭；该集群继续使用 Docker 运行，新集群不能再选择 Docker",
    ),
    "docker.args": Text(
        "{given}: settings of Docker are only for runtime Docker; leave them out with Containerd",
        "{given}：Docker 的配置仅用于运行时 Docker；使用 Containerd 时请不要填写",
    ),
    "docker.json": Text(
        "{given} begins like JSON and is none; a list or an object for daemon.json is JSON, another value is "
        "plain text",
        "{given} 的值以 JSON 开头但不是 JSON；写入 daemon.json 的列表或对象须为 JSON，其他值写普通文本",
    ),
    "directory.form": Text(
        "{given} is not an absolute path of plain characters; write one such as /data/containerd",
        "{given} 不是由普通字符组成的绝对路径；请写路径，例如 /data/containerd",
    ),
    "directory.spelled": Text("{given} is written as {right}", "{given} 应写作 {right}"),
    "directory.system": Text(
        "{given} is the system's own; write a directory on the data disk such as /data/containerd",
        "{given} 属于系统；请写数据磁盘上的目录，例如 /data/containerd",
    ),
    "directory.own": Text(
        "{given} holds what kubelet, etcd or roost keep; write a directory on the data disk such as /data/containerd",
        "{given} 存放 kubelet、etcd 或 roost 的数据；请写数据磁盘上的目录，例如 /data/containerd",
    ),
    # Registry.
    "registry.required": Text(
        "is required with type Private; write host[:port][/path], such as {right}",
        "类型为 Private 时必填；请写 host[:port][/path]，例如 {right}",
    ),
    "registry.address": Text(
        "{given} is not the address of a registry; write it without https:// and user, such as {right}",
        "{given} 不是仓库地址；请不要写 https:// 和用户，例如 {right}",
    ),
    "registry.field": Text(
        "is not for type {type}; leave it out, or write type Private",
        "不用于类型 {type}；请不要填写，或将类型改为 Private",
    ),
    "registry.public": Text(
        "the public registry's credential is not uploaded yet, or no longer valid; upload the file as the "
        "Secret of the "
        "CloudCredential {credential} in the namespace {namespace}, then choose Public",
        "公共仓库的凭证尚未上传或已失效；请先将文件上传为命名空间 {namespace} 中云凭证 {credential} 的 Secret，"
        "再选择 Public",
    ),
    "registry.public.unknown": Text(
        "Public needs the CloudCredential {credential} in the namespace {namespace} with the uploaded file",
        "Public 需要命名空间 {namespace} 中的云凭证 {credential} 已上传文件",
    ),
    "pem.form": Text(
        "is not certificates as PEM text; write them with their lines BEGIN CERTIFICATE and END CERTIFICATE",
        "不是 PEM 格式的证书；请连同 BEGIN CERTIFICATE 和 END CERTIFICATE 行一起填写",
    ),
    "pem.private": Text(
        "holds a private key; take it out and use another one from now on; write certificates alone",
        "含有私钥；请将其删除并从此弃用；此处只写证书",
    ),
    # Monitoring.
    "monitoring.deployment": Text("is only for VictoriaMetrics; leave it out", "仅用于 VictoriaMetrics；请不要填写"),
    "monitoring.link": Text(
        "is required with AgentOnly; name the Cluster whose VictoriaMetrics keeps the metrics",
        "AgentOnly 时必填；请填写由其 VictoriaMetrics 保存指标的集群",
    ),
    "monitoring.link.useless": Text(
        "is only for VictoriaMetrics with AgentOnly; leave it out", "仅用于 VictoriaMetrics 的 AgentOnly；请不要填写"
    ),
    "monitoring.itself": Text(
        "{given} is this Cluster itself; name another one, or write deployment Full",
        "{given} 就是该集群自身；请填写其他集群，或将 deployment 写为 Full",
    ),
    "monitoring.unknown": Text(
        "there is no Cluster {given} in the namespace {namespace}; name one with a full VictoriaMetrics",
        "命名空间 {namespace} 中没有集群 {given}；请填写部署了完整 VictoriaMetrics 的集群",
    ),
    "monitoring.other": Text(
        "the Cluster {given} in the namespace {namespace} has no full VictoriaMetrics; name one that has",
        "命名空间 {namespace} 中的集群 {given} 没有完整的 VictoriaMetrics；请填写部署了的集群",
    ),
    "monitoring.access": Text(
        "you may not get the Cluster {given} in the namespace {namespace}, so you can't link its monitoring; ask for "
        "the permission «get» on clusters {given}, or name one of your own",
        "您无权查看命名空间 {namespace} 中的集群 {given}，因此不能关联其监控；"
        "请申请 clusters {given} 的「get」权限，或填写您自己的集群",
    ),
    "monitoring.absent": Text(
        "no Machine {given} belongs to this Cluster; add it, or name another one",
        "没有机器 {given} 属于该集群；请添加，或填写其他机器",
    ),
    "monitoring.twice": Text("{given} stands there twice; leave one", "{given} 出现了两次；请只保留一个"),
    "monitoring.plane": Text(
        "Machine {given} is a control plane that takes no workload; name a worker, or set allowApps on it",
        "机器 {given} 是不运行应用的控制平面；请填写工作节点，或为其设置 allowApps",
    ),
    "monitoring.busy": Text(
        "Machine {given} is a control plane; a worker keeps monitoring from slowing the control plane down",
        "机器 {given} 是控制平面；选择工作节点可避免监控影响控制平面",
    ),
}
