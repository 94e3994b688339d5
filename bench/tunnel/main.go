// The peer of roost's tunnel, and the load for both: `python -m bench --only gateway` builds and runs it.
//
//	server: an HTTPS reverse proxy whose connections go through rancher/remotedialer
//	client: the far end of that tunnel
//	load:   times requests and large answers at any address
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sort"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rancher/remotedialer"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("server, client or load"))
	}
	switch os.Args[1] {
	case "server":
		server(os.Args[2:])
	case "client":
		client(os.Args[2:])
	case "load":
		load(os.Args[2:])
	default:
		fail(fmt.Errorf("unknown word %s", os.Args[1]))
	}
}

func server(words []string) {
	flags := flag.NewFlagSet("server", flag.ExitOnError)
	listen := flags.String("listen", "", "")
	certificate := flags.String("cert", "", "")
	key := flags.String("key", "", "")
	target := flags.String("target", "", "")
	ca := flags.String("ca", "", "")
	flags.Parse(words)
	where, err := url.Parse(*target)
	fail(err)
	handler := remotedialer.New(func(*http.Request) (string, bool, error) { return "agent", true, nil },
		remotedialer.DefaultErrorWriter)
	proxy := httputil.NewSingleHostReverseProxy(where)
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{
		DialContext:         handler.Dialer("agent"),
		TLSClientConfig:     trusting(*ca),
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
	}
	mux := http.NewServeMux()
	mux.Handle("/connect", handler)
	mux.Handle("/", proxy)
	fail((&http.Server{Addr: *listen, Handler: mux, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}).
		ListenAndServeTLS(*certificate, *key))
}

func client(words []string) {
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	to := flags.String("to", "", "")
	ca := flags.String("ca", "", "")
	flags.Parse(words)
	dialer := &websocket.Dialer{TLSClientConfig: trusting(*ca), HandshakeTimeout: 10 * time.Second}
	for {
		err := remotedialer.ClientConnect(context.Background(), *to, nil, dialer,
			func(string, string) bool { return true }, nil)
		fmt.Fprintln(os.Stderr, err)
		time.Sleep(200 * time.Millisecond)
	}
}

func load(words []string) {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	ca := flags.String("ca", "", "")
	base := flags.String("base", "", "")
	small := flags.String("small", "/version", "")
	large := flags.String("large", "", "")
	requests := flags.Int("requests", 500, "")
	answers := flags.Int("answers", 5, "")
	stalled := flags.Int("stalled", 0, "readers that take nothing")
	flags.Parse(words)
	// The token comes by the environment: arguments are seen by everybody.
	token := os.Getenv("BENCH_TOKEN")
	transport := &http.Transport{TLSClientConfig: trusting(*ca), DisableCompression: true, MaxIdleConnsPerHost: 4}
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	ask := func(path string) *http.Response {
		request, err := http.NewRequest("GET", *base+path, nil)
		fail(err)
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Accept", "application/json")
		answer, err := transport.RoundTrip(request)
		fail(err)
		if answer.StatusCode != 200 {
			body, _ := io.ReadAll(answer.Body)
			fail(fmt.Errorf("%s%s: %d %s", *base, path, answer.StatusCode, body))
		}
		return answer
	}
	for range make([]struct{}, *stalled) {
		ask(*large)
	}
	buffer := make([]byte, 256*1024)
	read := func(path string) int64 {
		answer := ask(path)
		defer answer.Body.Close()
		count, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, answer.Body, buffer)
		fail(err)
		return count
	}
	var times []float64
	for number := 0; number < *requests+50; number++ {
		began := time.Now()
		read(*small)
		if number >= 50 {
			times = append(times, float64(time.Since(began).Microseconds())/1000)
		}
	}
	found := map[string]float64{}
	if len(times) > 0 {
		sort.Float64s(times)
		found["p50"] = times[len(times)/2]
		found["p99"] = times[len(times)*99/100]
	}
	if *answers > 0 {
		read(*large)
		began := time.Now()
		var bytes int64
		for number := 0; number < *answers; number++ {
			bytes += read(*large)
		}
		found["rate"] = float64(bytes) / time.Since(began).Seconds()
	}
	fail(json.NewEncoder(os.Stdout).Encode(found))
}

func trusting(ca string) *tls.Config {
	pem, err := os.ReadFile(ca)
	fail(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
