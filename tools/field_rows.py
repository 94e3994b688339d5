"""The fields of a kind as rows: path, schema, what stands against a change. Called by gen and by parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from roost.api.markers import Frozen
from roost.api.messages import condition_title
from roost.api.schema import Schema
from roost.api.translations import models_in

Language = Literal["en", "zh"]


WORDS: Final[dict[str, tuple[str, str]]] = {
    "field": ("Field", "字段"),
    "type": ("Type", "类型"),
    "default": ("Default", "默认值"),
    "required": ("Required", "必填"),
    "changed": ("Can be changed", "可否更改"),
    "description": ("Description", "说明"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "always": ("yes", "可以"),
    "never": ("never", "不可"),
    "until": ("until `{condition}`", "在 `{condition}`（{title}）之前"),
    "spec": ("What is wanted: spec", "期望的状态：spec"),
    "status": ("What was found: status", "观察到的状态：status"),
    "frozen": ("Why a field can't be changed any more", "字段为何不可再更改"),
    "facts": (
        "`apiVersion: {api}`, `kind: {kind}`; {scope}; `kubectl get {names}`.",
        "`apiVersion: {api}`，`kind: {kind}`；{scope}；`kubectl get {names}`。",
    ),
    "Namespaced": ("in a namespace", "位于命名空间内"),
    "Cluster": ("for the whole platform", "属于整个平台"),
    "string": ("text", "文本"),
    "integer": ("whole number", "整数"),
    "boolean": ("true or false", "true 或 false"),
    "object": ("fields", "字段组"),
    "date-time": ("time", "时间"),
    "list": ("list of {item}", "{item}列表"),
    "map": ("map of text to {item}", "文本到{item}的映射"),
    "range": ("{low} to {high}", "{low} 到 {high}"),
    "from": ("from {low}", "不小于 {low}"),
    "long": ("at most {limit}", "最多 {limit}"),
    "conditions": ("Conditions and reasons", "状况与原因"),
    "conditions.lead": (
        "A condition tells what was found. Nothing in roost resumes from one: the machines are looked at instead. "
        "Types are stable; a reason is one word for programs, the message beside it is for people. "
        "The API holds messages in English; the console and the CLI show what roost itself says in them in the "
        "reader's language, and what machines and programs say as it is.",
        "状况说明观察到的结果。roost 不会依据状况继续工作，而是重新查看机器。类型保持稳定；"
        "原因是供程序使用的一个单词，旁边的消息供人阅读。"
        "API 中的消息为英文；控制台和命令行以读者的语言显示其中 roost 自身的内容，机器和程序的输出保持原样。",
    ),
    "of.cluster": ("On a Cluster, in the order of a creation", "集群的状况，按创建顺序"),
    "of.machine": ("On a Machine, in order", "机器的状况，按顺序"),
    "of.both": ("On both while they go", "两者删除期间的状况"),
    "reasons": ("Reasons", "原因"),
    "reason": ("Reason", "原因"),
    "meaning": ("What it means and what to do", "含义与处理办法"),
    "title": ("For people", "名称"),
}


def say(word: str, language: Language, **values: object) -> str:
    text = WORDS[word][0 if language == "en" else 1]
    return text.format(**values) if values else text


@dataclass(frozen=True)
class Row:
    """One field of a kind, wherever it stands."""

    path: str
    owner: type[BaseModel]
    info: FieldInfo
    schema: Schema
    required: bool
    frozen: Frozen | None


def rows(model: type[BaseModel], schema: Schema, path: str, frozen: Frozen | None = None) -> Iterator[Row]:
    """A field, then what is inside it, in the order of the model."""
    for name, info in model.model_fields.items():
        alias = info.alias or name
        body: Schema = schema["properties"][alias]
        mark = next((item for item in info.metadata if isinstance(item, Frozen)), frozen)
        yield Row(f"{path}.{alias}", model, info, body, alias in schema.get("required", []), mark)
        inner = models_in(info.annotation)
        if inner:
            below = body.get("items") or body
            if "properties" in below:
                yield from rows(inner[0], below, f"{path}.{alias}" + ("[]" if "items" in body else ""), mark)


def inner(model: type[BaseModel], field: str) -> type[BaseModel] | None:
    info = model.model_fields.get(field)
    return models_in(info.annotation)[0] if info else None


def changeable(frozen: Frozen | None, language: Language) -> str:
    if frozen is None:
        return say("always", language)
    if frozen.after is None:
        return say("never", language)
    return say("until", language, condition=frozen.after, title=condition_title(frozen.after, language))
