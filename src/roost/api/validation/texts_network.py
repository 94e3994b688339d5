"""The words of rules about networks, addresses and how a machine is reached. Part of texts.py."""

from __future__ import annotations

from typing import Final

from roost.api.validation.terms import Text

NETWORK_TEXTS: Final[dict[str, Text]] = {
    # Networks.
    "cidr.form": Text(
        "{given} is not a network; write an address and a length, such as {right}",
        "{given} 不是网段；请写地址和前缀长度，例如 {right}",
    ),
    "cidr.host": Text(
        "{given} has bits set behind its length; the network is {right}", "{given} 的主机位不为零；网段应为 {right}"
    ),
    "cidr.single": Text(
        "{given} is not one network, which ipFamily {family} needs; write one such as {right}",
        "{given} 不是单个网段，而 ipFamily {family} 需要单个网段；例如 {right}",
    ),
    "cidr.pair": Text(
        "{given} is not a pair, which ipFamily {family} needs; write the IPv4 and the IPv6 network with a comma "
        "between, such as {right}",
        "{given} 不是一对网段，而 ipFamily {family} 需要一对；请先写 IPv4 网段再写 IPv6 网段，用逗号分隔，例如 "
        "{right}",
    ),
    "cidr.order": Text(
        "{given} does not have IPv4 first and IPv6 second, as ipFamily {family} needs; write them as in {right}",
        "{given} 不是先 IPv4 后 IPv6，而 ipFamily {family} 要求如此；请按 {right} 的写法填写",
    ),
    "cidr.family": Text(
        "{given} is of the other family than ipFamily {family}; write a network such as {right}, or another ipFamily",
        "{given} 与 ipFamily {family} 不是同一协议；请写网段，例如 {right}，或更改 ipFamily",
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
        "{given} is too small: cluster DNS takes the tenth address; write a length of at most /{right}",
        "{given} 太小：集群 DNS 使用第十个地址；前缀长度最大为 /{right}",
    ),
    "service.large": Text(
        "{given} is too large: kube-apiserver takes at most 2^20 addresses; write a length of at least /{right}",
        "{given} 太大：kube-apiserver 最多支持 2^20 个地址；前缀长度最小为 /{right}",
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
        "{given} is not an {version} address; write one such as {right}",
        "{given} 不是 {version} 地址；请写地址，例如 {right}",
    ),
    "address.version": Text(
        "{given} is not an {version} address; write it into {other}",
        "{given} 不是 {version} 地址；请写入 {other}",
    ),
    "address.family": Text(
        "{given} is of the other family than ipFamily {family}; write an address of that family, or a name",
        "{given} 与 ipFamily {family} 不是同一协议；请写该协议的地址，或写域名",
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
    # What each network plugin knows.
    "plugin.field": Text(
        "is only for {right}; leave it out, or choose that plugin and mode",
        "仅用于 {right}；请不要填写，或选择该插件与模式",
    ),
    "nic.loopback": Text(
        "{given} leads nowhere but to the machine itself; write the device of the machines' network, such as eth0",
        "{given} 只通向机器自身；请写机器所在网络的网卡，例如 eth0",
    ),
    "nic.unwatched": Text(
        "monitoring counts the traffic of devices named eth.*, en.*, wl.* and ww.* alone; for {given}, add its "
        "name to "
        "the monitoring's device pattern",
        "监控默认只统计名称为 eth.*、en.*、wl.*、ww.* 的网卡流量；要统计 {given}，请把它加入监控的网卡匹配规则",
    ),
    "nic.custom": Text(
        "{given} has no effect with plugin Custom, since roost installs no network plugin",
        "插件为 Custom 时 {given} 不起作用，因为 roost 不安装网络插件",
    ),
    "underlay.nic": Text(
        "is required with Underlay, also where machines name theirs: it is the bridge network's default "
        "device; write "
        "one that carries neither SSH nor the default route, such as eth1",
        "Underlay 时必填（即使机器各自填写了网卡）：它是桥接网络的默认网卡；请写不承载 SSH 和默认路由的网卡，"
        "例如 eth1",
    ),
    "underlay.gateway": Text(
        "is required with Underlay; write the physical gateway's address inside podCIDR {given}",
        "Underlay 时必填；请写 podCIDR {given} 内物理网关的地址",
    ),
    "gateway.form": Text(
        "{given} is not one address for each network of podCIDR; write {right}, or whatever your gateway has",
        "{given} 不是与 podCIDR 各网段对应的地址；请写 {right} 或实际的网关地址",
    ),
    "gateway.outside": Text(
        "{given} is not an address that a gateway can have inside podCIDR {other}; write one such as {right}",
        "{given} 不是 podCIDR {other} 内可用作网关的地址；请写地址，例如 {right}",
    ),
    "reserved.form": Text(
        "{given} is neither an address nor a range; write {right}", "{given} 既不是地址也不是范围；请写 {right}"
    ),
    "reserved.order": Text("{given} ends before it begins; write {right}", "{given} 的终点在起点之前；请写 {right}"),
    "reserved.outside": Text(
        "{given} lies outside of podCIDR {other}; write {right}", "{given} 在 podCIDR {other} 之外；请写 {right}"
    ),
    "calico.small": Text(
        "{given} is smaller than one of Calico's blocks; write /{right} or a shorter length",
        "{given} 小于 Calico 的一个地址块；请写 /{right} 或更短的前缀",
    ),
    "calico.blocks": Text(
        "{given} holds {blocks} of Calico's blocks, and each of the {machines} Machines takes at least one; write a "
        "shorter length",
        "{given} 只有 {blocks} 个 Calico 地址块，而 {machines} 台机器每台至少需要一个；请写更短的前缀",
    ),
    "join.small": Text(
        "{given} has {addresses} addresses, too few for {machines} nodes, the gateway and its ends; write a shorter "
        "length",
        "{given} 只有 {addresses} 个地址，不够 {machines} 个节点、网关和首尾地址使用；请写更短的前缀",
    ),
    "pod.tiny": Text(
        "{given} is too small for a default subnet; write /28 or a shorter length",
        "{given} 作为默认子网太小；请写 /28 或更短的前缀",
    ),
    # Control planes and the endpoint.
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
}
