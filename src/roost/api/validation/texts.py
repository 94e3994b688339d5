"""The words of every rule, in English and Chinese, with the same placeholders. Used by findings.py alone.

A text says what is wrong and what would be right; it ends without a full stop, since Kubernetes'
clients put the field's path before it and may put something behind it. Words about networks, about
machines' parameters and about the smaller kinds stand in files of their own.
"""

from __future__ import annotations

from typing import Final

from roost.api.validation.terms import (
    JOIN_CIDR,
    LINK_LOCAL,
    LOOPBACK,
    MULTICAST,
    NOTHING,
    OWN_ADDRESS,
    POD_CIDR,
    RESERVED,
    SERVICE_CIDR,
    THE_ENDPOINT,
    UNSPECIFIED,
    Language,
    Term,
    Text,
)
from roost.api.validation.texts_kinds import KIND_TEXTS
from roost.api.validation.texts_network import NETWORK_TEXTS
from roost.api.validation.texts_parameters import PARAMETER_TEXTS

TEXTS: Final[dict[str, Text]] = {
    **NETWORK_TEXTS,
    **PARAMETER_TEXTS,
    **KIND_TEXTS,
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
    # Roles.
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

__all__ = [
    "JOIN_CIDR",
    "LINK_LOCAL",
    "LOOPBACK",
    "MULTICAST",
    "NOTHING",
    "OWN_ADDRESS",
    "POD_CIDR",
    "RESERVED",
    "SERVICE_CIDR",
    "TEXTS",
    "THE_ENDPOINT",
    "UNSPECIFIED",
    "Language",
    "Term",
    "Text",
]
