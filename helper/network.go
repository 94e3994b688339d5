package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type dialled struct {
	Target       string  `json:"target"`
	OK           bool    `json:"ok"`
	Milliseconds float64 `json:"milliseconds"`
	Banner       string  `json:"banner,omitempty"`
	Problem      string  `json:"problem,omitempty"`
	Error        string  `json:"error,omitempty"`
}

func dialVerb(arguments []string, _ io.Reader, report *reporter) (bool, error) {
	flags := flag.NewFlagSet("dial", flag.ContinueOnError)
	timeout := flags.Duration("timeout", 5*time.Second, "")
	times := flags.Int("times", 1, "")
	read := flags.Bool("read", false, "")
	targets, err := parse(flags, arguments)
	if err != nil {
		return false, err
	}
	if len(targets) == 0 {
		return false, fmt.Errorf("%w: name at least one HOST:PORT", errUsage)
	}
	results := make([]dialled, len(targets)**times)
	var group sync.WaitGroup
	for number := range results {
		group.Add(1)
		go func() {
			defer group.Done()
			results[number] = dial(targets[number%len(targets)], *timeout, *read)
		}()
	}
	group.Wait()
	well := true
	for _, result := range results {
		report.line(result)
		well = well && result.OK
	}
	return well, nil
}

// dial connects; with read it waits a moment for the line by which a listener of this program names itself.
func dial(target string, timeout time.Duration, read bool) dialled {
	begin := time.Now()
	connection, err := net.DialTimeout("tcp", target, timeout)
	result := dialled{Target: target, Milliseconds: float64(time.Since(begin).Microseconds()) / 1000}
	if err != nil {
		result.Problem, result.Error = cause(err)
		return result
	}
	defer connection.Close()
	result.OK = true
	if read {
		_ = connection.SetReadDeadline(time.Now().Add(2 * time.Second))
		line, _ := bufio.NewReader(io.LimitReader(connection, 200)).ReadString('\n')
		result.Banner = strings.TrimSpace(line)
	}
	return result
}

type listening struct {
	Listen  string `json:"listen"`
	OK      bool   `json:"ok"`
	Problem string `json:"problem,omitempty"`
	Error   string `json:"error,omitempty"`
}

// listenVerb holds the ports for a while, so that others can be asked to dial them. It prints a line for
// each as soon as it listens (or can't), and ends when the time is over or on SIGTERM.
func listenVerb(arguments []string, _ io.Reader, report *reporter) (bool, error) {
	flags := flag.NewFlagSet("listen", flag.ContinueOnError)
	span := flags.Duration("for", 10*time.Second, "")
	banner := flags.String("banner", "", "")
	addresses, err := parse(flags, arguments)
	if err != nil {
		return false, err
	}
	if len(addresses) == 0 {
		return false, fmt.Errorf("%w: name at least one [ADDRESS:]PORT", errUsage)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	stop, release := context.WithTimeout(stop, *span)
	defer release()
	return listen(stop, addresses, *banner, report), nil
}

func listen(stop context.Context, addresses []string, banner string, report *reporter) bool {
	well := true
	var open sync.WaitGroup
	for _, address := range addresses {
		if !strings.Contains(address, ":") {
			address = ":" + address
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			problem, text := cause(err)
			report.line(listening{Listen: address, Problem: problem, Error: text})
			well = false
			continue
		}
		report.line(listening{Listen: listener.Addr().String(), OK: true})
		open.Add(1)
		go func() {
			<-stop.Done()
			listener.Close()
		}()
		go func() {
			defer open.Done()
			acceptAll(listener, banner)
		}()
	}
	open.Wait()
	return well
}

// silence is how long a listener waits for the other side to speak first, as a load balancer's health check does.
const silence = 300 * time.Millisecond

func acceptAll(listener net.Listener, banner string) {
	certificate := sync.OnceValues(selfSigned)
	for {
		connection, err := listener.Accept()
		if err == nil {
			go greet(connection, banner, certificate)
		} else if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// greet names the listener to whoever waits for its banner. A load balancer that looks over HTTP or HTTPS whether the
// machine is well gets a 200: else it would forward nothing to it.
func greet(connection net.Conn, banner string, certificate func() (tls.Certificate, error)) {
	defer connection.Close()
	if banner == "" {
		return
	}
	reader := bufio.NewReader(connection)
	_ = connection.SetReadDeadline(time.Now().Add(silence))
	first, err := reader.Peek(1)
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	if err != nil {
		_, _ = io.WriteString(connection, banner+"\n")
		return
	}
	if first[0] != tlsHandshake {
		answer(connection, reader)
		return
	}
	own, err := certificate()
	if err != nil {
		return
	}
	secured := tls.Server(&peeked{connection, reader}, &tls.Config{Certificates: []tls.Certificate{own}})
	answer(secured, bufio.NewReader(secured))
	_ = secured.Close()
}

const tlsHandshake = 0x16

func answer(connection net.Conn, reader *bufio.Reader) {
	if _, err := http.ReadRequest(reader); err == nil {
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
	}
}

// peeked is a connection of which the first bytes were looked at.
type peeked struct {
	net.Conn
	reader *bufio.Reader
}

func (p *peeked) Read(into []byte) (int, error) { return p.reader.Read(into) }

// selfSigned is what health checks see for the length of one probe; they do not judge it.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"roost-probe"},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, err
}

type checked struct {
	URL     string `json:"url"`
	OK      bool   `json:"ok"`
	Status  int    `json:"status,omitempty"`
	Problem string `json:"problem,omitempty"`
	Error   string `json:"error,omitempty"`
}

// httpCheckVerb asks once, with no attempt to go on: preflight wants to know what is wrong. keepalived of a
// self-built VIP asks through haproxy's socket, and only once a file says that there is something to ask.
func httpCheckVerb(arguments []string, _ io.Reader, report *reporter) (bool, error) {
	flags := flag.NewFlagSet("http-check", flag.ContinueOnError)
	ca := flags.String("ca", "", "")
	timeout := flags.Duration("timeout", 10*time.Second, "")
	socket := flags.String("socket", "", "")
	onlyWith := flags.String("only-with", "", "")
	urls, err := parse(flags, arguments)
	if err != nil {
		return false, err
	}
	if len(urls) != 1 {
		return false, fmt.Errorf("%w: name one URL", errUsage)
	}
	if *onlyWith != "" {
		if _, err := os.Stat(*onlyWith); os.IsNotExist(err) {
			report.line(checked{URL: urls[0], OK: true, Problem: "NotYet"})
			return true, nil
		}
	}
	client, err := newClient(*ca, false)
	if err != nil {
		return false, err
	}
	client.Timeout = *timeout
	if *socket != "" {
		transport := client.Transport.(*http.Transport)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", *socket)
		}
	}
	result := checked{URL: urls[0]}
	response, err := client.Get(urls[0])
	if err == nil {
		response.Body.Close()
		result.Status = response.StatusCode
		if result.OK = response.StatusCode == http.StatusOK; !result.OK {
			err = &statusError{response.StatusCode, http.StatusText(response.StatusCode)}
		}
	}
	if err != nil {
		result.Problem, result.Error = cause(err)
	}
	report.line(result)
	return result.OK, nil
}
