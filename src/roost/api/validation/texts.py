"""The words of every rule, in English and Chinese, with the same placeholders. Used by findings.py alone.

A text says what is wrong and what would be right; it ends without a full stop, since Kubernetes'
clients put the field's path before it and may put something behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True)
class Text:
    en: str
    zh: str


@dataclass(frozen=True)
class Term:
    """Words that go into the place of a placeholder; English where they are formatted as they are."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.en

    def __format__(self, spec: str) -> str:
        return format(self.en, spec)


NOTHING: Final = Term("", "")
LOOPBACK: Final = Term("a loopback", "环回")
UNSPECIFIED: Final = Term("the unspecified", "未指定")
LINK_LOCAL: Final = Term("a link-local", "链路本地")
MULTICAST: Final = Term("a multicast", "组播")
RESERVED: Final = Term("a reserved", "保留")
POD_CIDR: Final = Term("podCIDR", " podCIDR")
SERVICE_CIDR: Final = Term("serviceCIDR", " serviceCIDR")
THE_ENDPOINT: Final = Term("the endpoint", "访问端点")
OWN_ADDRESS: Final = Term("the address by which the others reach it", "其他机器访问它所用的地址")

TEXTS: Final[dict[str, Text]] = {
    # Shape: what pydantic finds.
    "shape.required": Text("is required", "必填"),
    "shape.unknown": Text("is not a known field; known here are {known}", "不是已知字段；此处已知字段有 {known}"),
    "shape.unknown.like": Text("is not a known field; did you mean {like}?", "不是已知字段；您是不是想写 {like}？"),
    "shape.type": Text("must be {wanted}, not {given}", "必须是{wanted}，而不是 {given}"),
    "shape.enum": Text("must be one of {allowed}, not {given}", "必须是 {allowed} 之一，而不是 {given}"),
    "shape.enum.like": Text(
        "must be one of {allowed}; did you mean {like}?", "必须是 {allowed} 之一；您是不是想写 {like}？"
    ),
    "shape.long": Text("must have at most {limit} characters or entries", "最多 {limit} 个字符或条目"),
    "shape.short": Text("must have at least {limit} characters or entries", "至少 {limit} 个字符或条目"),
    "shape.pattern": Text("{given} is not right: {words}", "{given} 不正确：{words}"),
    "shape.minimum": Text("must be at least {limit}, not {given}", "必须不小于 {limit}，而不是 {given}"),
    "shape.maximum": Text("must be at most {limit}, not {given}", "必须不大于 {limit}，而不是 {given}"),
    "shape.other": Text("{words}", "{words}"),
    # Documents of a file.
    "document.yaml": Text("line {line}: this is not YAML: {problem}", "第 {line} 行：不是合法的 YAML：{problem}"),
    "document.mapping": Text(
        "is not an object with fields; write apiVersion, kind, metadata and spec",
        "不是带字段的对象；请写 apiVersion、kind、metadata 和 spec",
    ),
    "document.version": Text("{given} is not known; write {right}", "未知的 {given}；请写 {right}"),
    "document.kind": Text(
        "{given} is not a kind of {group}; write one of {allowed}", "{group} 中没有类型 {given}；请写 {allowed} 之一"
    ),
    "document.kind.like": Text(
        "{given} is not a kind of {group}; did you mean {like}?", "{group} 中没有类型 {given}；您是不是想写 {like}？"
    ),
    "document.foreign": Text("{given} is not roost's and is not checked here", "{given} 不属于 roost，此处不检查"),
    "document.twice": Text(
        "{kind} {name} stands in these files twice; keep one of them",
        "{kind} {name} 在这些文件中出现了两次；请只保留一个",
    ),
    "name.required": Text("is required", "必填"),
    "name.label": Text(
        "{given} is not a DNS label: write at most 63 of a-z, 0-9 and -, such as {right}",
        "{given} 不是 DNS 标签：最多 63 个字符，只能用 a-z、0-9 和 -，例如 {right}",
    ),
    "name.subdomain": Text(
        "{given} can't name a Machine: write at most 63 of a-z, 0-9, - and ., such as {right}",
        "{given} 不能作为机器名称：最多 63 个字符，只能用 a-z、0-9、- 和 .，例如 {right}",
    ),
    # Who may write what.
    "global.written": Text(
        "only roost writes the Cluster that stands for the platform; for a cluster of your own write onPremises",
        "代表平台自身的集群只能由 roost 写入；要创建自己的集群请写 onPremises",
    ),
    "global.name": Text(
        "the name global in {namespace} is the platform's own; take another name or namespace",
        "{namespace} 中的名称 global 属于平台自身；请换一个名称或命名空间",
    ),
    "global.delete": Text(
        "the Cluster global stands for the platform itself and can't be deleted; `roost down` stops the platform",
        "集群 global 代表平台自身，不能删除；停止平台请用 `roost down`",
    ),
    "written.by.roost": Text("a {kind} is written by roost alone; {instead}", "{kind} 只能由 roost 写入；{instead}"),
    "id.frozen": Text(
        "{annotation} can't be changed: journals and locks on the machines carry it; leave it at {right}",
        "{annotation} 不可更改：机器上的日志和锁都使用它；请保持为 {right}",
    ),
    "id.own": Text("{annotation} is set by roost; leave it out", "{annotation} 由 roost 设置；请不要填写"),
    "frozen": Text("can't be changed{since}: {because}", "不可更改{since}：{because}"),
    # Which way.
    "way.one": Text(
        "exactly one of onPremises, imported and registered must be given",
        "onPremises、imported 与 registered 必须且只能填写一个",
    ),
    "way.frozen": Text(
        "the way a cluster came to be can't be changed; create another Cluster",
        "集群的创建方式不可更改；请另建集群",
    ),
    # Version.
    "version.required": Text("is required with onPremises; {present}", "填写 onPremises 时必填；{present}"),
    "version.form": Text(
        "{given} is not how a version is written; write {right}", "版本号不应写作 {given}；请写 {right}"
    ),
    "version.range": Text(
        "Kubernetes {given} is not supported; roost installs 1.28 to 1.31; {present}",
        "不支持 Kubernetes {given}；roost 可安装 1.28 到 1.31；{present}",
    ),
    "version.absent": Text(
        "there is no release bundle of Kubernetes {given} here; {present}; "
        "`roost bundle create --kubernetes {given}` makes one",
        "此处没有 Kubernetes {given} 的发布包；{present}；可用 `roost bundle create --kubernetes {given}` 制作",
    ),
    # Networks.
    "cidr.form": Text(
        "{given} is not a network; write an address and a length, such as {right}",
        "{given} 不是网段；请写地址和前缀长度，例如 {right}",
    ),
    "cidr.host": Text(
        "{given} has bits set behind its length; the network is {right}", "{given} 的主机位不为零；网段应为 {right}"
    ),
    "cidr.ipv6": Text(
        "{given} is IPv6, which is not implemented yet; write an IPv4 network such as {right}",
        "{given} 是 IPv6，尚未实现；请写 IPv4 网段，例如 {right}",
    ),
    "cidr.special": Text(
        "{given} contains {what} addresses, which machines can't route; write a private network such as {right}",
        "{given} 包含{what}地址，机器无法路由；请写私有网段，例如 {right}",
    ),
    "pod.small": Text(
        "{given} is too small: it holds {addresses} addresses, and one node alone takes {per_node}; "
        "write /{right} or a shorter length, or a smaller ipsPerNode",
        "{given} 太小：共 {addresses} 个地址，而单个节点就要 {per_node} 个；"
        "请写 /{right} 或更短的前缀，或减小 ipsPerNode",
    ),
    "pod.large": Text(
        "{given} is too large for {per_node} addresses per node: kube-controller-manager divides it into at most "
        "65536 parts; write /{right} or a longer length, or a larger ipsPerNode",
        "{given} 对于每节点 {per_node} 个地址来说太大：kube-controller-manager 最多划分 65536 份；"
        "请写 /{right} 或更长的前缀，或增大 ipsPerNode",
    ),
    "service.small": Text(
        "{given} is too small: cluster DNS takes the tenth address; write a length of at most /28",
        "{given} 太小：集群 DNS 使用第十个地址；前缀长度最大为 /28",
    ),
    "service.large": Text(
        "{given} is too large: kube-apiserver takes at most 2^20 addresses; write a length of at least /12",
        "{given} 太大：kube-apiserver 最多支持 2^20 个地址；前缀长度最小为 /12",
    ),
    "cidr.overlap": Text(
        "{given} overlaps {what} {other}; write a network apart from it, such as {right}",
        "{given} 与{what} {other} 重叠；请写与其分开的网段，例如 {right}",
    ),
    "cidr.holds": Text(
        "{given} contains {what} {other}; write a network apart from it, such as {right}",
        "{given} 包含{what} {other}；请写与其分开的网段，例如 {right}",
    ),
    "ips.power": Text(
        "{given} is not a power of two; write {lower} or {upper}", "{given} 不是 2 的幂；请写 {lower} 或 {upper}"
    ),
    "nodes.fit": Text(
        "{given} with {per_node} addresses per node has room for {limit} nodes, but the cluster has {machines} "
        "Machines; write a shorter length or a smaller ipsPerNode",
        "{given} 在每节点 {per_node} 个地址时只能容纳 {limit} 个节点，而集群有 {machines} 台机器；"
        "请写更短的前缀或更小的 ipsPerNode",
    ),
    "nodes.room": Text(
        "{given} with {per_node} addresses per node has room for {limit} nodes",
        "{given} 在每节点 {per_node} 个地址时可容纳 {limit} 个节点",
    ),
    "nodes.full": Text(
        "the cluster's Pod network {given} has room for {limit} nodes and {machines} Machines are there already",
        "集群的 Pod 网段 {given} 只能容纳 {limit} 个节点，现已有 {machines} 台机器",
    ),
    "domain.form": Text(
        "{given} is not a domain; write lower-case labels joined by dots, such as cluster.local",
        "{given} 不是域名；请写以点分隔的小写标签，例如 cluster.local",
    ),
    # Addresses and hosts.
    "address.form": Text(
        "{given} is not an IPv4 address; write four numbers from 0 to 255, such as {right}",
        "{given} 不是 IPv4 地址；请写四个 0 到 255 的数字，例如 {right}",
    ),
    "address.ipv6": Text(
        "{given} is IPv6, which is not implemented yet; write an IPv4 address",
        "{given} 是 IPv6，尚未实现；请写 IPv4 地址",
    ),
    "address.special": Text(
        "{given} is {what} address, which other machines can't reach; write {right}",
        "{given} 是{what}地址，其他机器无法访问；请写{right}",
    ),
    "host.form": Text(
        "{given} is neither an IP address nor a DNS name; write {right}",
        "{given} 既不是 IP 地址也不是域名；请写 {right}",
    ),
    "host.url": Text("{given} is more than a host; write {right}", "{given} 不只是主机；请写 {right}"),
    "host.loopback": Text(
        "{given} names the machine itself, so every machine would reach another API; write {right}",
        "{given} 指向机器自身，每台机器会访问到不同的 API；请写{right}",
    ),
    "endpoint.worker": Text(
        "{given} is the address of the worker {machine}; write the control plane's address{right} or a name",
        "{given} 是工作节点 {machine} 的地址；请写控制平面的地址{right}或域名",
    ),
    "endpoint.inside": Text(
        "{given} lies in {what} {other}, whose addresses exist only inside the cluster; "
        "write the control plane's address{right} or a name",
        "{given} 位于{what} {other} 内，该网段的地址只在集群内部有效；请写控制平面的地址{right}或域名",
    ),
    "machine.inside": Text(
        "{given} lies in the cluster's {what} {other}; correct the address, or the Cluster's network",
        "{given} 位于集群的{what} {other} 内；请更正地址，或更正集群的网段",
    ),
    "machine.endpoint": Text(
        "{given} is the endpoint of the Cluster, so the Machine with it must be the control plane; "
        "write role ControlPlane, or another endpoint in the Cluster",
        "{given} 是集群的访问端点，因此该机器必须是控制平面；请写角色 ControlPlane，或更换集群的访问端点",
    ),
    "machine.twice": Text(
        "{given} is already the address of Machine {machine}{where}; a machine belongs to one cluster, once",
        "{given} 已是机器 {machine}{where} 的地址；一台机器只能属于一个集群，且只能出现一次",
    ),
    "ssh.twice": Text(
        "{given} already is where roost reaches Machine {machine}{where}; write this machine's own address and port",
        "{given} 已是机器 {machine}{where} 的 SSH 地址；请写本机器自己的地址和端口",
    ),
    "proxy.form": Text("{given} is not host:port; write {right}", "{given} 不是 主机:端口；请写 {right}"),
    "hostkey.form": Text(
        "is neither a host key nor a fingerprint; write «ssh-ed25519 AAAA…» as `ssh-keyscan HOST` prints it without "
        "the address, or «SHA256:…» as `ssh-keygen -lf` prints it",
        "既不是主机密钥也不是指纹；请按 `ssh-keyscan HOST` 的输出（去掉地址）写「ssh-ed25519 AAAA…」，"
        "或按 `ssh-keygen -lf` 的输出写「SHA256:…」",
    ),
    "hostkey.private": Text(
        "is a private key; take it out and use another one from now on; write the public host key of the machine",
        "是私钥；请将其删除并从此弃用；此处应写机器的主机公钥",
    ),
    # Roles.
    "planes.most": Text(
        "a Cluster has one, three or five control planes; with {machines} it would have {count}",
        "集群可以有一个、三个或五个控制平面；加上 {machines} 将有 {count} 个",
    ),
    "planes.even": Text(
        "a Cluster is made with one, three or five control planes, not with {count} ({machines}): an even number "
        "bears no more failures than the odd one below it; add one or leave one out",
        "创建集群时控制平面须为一个、三个或五个，而不是 {count} 个（{machines}）："
        "偶数个可容忍的故障并不多于少一个时；"
        "请增加或减少一个",
    ),
    "planes.even.now": Text(
        "with {count} control planes ({machines}) the cluster bears no more failures than with one fewer; "
        "this is well while it grows or shrinks, not for long",
        "控制平面为 {count} 个（{machines}）时，可容忍的故障并不多于少一个时；扩缩容期间可以如此，不宜长久保持",
    ),
    "endpoint.own.many": Text(
        "{given} is the address of the Machine {machine}, so the cluster would be gone with it and its other control "
        "planes ({machines}) would be of no use; write a load balancer's address, a name, or an address that no "
        "machine has, with selfBuiltVIP",
        "{given} 是机器 {machine} 的地址：该机器故障时集群便不可用，其余控制平面（{machines}）也不起作用；"
        "请写负载均衡器的地址、域名，或不属于任何机器的地址并设置 selfBuiltVIP",
    ),
    "endpoint.own": Text(
        "{given} is the address of the only control plane, {machine}: the cluster can't have more control planes "
        "later and the machine can't be replaced by one with another address; a name, a load balancer or "
        "selfBuiltVIP leaves that open",
        "{given} 是唯一的控制平面 {machine} 的地址：以后无法增加控制平面，也无法用其他地址的机器替换它；"
        "域名、负载均衡器或 selfBuiltVIP 则保留这种可能",
    ),
    "plane.own.endpoint": Text(
        "a further control plane can't be added: the endpoint of Cluster {cluster} is {given}, the address of the "
        "Machine {machine}, and can't be changed; make a new Cluster whose endpoint is a load balancer, a name or a "
        "self-built VIP, or write role Worker",
        "不能再增加控制平面：集群 {cluster} 的访问端点 {given} 是机器 {machine} 的地址且不可更改；"
        "请新建访问端点为负载均衡器、域名或自建 VIP 的集群，或写角色 Worker",
    ),
    "vip.required": Text(
        "is required where the endpoint's host {given} is a name; write the address that it resolves to",
        "访问端点的 host {given} 是域名时必填；请写它解析到的地址",
    ),
    "vip.form": Text(
        "{given} is not an IP address; write one such as {right}", "{given} 不是 IP 地址；请写例如 {right}"
    ),
    "vip.other": Text(
        "{given} is not the endpoint's host {host}; leave it out or write the same address",
        "{given} 与访问端点的 host {host} 不同；请不填或写相同的地址",
    ),
    "vip.machine": Text(
        "{given} is the address of the Machine {machine}; a virtual address is one that no machine has",
        "{given} 是机器 {machine} 的地址；虚拟地址不能属于任何机器",
    ),
    "vip.inside": Text(
        "{given} lies in {what} {other}, whose addresses exist only inside the cluster; write a free address of the "
        "control planes' subnet",
        "{given} 位于{what} {other} 内，该网段的地址只在集群内部有效；请写控制平面所在子网中的空闲地址",
    ),
    "vip.port": Text(
        "{given} is taken on every control plane by {component}; take 6443",
        "{given} 在每个控制平面上已由 {component} 占用；请使用 6443",
    ),
    "machine.vip": Text(
        "{given} is the virtual address of Cluster {cluster}, which no machine may have; write the machine's own",
        "{given} 是集群 {cluster} 的虚拟地址，任何机器都不能使用；请写机器自己的地址",
    ),
    "external.inside": Text(
        "{given} lies in {what} {other}, whose addresses the platform can't reach; write the address by which the "
        "platform reaches the cluster",
        "{given} 位于{what} {other} 内，平台无法访问该网段的地址；请写平台访问集群所用的地址",
    ),
    "role.none": Text(
        "no Machine with role ControlPlane names this Cluster; add one with clusterName {cluster}",
        "没有角色为 ControlPlane 的机器属于该集群；请添加一台 clusterName 为 {cluster} 的机器",
    ),
    "role.none.yet": Text(
        "no Machine with role ControlPlane names this Cluster yet; its creation waits for one",
        "还没有角色为 ControlPlane 的机器属于该集群；创建将等待它出现",
    ),
    # What a Machine names.
    "cluster.absent": Text(
        "there is no Cluster {given} in the namespace {namespace}; the Machine waits for it",
        "命名空间 {namespace} 中没有集群 {given}；机器将等待它出现",
    ),
    "cluster.way": Text(
        "the Cluster {given} is not made of Machines; name one with onPremises",
        "集群 {given} 不是由机器组成的；请填写使用 onPremises 的集群",
    ),
    "cluster.going": Text(
        "the Cluster {given} is being deleted; wait until it is gone, or name another one",
        "集群 {given} 正在删除；请等待删除完成，或填写其他集群",
    ),
    "secret.absent": Text(
        "there is no Secret {given} in the namespace {namespace}; create it with type {types}",
        "命名空间 {namespace} 中没有 Secret {given}；请创建类型为 {types} 的 Secret",
    ),
    "secret.absent.here": Text(
        "the Secret {given} is not in these files; it must be in the namespace {namespace} when they are applied",
        "这些文件中没有 Secret {given}；应用这些文件时它必须已在命名空间 {namespace} 中",
    ),
    "secret.type": Text(
        "the Secret {given} has type {type}; make one of type {types}",
        "Secret {given} 的类型为 {type}；请创建类型为 {types} 的 Secret",
    ),
    "secret.key": Text(
        "the Secret {given} of type {type} has no key {missing}; add it",
        "类型为 {type} 的 Secret {given} 缺少键 {missing}；请添加",
    ),
    "secret.access": Text(
        "you may not get the Secret {given} in the namespace {namespace}, so you can't have roost sign in with it; "
        "ask for the permission «get» on secrets {given}, or name a Secret of your own",
        "您无权读取命名空间 {namespace} 中的 Secret {given}，因此不能让 roost 用它登录；"
        "请申请 secrets {given} 的「get」权限，或改用您自己的 Secret",
    ),
    # Extra arguments and names.
    "flag.dashes": Text("{given}: write it without dashes: {right}", "{given}：不要写前导短横线：{right}"),
    "flag.equals": Text(
        "{given}: write the flag as the key and its value as the value: {right}",
        "{given}：请把参数名写为键、参数值写为值：{right}",
    ),
    "flag.form": Text(
        "{given} is not the name of a flag; flags are lower-case words joined by dashes, such as {right}",
        "{given} 不是参数名；参数名由小写单词和短横线组成，例如 {right}",
    ),
    "flag.owned": Text("{given} is set by roost: {because}", "{given} 由 roost 设置：{because}"),
    "flag.value": Text("must be one line without control characters", "必须是单行文本，不含控制字符"),
    "flag.number": Text(
        "{given} must be a whole number from {low} on, such as {right}",
        "{given} 必须是不小于 {low} 的整数，例如 {right}",
    ),
    "san.form": Text(
        "{given} is neither an IP address nor a DNS name; write {right}",
        "{given} 既不是 IP 地址也不是域名；请写 {right}",
    ),
    "san.twice": Text("{given} stands there twice; leave one", "{given} 出现了两次；请只保留一个"),
}
