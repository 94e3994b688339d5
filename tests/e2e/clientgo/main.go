// What a program of client-go does: list, create, watch, exec over WebSocket and SPDY. Its output is compared.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	check(err)
	client, err := kubernetes.NewForConfig(config)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	maps := client.CoreV1().ConfigMaps("default")
	watch, err := maps.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=client-go"})
	check(err)
	_, err = maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "client-go"}}, metav1.CreateOptions{})
	check(err)
	event := <-watch.ResultChan()
	fmt.Println(event.Type)
	check(maps.Delete(ctx, "client-go", metav1.DeleteOptions{}))
	event = <-watch.ResultChan()
	fmt.Println(event.Type)
	watch.Stop()
	request := client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name(os.Args[2]).
		SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Command: []string{"echo", "client-go"}, Stdout: true}, scheme.ParameterCodec)
	spdy, err := remotecommand.NewSPDYExecutor(config, "POST", request.URL())
	check(err)
	socket, err := remotecommand.NewWebSocketExecutor(config, "GET", request.URL().String())
	check(err)
	for _, executor := range []remotecommand.Executor{spdy, socket} {
		var out bytes.Buffer
		check(executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out}))
		fmt.Print(out.String())
	}
}
