"""What a program with the official Python client does; run by test_gateway with KUBECONFIG and that client."""

from __future__ import annotations

import sys
import threading
import time

from kubernetes import client, config, watch
from kubernetes.stream import stream

config.load_kube_config()
core = client.CoreV1Api()
for pod in sorted(p.metadata.name for p in core.list_namespaced_pod("default", label_selector="app=probe").items):
    print(pod)


def change() -> None:
    time.sleep(1)
    core.create_namespaced_config_map("default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="by-python")))
    core.delete_namespaced_config_map("by-python", "default")


threading.Thread(target=change).start()
watching = watch.Watch()
events = watching.stream(
    core.list_namespaced_config_map, "default", field_selector="metadata.name=by-python", timeout_seconds=60
)
for event in events:
    print(event["type"])
    if event["type"] == "DELETED":
        watching.stop()
words = ["echo", "python"]
print(stream(core.connect_get_namespaced_pod_exec, sys.argv[1], "default", command=words, stdout=True), end="")
