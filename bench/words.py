"""What each figure is called, and beside what it stands, for the printed table and the page in both languages."""

from __future__ import annotations

from typing import Final

Words = tuple[str, str]
"""English, Chinese."""

TITLES: Final[dict[str, Words]] = {
    "creation": ("Creating a cluster of 1+2", "创建 1+2 集群"),
    "playbook": ("Creating a cluster of 1+2, beside Ansible", "创建 1+2 集群，与 Ansible 对照"),
    "wide": ("Creating a cluster of 3+3", "创建 3+3 集群"),
    "joining": ("Adding a node", "添加节点"),
    "up": ("Starting the platform", "启动平台"),
    "version": ("Commands", "命令"),
    "gateway": ("The gateway and the tunnel", "网关与隧道"),
    "console": ("The console", "控制台"),
    "fleet": ("3,000 registered clusters", "3,000 个注册的集群"),
}

NOTES: Final[dict[str, Words]] = {
    "creation": (
        "Kubernetes 1.31.4 on three lab machines that were made anew before each run, outside the clock. roost: from "
        "`kubectl apply` of one file until the Cluster is Available. Peer: `bench/expert.sh`, a hand-written script "
        "that does the bare necessary steps over SSH in parallel, with everything prepared; it has no preflight, "
        "journal, checks or undo. Both end with the same question to the cluster: every node Ready, CoreDNS rolled "
        "out. roost's platform runs on the same processors as the machines; its share is given per process.",
        "在三台实验机器上创建 Kubernetes 1.31.4 集群；每次运行前重新制作机器，不计时。"
        "roost：从 `kubectl apply` 一个文件到集群 Available。对照：`bench/expert.sh`，手写脚本，"
        "一切预先准备好，通过 SSH 并行执行最少的必要步骤，没有预检、日志、检查和还原。"
        "两者以同一个问题结束：所有节点 Ready，CoreDNS 部署完成。"
        "roost 的平台与机器共用处理器，各进程所占份额单独列出。",
    ),
    "playbook": (
        "The same creation by roost. Peer: `bench/ansible/playbook.yml`, the same steps on the machines by modules "
        "of ansible-core (pipelining, forks 10): checks, each program with its sum, files, units, images out of the "
        "same registry. It keeps no image of what was before, has no undo, and does not look at a thing after its "
        "change. Python was installed on the machines before the clock.",
        "roost 同样的创建过程。对照：`bench/ansible/playbook.yml`，用 ansible-core 的模块在机器上执行相同步骤"
        "（pipelining，forks 10）：检查、逐个核对校验和的程序、文件、单元、来自同一镜像仓库的镜像。"
        "它不保留更改之前的样子，不能还原，更改之后也不再查看。Python 在计时前装到机器上。",
    ),
    "wide": (
        "Six lab machines, made anew before each run; three are control planes behind the same load balancer. "
        "Clocks, peer and last question are those of 1+2; by hand, further control planes join one after another.",
        "六台实验机器，每次运行前重新制作；其中三台为控制平面，位于同一负载均衡器之后。"
        "计时方式、对照和结束时的问题与 1+2 相同；手工方式下其余控制平面依次加入。",
    ),
    "joining": (
        "A machine made anew joins a running cluster of one node and one of five, and is removed again outside the "
        "clock. roost: from `kubectl apply` of one Machine. Peer: `bench/join.sh` by hand over SSH, programs, images "
        "and token ready. Both end when the cluster calls the node Ready.",
        "一台新制作的机器加入只有一个节点和有五个节点的运行中集群，随后在计时之外移除。"
        "roost：从 `kubectl apply` 一个 Machine 起。"
        "对照：通过 SSH 手工执行 `bench/join.sh`，程序、镜像和令牌已备好。两者都到集群称该节点 Ready 为止。",
    ),
    "up": (
        "`roost up --detach` on an existing data directory, until it returns. Peer: etcd and kube-apiserver alone, "
        "the same programs with the same arguments and the same data, until `/readyz` says ok. Memory is resident "
        "memory some seconds after the start.",
        "在已有数据目录上执行 `roost up --detach`，直到命令返回。"
        "对照：仅 etcd 和 kube-apiserver，程序、参数和数据都相同，直到 `/readyz` 回答 ok。"
        "内存为启动数秒后的常驻内存。",
    ),
    "gateway": (
        "One kube-apiserver 1.31.4 is platform and cluster at once; gateway, agent, both ends of the peer and the "
        "load are processes of their own on the same processors, with TLS on every leg. The load is one Go program "
        "that asks for a small object 400 times and for a list of 22 MB four times, one after another. Latency is "
        "what is added to the same request without a gateway. Peer: a Go reverse proxy whose connections go through "
        "rancher/remotedialer v0.4.0. It neither signs anybody in nor authorises, audits or impersonates, and it "
        "tunnels the TLS connection itself; roost does all of that for each request.",
        "同一个 kube-apiserver 1.31.4 既是平台又是集群；网关、代理、对照的两端和负载各为独立进程，共用处理器，"
        "每一段都有 TLS。负载是同一个 Go 程序：依次请求小对象 400 次、22 MB 的列表 4 次。"
        "延迟为相对不经网关的同一请求所增加的部分。对照：连接经 rancher/remotedialer v0.4.0 的 Go 反向代理；"
        "它不做登录、授权、审计和身份模拟，并直接承载 TLS 连接；roost 对每个请求都做这些。",
    ),
    "console": (
        "Debian's Chromium, without a window, on the same processors as a platform of roost. The first page: sign-in "
        "and the list behind it, with nothing in the browser's cache. The list: 2,000 registered clusters, opened "
        "anew with the scripts in the cache, from the start of the navigation to the frame that shows it; the "
        "slowest of six keys in its filter, from the key to the frame with the rows that fit; the longest task on "
        "the page's main thread while it is scrolled from end to end. Memory: JavaScript's heap after a garbage "
        "collection, before and after 3,600 changes of the listed clusters (one a second for an hour, sent as fast "
        "as the API server takes them). There is no peer: a limit stands beside each.",
        "Debian 的 Chromium（无窗口），与 roost 平台共用处理器。首页：登录页及其后的列表，浏览器缓存为空。"
        "列表：2,000 个已注册的集群，脚本在缓存中，重新打开，从导航开始到显示它的那一帧；"
        "筛选框中六次按键里最慢的一次，从按键到显示符合条件的行；从头滚动到尾时页面主线程上最长的任务。"
        "内存：列表中的集群发生 3,600 次更改（每秒一次，共一小时，按 API 服务器能接受的速度发送）前后，"
        "垃圾回收之后的 JavaScript 堆。没有对照，每项旁边是上限。",
    ),
    "fleet": (
        "`roost up` with 3,000 registered clusters of 3 nodes on 2 processors. The clusters are fakes: the "
        "agent's own code with two tunnels each, got by tokens, before an API server that is a few dictionaries "
        "with answers of true size; they run in three processes on the same processors, and their share is given "
        "apart. Lag: from the moment at which a cluster's API server becomes unwell, or well again, until a watch "
        "of the platform's API tells so; 600 such changes a run, 5 a second. A run is one measurement of the same "
        "running platform. Of a processor, 100 % is one.",
        "`roost up` 加 3,000 个注册的集群（各 3 个节点），2 个处理器。集群是仿制的：代理本身的代码，"
        "各凭令牌取得两条隧道，其 API server 由几个字典代替，应答为真实大小；"
        "它们在同样的处理器上以三个进程运行，所占份额单独列出。"
        "滞后：从某集群的 API server 变为不健康（或恢复）到平台 API 的 watch 告知为止；"
        "每次运行 600 次变化，每秒 5 次。"
        "一次运行是对同一运行中平台的一次测量。处理器 100 % 即一个处理器。",
    ),
    "version": (
        "Wall time of a whole command. kubectl's discovery cache is warm. The lists show 100 paused clusters of a "
        "running platform.",
        "整条命令的耗时。kubectl 的发现缓存已预热。列表为运行中的平台上 100 个暂停的集群。",
    ),
}

LABELS: Final[dict[str, Words]] = {
    "creation.time": ("Creation", "创建"),
    "creation.available": ("of it until Available", "其中到 Available 为止"),
    "creation.busy": ("Processor time of the whole computer", "整台计算机的处理器时间"),
    "creation.machines": ("Processor time on the machines, of it", "其中机器上的处理器时间"),
    "creation.link": ("Received over its link by {part}", "{part} 经链路接收"),
    "creation.platform": ("Processor time of roost's {part}", "roost 的 {part} 的处理器时间"),
    "creation.share": ("Share of roost's platform in the processor time", "roost 平台占处理器时间的份额"),
    "creation.commands": ("Commands (round trips) over SSH to {part}", "经 SSH 发往 {part} 的命令（往返）数"),
    "creation.connects": ("Connections opened to {part}", "与 {part} 建立的连接数"),
    "creation.sent": ("Sent over SSH to {part}", "经 SSH 发往 {part} 的数据"),
    "creation.look": ("Second look at everything", "再次查看全部"),
    "creation.look-commands": ("Second look: commands to {part}", "再次查看：发往 {part} 的命令数"),
    "creation.look-sent": ("Second look: sent to {part}", "再次查看：发往 {part} 的数据"),
    "creation.look-acts": ("Second look: changing commands", "再次查看：更改性命令数"),
    "creation.deletion": ("Deletion, machines as before", "删除，机器恢复原状"),
    "playbook.time": ("Creation", "创建"),
    "playbook.machines": ("Processor time on the machines", "机器上的处理器时间"),
    "playbook.again": ("Second run, nothing to change", "第二次运行，无需更改"),
    "wide.time": ("Creation", "创建"),
    "wide.available": ("of it until Available", "其中到 Available 为止"),
    "wide.busy": ("Processor time of the whole computer", "整台计算机的处理器时间"),
    "wide.machines": ("Processor time on the machines, of it", "其中机器上的处理器时间"),
    "wide.deletion": ("Deletion, machines as before", "删除，机器恢复原状"),
    "joining.time": ("A node added to {part}", "加入有 {part} 个节点的集群"),
    "joining.machine": (
        "Processor time on the new machine, beside {part}",
        "新机器的处理器时间（原有 {part} 个）",
    ),
    "joining.elsewhere": ("Commands to the other machines, {part}", "发往其他机器的命令数（原有 {part} 个）"),
    "up.time": ("Start", "启动"),
    "up.first": ("First start, from a release bundle", "首次启动（从发布包）"),
    "up.memory": ("Memory of {part}", "{part} 的内存"),
    "up.memory-all": ("Memory in all", "内存合计"),
    "version.time": ("`roost version`", "`roost version`"),
    "version.python": ("Python's own start, of that", "其中 Python 自身的启动"),
    "version.clusters": ("`roost clusters`", "`roost clusters`"),
    "gateway.direct-p50": ("Added by the gateway, p50", "网关增加的延迟，p50"),
    "gateway.direct-p99": ("Added by the gateway, p99", "网关增加的延迟，p99"),
    "gateway.tunnel-p50": ("Added by gateway and tunnel, p50", "网关与隧道增加的延迟，p50"),
    "gateway.tunnel-p99": ("Added by gateway and tunnel, p99", "网关与隧道增加的延迟，p99"),
    "gateway.none-rate": ("Large answers without a gateway, per second", "不经网关的大应答，每秒"),
    "gateway.direct-rate": ("Large answers through the gateway, per second", "经网关的大应答，每秒"),
    "gateway.tunnel-rate": ("Large answers through gateway and tunnel, per second", "经网关与隧道的大应答，每秒"),
    "gateway.stalled": ("Lost by others beside one stalled reader", "一个停滞的读取方使其他请求损失"),
    "console.script": ("Compressed script before the first page works", "首页可用之前的压缩脚本"),
    "console.first-paint": ("Largest paint of the first page", "首页的最大内容绘制"),
    "console.paint": ("Largest paint of the list", "列表的最大内容绘制"),
    "console.row": ("First row of 2,000", "2,000 行中的第一行"),
    "console.key": ("From a key to the filtered list", "从按键到筛选后的列表"),
    "console.scroll": ("Longest task while scrolling", "滚动时最长的任务"),
    "console.memory": ("Growth of memory in an hour of changes", "一小时更改后内存的增长"),
    "fleet.lag-p50": ("Lag of status, p50", "状态滞后，p50"),
    "fleet.lag-p99": ("Lag of status, p99", "状态滞后，p99"),
    "fleet.memory-all": ("Memory of the whole platform", "整个平台的内存"),
    "fleet.memory": ("Memory of {part}", "{part} 的内存"),
    "fleet.busy-all": ("Processor time of the whole platform", "整个平台的处理器时间"),
    "fleet.busy": ("Processor time of {part}", "{part} 的处理器时间"),
    "fleet.fakes-memory": ("Memory of the fakes", "仿制集群的内存"),
    "fleet.fakes-busy": ("Processor time of the fakes", "仿制集群的处理器时间"),
    "fleet.object": ("One Cluster as the API has it", "API 中的一个 Cluster"),
    "fleet.settled": ("From the first agent until all are Available", "从第一个代理到全部 Available"),
    "gateway.idle": ("Memory of 1,000 idle tunnels in the gateway", "网关中 1,000 条空闲隧道的内存"),
}

PEERS: Final[dict[str, Words]] = {
    "creation.time": ("hand-written script", "手写脚本"),
    "creation.busy": ("hand-written script", "手写脚本"),
    "creation.machines": ("hand-written script", "手写脚本"),
    "creation.link": ("hand-written script", "手写脚本"),
    "playbook.time": ("Ansible playbook", "Ansible playbook"),
    "playbook.machines": ("Ansible playbook", "Ansible playbook"),
    "playbook.again": ("Ansible playbook", "Ansible playbook"),
    "wide.time": ("hand-written script", "手写脚本"),
    "wide.busy": ("hand-written script", "手写脚本"),
    "wide.machines": ("hand-written script", "手写脚本"),
    "joining.time": ("raw kubeadm join", "手工 kubeadm join"),
    "joining.machine": ("raw kubeadm join", "手工 kubeadm join"),
    "up.time": ("bare etcd and kube-apiserver", "单独的 etcd 和 kube-apiserver"),
    "up.memory": ("bare {part}", "单独的 {part}"),
    "version.time": ("`kubectl version --client`", "`kubectl version --client`"),
    "version.clusters": ("`kubectl get clusters -A`", "`kubectl get clusters -A`"),
    "gateway.tunnel-p50": ("rancher/remotedialer", "rancher/remotedialer"),
    "gateway.tunnel-p99": ("rancher/remotedialer", "rancher/remotedialer"),
    "gateway.tunnel-rate": ("rancher/remotedialer", "rancher/remotedialer"),
}

PARTS: Final[dict[str, Words]] = {
    "control-plane": ("the control plane", "控制平面"),
    "worker": ("each worker", "每个工作节点"),
    "up": ("supervisor", "监督进程"),
}
"""Parts that are not the names of programs."""


def label(key: str, part: str, language: int) -> str:
    """`language`: 0 English, 1 Chinese."""
    return _fill(LABELS[key][language], part, language)


def peer(key: str, part: str, language: int) -> str:
    return _fill(PEERS[key][language], part, language) if key in PEERS else ""


def _fill(text: str, part: str, language: int) -> str:
    return text.format(part=PARTS[part][language] if part in PARTS else part)
